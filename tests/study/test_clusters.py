"""The clusters: planted ones are found, errors ringed, the same input gives the same picture."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.path import Path
from numpy.typing import NDArray

from bench.report.plots import style
from bench.study import clusters, scatter
from bench.study.artifact import Artifact, Study
from bench.study.clusters import choose, spaces, stratified
from tests.study_data import frames, make_split, make_study, pictures, words

pytest.importorskip("openTSNE")
pytest.importorskip("sklearn")

CLASSES, EACH = 3, 50
LABELS = np.repeat(np.arange(CLASSES), EACH)
ASTRAY = 7  # this image's features lie among those of class 2, and so does its answer


def planted(dimensions: int = 20) -> NDArray[np.float32]:
    """(150, dimensions) three clouds far apart, one point of the first within the third."""
    values = np.random.default_rng(0)
    centres = values.normal(0, 5, (CLASSES, dimensions))
    cloud = LABELS.copy()
    cloud[ASTRAY] = 2
    return (centres[cloud] + values.normal(0, 1, (len(LABELS), dimensions))).astype(np.float32)


def a_study() -> Study:
    """150 images, and an MLP with features as planted that gets one image wrong."""
    test = make_split(LABELS.tolist())
    answer = LABELS.copy()
    answer[ASTRAY] = 2
    study = make_study(test, test, test, CLASSES, {("mlp", 0): answer.tolist()})
    (run,) = study.predictions.values()
    return replace(study, predictions={run.run_id: replace(run, features=planted())})


@pytest.fixture(scope="module")
def artifacts() -> list[Artifact]:
    return list(clusters.make(a_study()))


def test_there_is_a_picture_of_the_pixels_and_of_each_model_and_one_table(
    artifacts: list[Artifact],
) -> None:
    assert list(pictures(artifacts)) == ["clusters_pixels", "clusters_mlp_pytorch"]
    assert list(frames(artifacts)) == ["clusters"]


def test_planted_clusters_are_found_and_an_error_lies_among_the_class_that_was_said(
    artifacts: list[Artifact],
) -> None:
    row = frames(artifacts)["clusters"].set_index("dimensions").loc[20]
    for column in ("neighbours_accuracy", "neighbours_accuracy_in_tsne"):
        assert row[column] == (len(LABELS) - 1) / len(LABELS), column
    assert (row["errors"], row["majority_as_said"], row["majority_as_true"]) == (1, 1.0, 0.0)
    assert row["variance_of_first_2"] > 0.6
    assert row["variance_of_first_50"] == pytest.approx(1)  # there are but 20


def test_a_picture_names_every_class_and_rings_the_error_in_both_panels(
    artifacts: list[Artifact],
) -> None:
    picture = pictures(artifacts)["clusters_mlp_pytorch"]
    texts = words(picture.figure)
    assert [texts.count(name) for name in ("A", "B", "C")] == [2, 2, 2]
    assert any("150 test images, 20 dimensions; in a ring: 1 error of the MLP" in t for t in texts)
    assert [_rings(picture.figure, panel) for panel in (0, 1)] == [1, 1]


def test_a_network_s_t_sne_stands_beside_that_of_the_pixels(artifacts: list[Artifact]) -> None:
    left, right = pictures(artifacts)["clusters_mlp_pytorch"].figure.axes
    assert (left.get_title(), right.get_title()) == (
        "raw pixels",
        "penultimate layer of the MLP in pytorch",
    )
    texts = words(pictures(artifacts)["clusters_mlp_pytorch"].figure)
    assert any(text.startswith("Among their own class lie ") for text in texts)
    assert any("99.3 % as features" in text.replace("\n", " ") for text in texts)


def test_the_caption_says_what_tsne_does_not_show(artifacts: list[Artifact]) -> None:
    caption = pictures(artifacts)["clusters_pixels"].caption
    assert "all 150" in caption
    for word in ("perplexity 30", "distances between clusters", "Distill", "Maaten", "Poličar"):
        assert word in caption, word


def test_the_same_input_gives_the_same_picture(artifacts: list[Artifact]) -> None:
    again = pictures(list(clusters.make(a_study())))
    for name, picture in pictures(artifacts).items():
        assert style.png(again[name].figure) == style.png(picture.figure), name


def test_without_a_model_the_pixels_alone_are_shown_and_nothing_is_ringed() -> None:
    test = make_split([0, 1] * 15)
    artifacts = list(clusters.make(make_study(test, test, test, 2)))
    assert list(pictures(artifacts)) == ["clusters_pixels"]
    assert _rings(pictures(artifacts)["clusters_pixels"].figure, 1) == 0
    assert "errors" not in frames(artifacts)["clusters"]


def test_too_few_images_or_a_missing_package_leave_nothing_and_the_step_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = make_split([0, 1] * 9)
    assert list(clusters.make(make_study(few, few, few, 2))) == []
    monkeypatch.setattr(clusters, "PACKAGES", {"no_such_module": "openTSNE"})
    assert clusters.missing() == ["openTSNE"]
    assert list(clusters.make(a_study())) == []
    assert "openTSNE" in clusters.NEEDS
    assert "20 test images" in clusters.NEEDS


def test_a_sample_holds_every_class_in_its_proportion_and_is_the_same_each_time() -> None:
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    indices = stratified(labels, 100)
    assert np.bincount(labels[indices]).tolist() == [60, 30, 10]
    assert (np.diff(indices) > 0).all()
    np.testing.assert_array_equal(stratified(labels, 100), indices)
    np.testing.assert_array_equal(stratified(labels[:5], 100), np.arange(5))


def test_raw_pixels_show_the_errors_of_the_best_model() -> None:
    test = make_split(LABELS.tolist())
    bad, good = np.zeros(len(LABELS), int), LABELS
    answers = {("cnn", 0): bad.tolist(), ("mlp", 0): good.tolist()}
    study = make_study(test, test, test, CLASSES, answers)
    (pixels,) = spaces(study, choose(study.dataset))  # neither has features here
    assert pixels.model is not None
    assert pixels.model.title == "MLP in pytorch"
    np.testing.assert_array_equal(pixels.vectors[3], test.images[3].reshape(-1))


def test_sixty_classes_have_looks_of_their_own_and_names_do_not_cover_each_other() -> None:
    names = [f"class {label}" for label in range(60)]
    looks = {(scatter.colour(i), scatter.marker(i, name)) for i, name in enumerate(names)}
    assert len(looks) == 60
    crowded = np.random.default_rng(0).normal(0, 0.01, (26, 2))
    moved = scatter.spread(crowded, 0.1)
    apart = np.linalg.norm(moved[:, None] - moved[None], axis=2)[~np.eye(26, dtype=bool)]
    assert apart.min() > 0.09
    np.testing.assert_allclose(moved.mean(axis=0), crowded.mean(axis=0), atol=1e-9)


def test_names_with_signs_of_mathematics_are_drawn_as_shapes() -> None:
    labels = np.arange(60) % 4
    figure = Figure()
    positions = np.random.default_rng(0).normal(size=(60, 2))
    names = ("$", "_", "é", "a longer name")
    scatter.draw(figure.add_subplot(), positions, labels, names, labels == 9)
    assert style.png(figure)[:4] == b"\x89PNG"
    assert [scatter.marker(i, name) for i, name in enumerate(names)] == list("o^sD")


@pytest.mark.parametrize("name", ["3", "W"])
def test_a_class_of_one_character_is_drawn_as_it_and_not_as_a_dash(name: str) -> None:
    """In the look of all pictures, where a dollar is a dollar."""
    with style.applied():
        outline = scatter.marker.__wrapped__(3, name)
    assert isinstance(outline, Path)
    box = outline.get_extents()
    assert 0.5 < box.width / box.height < 2
    assert box.x0 == pytest.approx(-box.x1)
    assert box.y0 == pytest.approx(-box.y1)


def test_a_point_is_no_neighbour_of_itself_and_a_tie_goes_to_the_lower_class() -> None:
    line = np.array([[0.0], [1.0], [3.0], [6.0]])  # nearest two: 1, 2; 0, 2; 1, 0; 2, 1
    assert clusters.majority(line, np.array([0, 2, 1, 1]), 2).tolist() == [1, 0, 0, 1]


def test_silhouette_is_absent_where_there_is_one_class() -> None:
    vectors = planted()
    assert clusters.silhouette(vectors, np.zeros(len(vectors), np.int64)) is None
    planted_silhouette = clusters.silhouette(vectors, LABELS)
    assert planted_silhouette is not None
    assert planted_silhouette > 0.5


def _rings(figure: Figure, panel: int) -> int:
    """How many points of a panel have an edge."""
    drawn = figure.axes[panel].collections
    return sum(
        len(np.asarray(marks.get_offsets()))
        for marks in drawn
        if isinstance(marks, PathCollection) and np.max(marks.get_linewidth()) > 1
    )
