"""The look at the data: planted suspects and duplicates are found, and test images stay unseen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.study import look, suspects
from bench.study.artifact import Study
from datasets import Split, normalise
from tests.study_data import frames, make_images, make_split, make_study, pictures, words


def a_study(classes: int = 4, images: int = 20) -> Study:
    train, other = [*range(classes)] * images, [*range(classes)] * 3
    return make_study(
        make_split(train), make_split(other, seed=1), make_split(other, seed=2), classes
    )


def with_label(split: Split, index: int, label: int) -> Split:
    labels = split.labels.copy()
    labels[index] = label
    return replace(split, labels=labels)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_wrong_label_is_found_by_its_neighbours_and_no_other_is(split: str) -> None:
    data = a_study().dataset
    index = 5  # of class 1
    planted = with_label(getattr(data, split), index, 3)
    examination = suspects.examine(replace(data, **{split: planted}))  # type: ignore[arg-type]
    (suspect,) = examination.suspects
    assert suspect.split == {"train": "training", "validation": "validation"}[split]
    assert (suspect.index, suspect.label, suspect.neighbour_labels) == (index, 3, (1,) * 5)
    assert suspect.distance < suspect.own_distance
    np.testing.assert_array_equal(suspect.image, planted.images[index])
    assert examination.compared == 4 * 20 + 4 * 3
    assert suspects.examine(data).suspects == ()


def test_what_is_nearer_to_its_neighbours_beside_its_own_kind_comes_first() -> None:
    data = a_study().dataset
    train = with_label(data.train, 5, 3)
    # A mixture of both classes, labelled as one of them: less suspicious than a plain image.
    mixed = train.images.copy()
    mixed[9, 6] = 200  # row 6 is class 3's
    train = with_label(replace(train, images=mixed), 9, 3)
    examination = suspects.examine(replace(data, train=train))
    assert [suspect.index for suspect in examination.suspects] == [5, 9]


def test_images_there_twice_but_for_a_few_pixels_are_counted_where_they_lie() -> None:
    data = a_study().dataset
    copied = data.validation.images.copy()
    copied[0] = data.train.images[1]  # an image of class 1 under label 0, in the other split
    copied[0, 27, 27] ^= 1
    test = data.test.images.copy()
    test[2] = data.train.images[2]
    examination = suspects.examine(
        replace(
            data,
            validation=replace(data.validation, images=copied),
            test=replace(data.test, images=test),
        )
    )
    assert examination.repeated == 2
    assert (examination.across_splits, examination.across_labels) == (2, 2)
    assert (examination.test_compared, examination.test_repeated) == (12, 1)


def test_of_more_images_than_are_compared_some_of_both_splits_are_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(suspects, "MOST", 60)
    data = a_study().dataset
    # Every label is wrong, so that whatever is drawn is suspicious.
    moved = {
        name: replace(split, labels=np.where(split.labels == 0, 1, split.labels).astype(np.uint8))
        for name, split in (("train", data.train), ("validation", data.validation))
    }
    examination = suspects.examine(replace(data, **moved))  # type: ignore[arg-type]
    assert examination.compared == 60
    assert examination.test_compared == 10
    again = suspects.examine(replace(data, **moved))  # type: ignore[arg-type]
    drawn = [[s.index for s in drawing.suspects] for drawing in (examination, again)]
    assert drawn[0] == drawn[1]


def test_the_nearest_neighbours_are_those_of_the_whole_distance_matrix() -> None:
    images = np.random.default_rng(0).integers(0, 256, (700, 28, 28), dtype=np.uint8)
    search = suspects.Neighbourhood(images)
    distances = np.linalg.norm(search.points[:, None] - search.points[None], axis=2)
    np.testing.assert_array_equal(search.nearest(images), np.arange(700))
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(search.of_each(5), np.argsort(distances, axis=1)[:, :5])


def test_an_image_that_is_there_often_is_no_neighbour_of_its_own() -> None:
    images = make_images([0, 1] * 10)
    images[:] = images[[0, 1] * 10]
    near = suspects.Neighbourhood(images).of_each(5)
    assert not (near == np.arange(20)[:, None]).any()


def test_the_principal_components_keep_the_distances_of_images_that_differ_in_few_ways() -> None:
    images = make_images([0, 1, 2, 3] * 5)
    images[:] = images[[0, 1, 2, 3] * 5]  # four images: three directions hold all
    points = suspects.Neighbourhood(images).points
    expected = suspects.distance(images[:1], images[1:4])
    np.testing.assert_allclose(np.linalg.norm(points[:1] - points[1:4], axis=1), expected, 1e-3)


def test_statistics_of_the_histogram_are_those_of_the_pixels() -> None:
    images = make_images([0, 1, 2])
    mean, std = float(images.mean() / 255), float(images.std() / 255)
    counts = look.histogram(images)
    raw = look.pixel_statistics(counts, np.arange(256))
    assert (raw.lowest, raw.highest) == (images.min(), images.max())
    assert (raw.mean, raw.std) == pytest.approx((images.mean(), images.std()))
    assert raw.zeros == pytest.approx((images == 0).mean())
    given = normalise(images, mean=mean, std=std)
    levels = normalise(np.arange(256, dtype=np.uint8), mean=mean, std=std)
    normalised = look.pixel_statistics(counts, levels)
    assert (normalised.mean, normalised.std) == pytest.approx((0, 1), abs=1e-6)
    assert (normalised.lowest, normalised.highest) == pytest.approx((given.min(), given.max()))


def test_mean_and_spread_are_numpys() -> None:
    images = make_images([0, 1, 2] * 3)
    mean, spread = look.mean_and_spread(images)
    np.testing.assert_allclose(mean, images.mean(axis=0))
    np.testing.assert_allclose(spread, images.std(axis=0), atol=1e-6)


def test_the_step_says_what_the_data_set_knows_and_what_was_found() -> None:
    study = a_study()
    planted = with_label(study.dataset.train, 5, 3)
    artifacts = list(look.make(replace(study, dataset=replace(study.dataset, train=planted))))
    assert list(pictures(artifacts)) == ["samples", "pixels", "classes", "means", "suspects"]
    tables = frames(artifacts)
    assert tables["duplicates"]["images"].tolist() == [7, 2, 92, 0, 0, 0, 1, 12, 0]
    assert tables["classes"]["training"].tolist() == [20, 19, 20, 21]
    assert tables["suspects"][["split", "index", "label", "neighbours"]].values.tolist() == [
        ["training", 5, "D", "B"]
    ]
    statistics = tables["pixel_statistics"]
    assert statistics["split"].tolist() == [
        n for n in ("training", "validation", "test") for _ in "12"
    ]


def test_every_pixel_of_the_large_image_is_written_in_it() -> None:
    study = a_study()
    figure = pictures(list(look.make(study)))["pixels"].figure
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == [str(value) for value in study.dataset.train.images[0].ravel()]


def test_no_picture_shows_a_test_image() -> None:
    study = a_study()
    black = replace(study.dataset.test, images=np.zeros_like(study.dataset.test.images))
    unseen = replace(study, dataset=replace(study.dataset, test=black))
    first, second = (pictures(list(look.make(which))) for which in (study, unseen))
    for name, picture in first.items():
        same = shown(picture.figure), shown(second[name].figure)
        assert len(same[0]) == len(same[1])
        assert all(np.array_equal(*images) for images in zip(*same, strict=True)), name


def shown(figure: Figure) -> list[NDArray[np.uint8]]:
    """Every image in it."""
    return [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]


@pytest.mark.parametrize("classes", [2, 60])
def test_any_number_of_classes_is_labelled_even_one_without_training_images(classes: int) -> None:
    study = a_study(classes, images=2)
    kept = study.dataset.train.labels != classes - 1
    train = Split(images=study.dataset.train.images[kept], labels=study.dataset.train.labels[kept])
    drawn = pictures(list(look.make(replace(study, dataset=replace(study.dataset, train=train)))))
    for name in ("samples", "classes", "means"):
        assert set(study.dataset.class_names) <= set(words(drawn[name].figure)), name
