"""Pictures of any size, kind and scale: grey, 28x28, white on black decided once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from datasets import DataError, pictures
from tests.data_files import Bytes, unhurried


def read_whole(path: Path) -> Bytes:
    return pictures.whole(pictures.read(path))


def saved(folder: Path, image: Image.Image, name: str = "a.png") -> Path:
    path = folder / name
    image.save(path)
    return path


def grey(*, width: int, height: int, value: int = 255) -> Bytes:
    return np.full((height, width), value, dtype=np.uint8)


# Single images


@pytest.mark.parametrize(("height", "width"), [(1, 900), (900, 1)])
def test_a_line_is_still_a_picture(height: int, width: int) -> None:
    line = np.ones((height, width), np.float32)
    assert pictures.fitted(line, 28).shape == (min(height, 28), min(width, 28))


@unhurried
@given(width=st.integers(1, 90), height=st.integers(1, 90), value=st.integers(0, 255))
def test_any_size_becomes_28_by_28_and_paper_stays_paper(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("one")
    image = read_whole(
        saved(folder, Image.fromarray(grey(width=width, height=height, value=value)))
    )
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert (image == value).all()


def test_the_aspect_is_kept_and_the_rest_is_background(tmp_path: Path) -> None:
    drawn = grey(width=56, height=28, value=200)
    drawn[8:20, 20:36] = 0  # 16 wide, 12 high
    image = read_whole(saved(tmp_path, Image.fromarray(drawn)))
    rows, columns = np.nonzero(image < 100)
    assert [int(np.ptp(places)) + 1 for places in (columns, rows)] == [8, 6]
    assert (image[:7] == 200).all()
    assert (image[-7:] == 200).all()


def test_a_28_by_28_grey_image_is_left_as_it_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    assert np.array_equal(read_whole(saved(tmp_path, Image.fromarray(noise))), noise)


def test_colour_transparency_and_16_bits_become_grey(tmp_path: Path) -> None:
    red = Image.new("RGB", (28, 28), (255, 0, 0))
    assert (read_whole(saved(tmp_path, red)) == 76).all()  # 0.299 of 255
    clear = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    assert (read_whole(saved(tmp_path, clear)) == 255).all()  # paper
    clear.putpixel((9, 9), (255, 255, 255, 255))
    assert read_whole(saved(tmp_path, clear))[9:, 9:].tolist()[0][:2] == [255, 0]  # a board
    deep = Image.fromarray(np.full((28, 28), 128 * 257, dtype=np.uint16))
    assert (read_whole(saved(tmp_path, deep)) == 128).all()


def test_a_photograph_is_turned_as_its_exif_says(tmp_path: Path) -> None:
    half = np.zeros((28, 28), dtype=np.uint8)
    half[:14] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image = Image.fromarray(half)
    image.save(tmp_path / "a.png", exif=exif)
    assert read_whole(tmp_path / "a.png")[0, 0] == 0


@pytest.mark.parametrize("ending", [".png", ".jpg", ".bmp"])
def test_an_image_cut_short_is_named(ending: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    path = saved(tmp_path, Image.fromarray(noise), "a" + ending)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DataError, match=rf"a\{ending}: cannot be read as a PNG, JPEG or BMP"):
        read_whole(path)
    path.write_text("no image at all")
    with pytest.raises(DataError, match="as WebP, TIFF or GIF: cannot identify"):
        read_whole(path)


# White on black, decided once


def test_dark_on_light_is_inverted_for_all_images_or_none() -> None:
    light, dark = np.full((3, 28, 28), 250, np.uint8), np.full((1, 28, 28), 5, np.uint8)
    light[:, 10:18, 10:18] = 10
    (inverted,), notes = pictures.standard([np.concatenate([light, dark])], name="own")
    assert np.array_equal(inverted[:3], 255 - light)
    assert np.array_equal(inverted[3:], 255 - dark)  # the majority decides for it too
    assert "all were inverted" in notes[0]
    (same,), notes = pictures.standard([inverted], name="own")
    assert np.array_equal(same, inverted)
    assert notes == []


def test_training_and_test_part_are_inverted_together() -> None:
    light, dark = np.full((3, 28, 28), 250, np.uint8), np.full((2, 28, 28), 5, np.uint8)
    parts, _ = pictures.standard([dark, light], name="own")
    assert [int(part[0, 0, 0]) for part in parts] == [250, 5]


def test_a_small_scale_is_stretched_for_all_parts_alike() -> None:
    whole_numbers, fractions = np.zeros((2, 84, 84), dtype=np.int64), np.zeros((2, 84, 84))
    whole_numbers[:, 9:75, 9:75], fractions[:, 9:75, 9:75] = 3, 16.0
    parts, notes = pictures.standard([whole_numbers, fractions], name="own")
    assert [int(part.max()) for part in parts] == [48, 255]  # 3 / 16 of 255
    assert all(np.array_equal(part > 0, parts[0] > 0) for part in parts)
    assert np.count_nonzero(parts[0][0]) == 22 * 22
    assert notes == [
        "pixels run from 0 to 16; they were multiplied to run to 255",
        "images were resized from 84×84 to 28×28",
    ]
