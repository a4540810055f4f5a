"""Pictures of any size, kind and polarity come out as MNIST's images are."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import datasets
from datasets import DataError
from datasets.mnist_form import CENTRE, form_of, normalised, prepare
from tests.saved_models import data_folder

Bytes = NDArray[np.uint8]
HEIGHT, WIDTH = 200, 300


@pytest.fixture(scope="module")
def characters() -> Bytes:
    """Drawn digits that are in MNIST's form already, made so by the function itself."""
    drawn = datasets.open_cached(data_folder()).train.images[:30]
    return np.stack([normalised(_grey(image), "mnist") for image in drawn])


def _grey(image: Bytes) -> NDArray[np.float32]:
    return image.astype(np.float32) / np.float32(255)


def photo(image: Bytes, *, seed: int = 0) -> NDArray[np.float32]:
    """White on black 28x28 -> dark on light, large, off the middle: brightness from 0 to 1."""
    random = np.random.default_rng(seed)
    side = int(random.integers(110, 180))
    large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    top, left = (int(random.integers(0, free - side)) for free in (HEIGHT, WIDTH))
    amount = np.zeros((HEIGHT, WIDTH), np.float32)
    amount[top : top + side, left : left + side] = np.asarray(large) / 255
    return np.float32(0.9) - np.float32(0.7) * amount


def shaded(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Under a light from one side: the paper on the far side is darker than half."""
    return picture * np.linspace(1, 0.5, WIDTH, dtype=np.float32)


def noisy(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    random = np.random.default_rng(1)
    noise = random.normal(0, 0.05, picture.shape).astype(np.float32)
    return np.asarray((picture + noise).clip(0, 1))


def inverted(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return 1 - picture


def difference(image: Bytes, other: Bytes) -> float:
    """Over all pixels, as a share of the ink; a shift by one pixel, which rounding may make, is
    none.
    """
    shifts = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    moved = [np.roll(image, shift, axis=(0, 1)).astype(float) for shift in shifts]
    apart = min(float(np.abs(each - other).sum()) for each in moved)
    return apart / float(other.sum(dtype=float))


# What comes out


def test_an_image_in_mnist_s_form_stays_almost_as_it_is(characters: Bytes) -> None:
    apart = [difference(prepare(Image.fromarray(image)), image) for image in characters]
    assert np.median(apart) < 0.1
    assert max(apart) < 0.5


def test_the_ink_fills_a_box_of_20_and_its_mass_is_in_the_centre(characters: Bytes) -> None:
    for seed, image in enumerate(characters):
        out = normalised(photo(image, seed=seed), "mnist")
        rows, columns = np.flatnonzero(out.any(axis=1)), np.flatnonzero(out.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) + 1 in (19, 20)  # an edge may round to 0
        for axis, size in ((1, 28), (0, 28)):
            amounts = out.sum(axis=axis, dtype=float)
            assert abs(amounts @ np.arange(size) / amounts.sum() - CENTRE) <= 0.5 + 1e-6
        assert out.max() == 255


@pytest.mark.parametrize("change", [shaded, noisy, inverted, lambda p: inverted(noisy(shaded(p)))])
def test_light_noise_and_polarity_make_little_difference(change: object, characters: Bytes) -> None:
    assert callable(change)
    apart = []
    for seed, image in enumerate(characters):
        plain = photo(image, seed=seed)
        apart.append(difference(normalised(change(plain), "mnist"), normalised(plain, "mnist")))
    assert np.median(apart) < 0.12
    assert max(apart) < 0.5  # another polarity or another box would be 1 and more


def test_letters_are_centred_by_their_box() -> None:
    picture = np.ones((60, 60), np.float32)
    picture[10:50, 10:18] = picture[42:50, 10:40] = 0  # an L: its mass is at the lower left
    by_box, by_mass = normalised(picture, "letters"), normalised(picture, "mnist")
    assert np.flatnonzero(by_box.any(axis=1))[[0, -1]].tolist() == [4, 23]
    assert np.flatnonzero(by_mass.any(axis=1))[0] < 4
    assert (form_of("letters", "az"), form_of("digits", "mnist")) == ("letters", "mnist")


def test_specks_are_no_ink(characters: Bytes) -> None:
    clean = photo(characters[0])
    dirty = clean.copy()
    dirty[5:8, 5:8] = dirty[190:193, 290:293] = 0.1
    assert difference(normalised(dirty, "mnist"), normalised(clean, "mnist")) < 0.02


def test_the_whole_picture_is_kept_where_own_images_were_read_whole() -> None:
    picture = np.full((56, 28), 255, np.uint8)
    picture[:16] = 0
    out = prepare(Image.fromarray(picture), "whole")  # half as large, and padded to a square
    assert out[:7, 7:21].min() == 255
    assert out[9:].max() == 0
    assert form_of("fruit", "own") == "whole"


# What goes in


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "I;16", "F"])
def test_every_mode_of_pillow_s_gives_the_same_image(mode: str, characters: Bytes) -> None:
    picture = np.rint(255 * photo(characters[3])).astype(np.uint8)
    wanted = prepare(Image.fromarray(picture))
    if mode == "I;16":
        image = Image.fromarray(picture.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(picture).convert(mode)
    assert difference(prepare(image), wanted) < (0.3 if mode == "1" else 0.01)


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_on_nothing_is_read_light_or_dark(ink: int, characters: Bytes) -> None:
    amount = np.rint(255 * (0.9 - photo(characters[3])) / 0.7).clip(0, 255).astype(np.uint8)
    colour = np.full_like(amount, ink)
    image = Image.fromarray(np.dstack([colour, colour, colour, amount]))
    wanted = normalised(photo(characters[3]), "mnist")
    assert difference(prepare(image), wanted) < 0.02


def test_a_photograph_is_turned_as_its_exif_says(characters: Bytes) -> None:
    picture = np.rint(255 * photo(characters[3])).astype(np.uint8)
    turned = Image.fromarray(np.rot90(picture))
    exif = turned.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to see it upright
    content = io.BytesIO()
    turned.save(content, "JPEG", quality=95, exif=exif)
    wanted = prepare(Image.fromarray(picture))
    assert difference(prepare(Image.open(content)), wanted) < 0.05


# What is refused


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_paper_without_ink_is_said_to_have_none(level: float, noise: float, slope: float) -> None:
    paper = level + slope * np.linspace(0, 1, WIDTH) * np.ones((HEIGHT, 1))
    picture = paper + np.random.default_rng(0).normal(0, noise, paper.shape)
    with pytest.raises(DataError, match="nothing stands out from the background"):
        normalised(picture.clip(0, 1).astype(np.float32), "mnist")


def test_a_picture_of_a_few_pixels_is_too_small() -> None:
    with pytest.raises(DataError, match="2×3 pixels; wanted 8 at least"):
        prepare(Image.new("L", (2, 3)))


def test_files_that_are_no_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match=r"a\.png: cannot be read as a PNG, JPEG or BMP image"):
        prepare(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"b\.png: no such file"):
        prepare(tmp_path / "b.png")
    Image.new("L", (30, 30), 255).save(tmp_path / "c.png")
    with pytest.raises(DataError, match=r"c\.png: nothing stands out"):
        prepare(tmp_path / "c.png")


def test_a_truncated_picture_is_named(tmp_path: Path, characters: Bytes) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.rint(255 * noisy(photo(characters[0]))).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"a\.png: cannot be read"):
        prepare(path)


# Real ones


@pytest.mark.skipif("GLYPHBENCH_DATA" not in os.environ, reason="needs MNIST")
def test_mnist_s_own_images_are_in_the_form_already() -> None:
    test = datasets.open_cached(datasets.prepare("digits", source="mnist").folder).test
    apart = [difference(prepare(Image.fromarray(image)), image) for image in test.images[:100]]
    assert np.median(apart) < 0.1
