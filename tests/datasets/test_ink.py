"""Where ink is: on pages, sheets and slates, under shadows, at the border; and what is doubted.

Characters are written on drawn pages, as with a pen: drawn ones always, and where the real data is
there, digits of MNIST by both of its groups of writers and letters of the A-Z sample.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

import datasets
from datasets import ink
from datasets.mnist_form import character, normalised
from tests.saved_models import data_folder

REAL = os.environ.get("GLYPHBENCH_DATA")
Bytes = NDArray[np.uint8]
Page = NDArray[np.float32]


def pen_stroke(image: Bytes, size: int) -> Page:
    """White on black 28x28 as strokes with sharp edges, so many pixels long: 1 where ink is."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    cropped = np.pad(image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], 2)
    scale = size / (max(cropped.shape) - 4)
    width, high = (round(scale * side) for side in cropped.shape[::-1])
    large = Image.fromarray(cropped).resize((width, high), Image.Resampling.BICUBIC)
    return np.asarray(((np.asarray(large, np.float32) / 255 - 0.25) / 0.5).clip(0, 1))


def written(page: Page, image: Bytes, rng: np.random.Generator, *, size: int, dark: float) -> Page:
    """A character somewhere on a page, which it takes so much of its light from; with noise."""
    strokes = pen_stroke(image, size)
    tall, wide = strokes.shape
    margins = [side // 5 for side in page.shape]
    top, left = (
        int(rng.integers(margin, side - stroke - margin))
        for margin, side, stroke in zip(margins, page.shape, strokes.shape, strict=True)
    )
    page = page.copy()
    page[top : top + tall, left : left + wide] *= 1 - np.float32(dark) * strokes
    return noisy(page, rng)


def noisy(page: Page, rng: np.random.Generator) -> Page:
    return np.asarray((page + rng.normal(0, 0.02, page.shape)).clip(0, 1), np.float32)


def lamp(height: int, width: int, rng: np.random.Generator, darkest: float) -> Page:
    """Light that falls from one side."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width]
    slope = np.cos(angle) * x / width + np.sin(angle) * y / height
    slope = (slope - slope.min()) / np.ptp(slope)
    return np.asarray(darkest + (1 - darkest) * slope, np.float32)


def plain(image: Bytes, rng: np.random.Generator) -> Page:
    return written(np.full((200, 240), 0.9, np.float32), image, rng, size=90, dark=0.8)


def scanned_a4(image: Bytes, rng: np.random.Generator) -> Page:
    page = np.full((1754, 1240), 0.95, np.float32)
    return written(page, image, rng, size=int(rng.integers(30, 120)), dark=0.75)


def a4_in_bad_light(image: Bytes, rng: np.random.Generator) -> Page:
    page = 0.95 * lamp(1754, 1240, rng, 0.45)
    return written(page, image, rng, size=int(rng.integers(60, 120)), dark=0.6)


def pencil_on_a4(image: Bytes, rng: np.random.Generator) -> Page:
    page = 0.95 * lamp(1754, 1240, rng, 0.8)
    return written(page, image, rng, size=int(rng.integers(60, 120)), dark=0.35)


def under_a_soft_light(image: Bytes, rng: np.random.Generator) -> Page:
    y, x = np.mgrid[0:600, 0:800]
    far = np.hypot(y / 600 - rng.uniform(0.3, 0.7), x / 800 - rng.uniform(0.3, 0.7))
    page = np.asarray((0.55 - 0.4 * far).clip(0.1), np.float32)
    return written(page, image, rng, size=int(rng.integers(120, 250)), dark=0.6)


def sheet_on_a_desk(image: Bytes, rng: np.random.Generator) -> Page:
    sheet = written(np.full((700, 900), 0.85, np.float32), image, rng, size=150, dark=0.75)
    desk = noisy(np.full((1200, 1600), 0.2, np.float32), rng)
    desk[250:950, 350:1250] = sheet
    turned = ndimage.rotate(desk, rng.uniform(-5, 5), reshape=False, order=1, mode="nearest")
    return np.asarray(turned * lamp(1200, 1600, rng, 0.7), np.float32)


def at_the_edge_of_a_sheet(image: Bytes, rng: np.random.Generator) -> Page:
    page = written(np.full((800, 800), 0.85, np.float32), image, rng, size=200, dark=0.75)
    page[:, -int(rng.integers(30, 150)) :] = 0.15
    return np.asarray(ndimage.gaussian_filter(page, 1.5), np.float32)


def in_a_hand_s_shadow(image: Bytes, rng: np.random.Generator) -> Page:
    angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(4, 30)
    y, x = np.mgrid[0:800, 0:800]
    far = (x - 400) * np.cos(angle) + (y - 400) * np.sin(angle) - rng.uniform(-200, 200)
    page = np.asarray(0.9 - 0.5 / (1 + np.exp(-far / reach)), np.float32)
    return written(page, image, rng, size=int(rng.integers(120, 250)), dark=0.75)


def on_lined_paper(image: Bytes, rng: np.random.Generator) -> Page:
    page = np.full((700, 900), 0.92, np.float32)
    step = int(rng.integers(60, 110))
    page[::step] = page[1::step] = 0.75
    return written(page, image, rng, size=int(rng.integers(150, 250)), dark=0.8)


def chalk_on_a_slate(image: Bytes, rng: np.random.Generator) -> Page:
    return np.asarray(1 - in_a_hand_s_shadow(image, rng), np.float32)


def cut_at_the_ink(image: Bytes, rng: np.random.Generator) -> Page:
    strokes = pen_stroke(image, 150)
    return noisy(np.asarray(0.9 * (1 - 0.8 * strokes), np.float32)[8:-8, 8:-8], rng)


PAGES: list[Callable[[Bytes, np.random.Generator], Page]] = [
    scanned_a4,
    a4_in_bad_light,
    pencil_on_a4,
    under_a_soft_light,
    sheet_on_a_desk,
    at_the_edge_of_a_sheet,
    in_a_hand_s_shadow,
    on_lined_paper,
    chalk_on_a_slate,
    cut_at_the_ink,
]


def difference(image: Bytes, other: Bytes) -> float:
    """Over all pixels, as a share of the ink, at the best of shifts by up to two pixels."""
    shifts = [(y, x) for y in range(-2, 3) for x in range(-2, 3)]
    moved = [np.roll(image, shift, axis=(0, 1)).astype(float) for shift in shifts]
    return min(float(np.abs(each - other).sum()) for each in moved) / float(other.sum(dtype=float))


def share_read(page: Callable[[Bytes, np.random.Generator], Page], images: Bytes) -> float:
    """Of how many images the character on such a page comes out as on a plain one."""
    same = 0
    for seed, image in enumerate(images):
        try:
            read = normalised(page(image, np.random.default_rng(seed)), "mnist")
        except ink.NoInk:
            continue
        wanted = normalised(plain(image, np.random.default_rng(seed)), "mnist")
        same += difference(read, wanted) < 0.6  # another patch would be 1 and more
    return same / len(images)


@pytest.fixture(scope="module")
def drawn() -> Bytes:
    return np.array(datasets.open_cached(data_folder()).train.images[:8])


@pytest.fixture(scope="module")
def handwritten() -> Bytes:
    """Digits by both groups of MNIST's writers, and letters."""
    digits = datasets.open_cached(datasets.prepare("digits", source="mnist").folder).test.images
    letters = datasets.open_cached(datasets.prepare("letters", source="az-sample").folder)
    # The first 5,000 test images were written by employees, the others by pupils.
    return np.concatenate([digits[:5000:1250], digits[5000::1250], letters.test.images[::150]])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_drawn_characters_are_found_on_every_page(
    page: Callable[[Bytes, np.random.Generator], Page], drawn: Bytes
) -> None:
    assert share_read(page, drawn) >= 0.8  # seven of the eight


@pytest.mark.skipif(REAL is None, reason="needs GLYPHBENCH_DATA, the folder with the real data")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.__name__)
def test_handwriting_is_found_on_every_page(
    page: Callable[[Bytes, np.random.Generator], Page], handwritten: Bytes
) -> None:
    assert share_read(page, handwritten) >= 0.9  # all but one of the twelve


# What is doubted


def notes_of(page: Page, folder: Path) -> tuple[str, ...]:
    Image.fromarray(np.rint(255 * page).astype(np.uint8)).save(folder / "page.png")
    return character(folder / "page.png").notes


def test_one_plain_character_is_not_doubted(drawn: Bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for page in (plain, scanned_a4, in_a_hand_s_shadow):
        assert notes_of(page(drawn[0], rng), tmp_path) == ()


def test_more_than_one_character_is_said(drawn: Bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    far = np.full((1754, 1240), 0.95, np.float32)
    far[300:420, 300 : 300 + pen_stroke(drawn[0], 116).shape[1]] *= (
        1 - 0.8 * pen_stroke(drawn[0], 116)[:120]
    )
    assert notes_of(far, tmp_path) == ()
    two = written(far, drawn[1], rng, size=110, dark=0.8)
    assert notes_of(two, tmp_path) == (ink.SEVERAL,)
    strokes = [pen_stroke(image, 120) for image in drawn[:2]]
    inked = [each[:, np.flatnonzero((each > 0.5).any(axis=0))] for each in strokes]
    near = np.pad(np.hstack([inked[0], np.zeros((len(inked[0]), 8)), inked[1]]), 30)
    assert notes_of(np.asarray(0.9 - 0.7 * near, np.float32), tmp_path) == (ink.SIDE_BY_SIDE,)


def test_ink_at_the_border_is_said_to_be_cut_off(drawn: Bytes, tmp_path: Path) -> None:
    strokes = np.pad(pen_stroke(drawn[0], 120), 40)
    rows = np.flatnonzero((strokes > 0.5).any(axis=1))
    page = np.asarray(0.9 - 0.7 * strokes, np.float32)[rows[0] + 8 :]
    assert ink.CUT_OFF in notes_of(page, tmp_path)


def test_ink_that_may_be_paper_is_said_to_be_unsure(tmp_path: Path) -> None:
    page = np.full((300, 300), 0.3, np.float32)
    page[40:-40, 40:-40] = 0.7
    page[80:200, 100:110] = 0.95  # a light stroke and a dark one
    page[80:200, 190:200] = 0.45
    assert any(note.startswith("it is not plain whether ink") for note in notes_of(page, tmp_path))
