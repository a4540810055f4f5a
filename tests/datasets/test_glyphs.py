"""The drawn stand-in data: same seed, same bytes; balanced; legible; not too easy."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from datasets import glyphs
from datasets.glyphs import CHUNK_IMAGES, MOST_IMAGES, Distortion, distorted, draw
from datasets.preparation import TASKS
from datasets.tasks import DataError, Stage, silent
from tests.imports import ROOT

CLASSES = [("digits", 10), ("letters", 26)]
UNDISTORTED = Distortion(
    rotation_radians=0,
    slant=(0, 0),
    size=(1, 1),
    stretch=0,
    shift=0,
    elastic_std=0,
    thickening=(0, 0),
    softness=(1, 1),
    brightness=(1, 1),
    noise_std=0,
)


@pytest.mark.parametrize(("task", "classes"), CLASSES)
def test_images_and_labels_have_the_form_of_real_data(task: str, classes: int) -> None:
    images, labels = draw(task, 300)
    assert images.shape == (300, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert set(labels) == set(range(classes))
    assert images.flags.c_contiguous


def test_the_smallest_set_asked_for_has_each_class_once() -> None:
    assert sorted(draw("letters", 26)[1]) == list(range(26))


@pytest.mark.parametrize(("task", "classes"), CLASSES)
@pytest.mark.parametrize("count", [26, 100, CHUNK_IMAGES + 7])
def test_no_class_has_over_one_image_more_than_another(task: str, classes: int, count: int) -> None:
    counts = np.bincount(draw(task, count)[1], minlength=classes)
    assert counts.sum() == count
    assert np.ptp(counts) <= 1


def test_labels_come_in_shuffled_order() -> None:
    blocks = draw("digits", 1000)[1].reshape(100, 10)
    assert len({tuple(block) for block in blocks}) == 100


def test_another_process_draws_the_same_bytes() -> None:
    program = (
        "import hashlib, datasets.glyphs as g; images, labels = g.draw('digits', 1200, seed=3);"
        "print(hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest())"
    )
    there = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    images, labels = draw("digits", 1200, seed=3)
    assert there.stdout.strip() == hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()


@pytest.mark.parametrize("count", [10, 500, CHUNK_IMAGES, CHUNK_IMAGES + 1])
def test_fewer_images_are_the_first_of_more(count: int) -> None:
    more_images, more_labels = draw("digits", 2 * CHUNK_IMAGES)
    images, labels = draw("digits", count)
    np.testing.assert_array_equal(images, more_images[:count])
    np.testing.assert_array_equal(labels, more_labels[:count])


def test_another_seed_draws_other_images_in_another_order() -> None:
    images, labels = draw("digits", 100, seed=0)
    others, other_labels = draw("digits", 100, seed=1)
    assert not (images == others).all(axis=(1, 2)).any()
    assert not np.array_equal(labels, other_labels)


def test_no_image_is_drawn_twice() -> None:
    images, _ = draw("digits", 3 * CHUNK_IMAGES)
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images)


def test_ink_is_as_bright_and_as_central_as_in_mnist() -> None:
    """MNIST: mean 0.131 and deviation 0.308 of a pixel, the border black."""
    images = draw("digits", 2000)[0] / 255
    assert images.mean() == pytest.approx(0.131, abs=0.02)
    assert images.std() == pytest.approx(0.308, abs=0.03)
    mean_image = images.mean(axis=0)
    assert mean_image[[0, -1]].mean() < 0.05
    assert mean_image[:, [0, -1]].mean() < 0.05
    rows = (mean_image.sum(axis=1) * np.arange(28)).sum() / mean_image.sum()
    columns = (mean_image.sum(axis=0) * np.arange(28)).sum() / mean_image.sum()
    assert (rows, columns) == (pytest.approx(13.5, abs=0.5), pytest.approx(13.5, abs=0.5))


def test_labels_name_what_is_drawn_but_a_linear_model_does_not_read_it_all() -> None:
    images, labels = draw("digits", 4 * CHUNK_IMAGES)
    features = images.reshape(len(images), -1) / 255
    model = LogisticRegression(C=0.01, max_iter=200).fit(features[:3000], labels[:3000])
    accuracy = model.score(features[3000:], labels[3000:])
    assert 0.5 < accuracy < 0.9  # 0.1 by chance


def test_every_character_differs_in_every_font() -> None:
    """A font without the character would show its placeholder, alike for all."""
    fields = glyphs.distance_fields("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    for font, name in enumerate(glyphs.FONT_NAMES):
        shapes = {field.tobytes() for field in fields[:, font]}
        assert len(shapes) == 36, name


def test_an_undistorted_character_fills_the_box_of_mnist() -> None:
    field = glyphs.distance_fields("8")[:, 0]
    image = distorted(field, np.array([0]), np.random.default_rng(0), UNDISTORTED)[0]
    rows = np.flatnonzero(image.max(axis=1) > 127)
    assert rows[-1] - rows[0] + 1 == 20


def test_a_thickened_stroke_holds_the_thinner_one() -> None:
    field, which = glyphs.distance_fields("8")[:, 0], np.array([0])
    thick = Distortion(**{**vars(UNDISTORTED), "thickening": (0.5, 0.5)})
    thin_image = distorted(field, which, np.random.default_rng(0), UNDISTORTED)
    thick_image = distorted(field, which, np.random.default_rng(0), thick)
    assert (thick_image >= thin_image).all()
    assert thick_image.sum() > 1.1 * thin_image.sum()


def test_progress_tells_the_images_done_up_to_the_last() -> None:
    told: list[int] = []
    draw("digits", 2 * CHUNK_IMAGES + 5, progress=told.append)
    assert told == [CHUNK_IMAGES, 2 * CHUNK_IMAGES, 2 * CHUNK_IMAGES + 5]


@pytest.mark.parametrize(
    ("task", "count", "message"),
    [
        ("digit", 100, "unknown task 'digit'; choose from digits, letters"),
        ("digits", 9, r"cannot draw 9 images of digits; choose from 10 \(one a class\) to 372450"),
        ("letters", 25, "cannot draw 25 images of letters; choose from 26"),
        ("letters", MOST_IMAGES + 1, "cannot draw 372451 images"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(task: str, count: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        draw(task, count)


def test_without_matplotlib_the_missing_fonts_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DataError, match="fonts of matplotlib"):
        glyphs.font_folder()


# Drawn images as a data set.


@pytest.mark.parametrize(("task", "images"), [("digits", 100), ("letters", 260)])
def test_the_fewest_images_have_every_class_in_every_split(task: str, images: int) -> None:
    classes = len(TASKS[task].class_names)
    collection = glyphs.load(TASKS[task], images, silent)
    for rows in (collection.train, collection.validation, collection.test):
        assert np.unique(collection.labels[rows]).tolist() == list(range(classes))


@pytest.mark.parametrize("images", [-1, 0, 259, 372_451])
def test_too_few_and_too_many_are_refused(images: int) -> None:
    with pytest.raises(DataError, match=r"letters needs 260 \(ten a class\) to 372,450"):
        glyphs.load(TASKS["letters"], images, silent)


def test_progress_ends_at_the_number_of_images() -> None:
    reported: list[tuple[Stage, int]] = []
    glyphs.load(TASKS["digits"], 1500, lambda stage, done: reported.append((stage, done)))
    assert reported[-1] == (Stage(name="drawing digits", total=1500, unit="images"), 1500)


def test_the_key_tells_tasks_and_numbers_apart_and_nothing_else() -> None:
    digits, letters = TASKS["digits"], TASKS["letters"]
    keys = [
        glyphs.content_key(digits, 1000),
        glyphs.content_key(digits, 1001),
        glyphs.content_key(letters, 1000),
    ]
    assert len(set(keys)) == 3
    assert glyphs.content_key(digits, 1000) == keys[0]


def test_a_source_of_drawn_images_says_that_it_is_no_handwriting() -> None:
    source = glyphs.drawn_source(targets=(0.9,))
    assert source.drawn
    assert "no real handwriting" in source.description
