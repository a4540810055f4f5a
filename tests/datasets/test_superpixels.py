"""Graphs of superpixels: what they say of an image, and their cache."""

from __future__ import annotations

import errno
import importlib.metadata
import sys
from pathlib import Path

import numpy as np
import pytest

from datasets import superpixels
from datasets.superpixels import NEIGHBOURS, Graphs, Images, build, cached_folder, graphs_of
from datasets.tasks import DataError, Stage
from tests.strokes import strokes

pytest.importorskip("skimage", reason="builds the superpixels")

ARRAYS = ("nodes", "offsets", "neighbours")
IMAGES = strokes(300)  # more than a chunk


@pytest.fixture(scope="module")
def graphs() -> Graphs:
    return build(IMAGES)


def assert_equal(graphs: Graphs, other: Graphs) -> None:
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(graphs, name), getattr(other, name), err_msg=name)
        assert getattr(graphs, name).dtype == getattr(other, name).dtype


def one(graphs: Graphs, index: int) -> Graphs:
    return graphs.select(np.array([index]))


def test_there_are_about_as_many_superpixels_as_asked_for(graphs: Graphs) -> None:
    assert len(graphs) == len(IMAGES)
    assert graphs.sizes.mean() == pytest.approx(superpixels.SEGMENTS, abs=6)


@pytest.mark.parametrize("index", [0, 255, 256, 299])
def test_a_node_is_the_mean_of_its_pixels(graphs: Graphs, index: int) -> None:
    labels = superpixels.superpixels(IMAGES[index])
    graph = one(graphs, index)
    assert set(labels.flat) == set(range(len(graph.nodes)))
    for number, node in enumerate(graph.nodes):
        rows, columns = np.nonzero(labels == number)
        centroid = rows.mean() / 13.5 - 1, columns.mean() / 13.5 - 1  # 27 pixels, -1 to 1
        wanted = IMAGES[index][rows, columns].mean() / 255, *centroid
        np.testing.assert_allclose(node, wanted, atol=1e-6)


@pytest.mark.parametrize("index", [0, 256, 299])
def test_neighbours_are_the_nearest_nodes_and_never_the_node_itself(
    graphs: Graphs, index: int
) -> None:
    graph = one(graphs, index)
    for node, listed in enumerate(graph.neighbours):
        away = np.hypot(*(graph.nodes[:, 1:] - graph.nodes[node, 1:]).T)
        away[node] = np.inf
        assert len(set(listed)) == NEIGHBOURS
        np.testing.assert_allclose(away[listed], np.sort(away)[:NEIGHBOURS], rtol=1e-5)


def test_a_graph_is_the_same_whatever_is_built_beside_it(graphs: Graphs) -> None:
    for index in (0, 255, 256, 299):
        assert_equal(build(IMAGES[index : index + 1]), one(graphs, index))


def test_selected_graphs_come_in_the_order_asked_for_and_as_often(graphs: Graphs) -> None:
    chosen = np.array([7, 299, 0, 7])
    selected = graphs.select(chosen)
    assert selected.sizes.tolist() == graphs.sizes[chosen].tolist()
    for position, index in enumerate(chosen):
        assert_equal(one(selected, position), one(graphs, index))


@pytest.mark.parametrize(
    ("nodes", "wanted"),
    [(1, [0] * 8), (2, [1] * 8), (4, [1, 2, 3, 1, 2, 3, 1, 2])],
)
def test_in_a_graph_too_small_the_neighbours_of_a_node_repeat(
    nodes: int, wanted: list[int]
) -> None:
    line = np.array([[0, x] for x in (0, 1, 2, 3)][:nodes] + [[0, x] for x in range(20)])
    graphs = superpixels._neighbours(line.astype(np.float32), np.array([0, nodes, nodes + 20]))
    assert graphs[0].tolist() == wanted
    assert graphs[nodes].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_an_image_without_a_stroke_is_a_grid() -> None:
    graphs = build(np.zeros((1, 28, 28), np.uint8))
    assert len(graphs.nodes) == 81
    assert not graphs.nodes[:, 0].any()


def test_building_says_how_far_it_is() -> None:
    heard: list[tuple[Stage, int]] = []
    build(IMAGES, progress=lambda stage, done: heard.append((stage, done)))
    assert [done for _, done in heard] == [256, 300]
    assert {stage.total for stage, _ in heard} == {300}


# The cache


class Counted:
    """Builds graphs, and counts how often it was asked to."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: Images) -> Graphs:
        self.calls += 1
        return build(images)


def test_the_same_images_are_built_once_and_others_apart(tmp_path: Path) -> None:
    counted, few = Counted(), IMAGES[:3]
    first = graphs_of(few, cache_dir=tmp_path, builder=counted)
    again = graphs_of(few.copy(), cache_dir=tmp_path, builder=counted)
    assert counted.calls == 1
    assert_equal(first, again)
    assert isinstance(again.nodes, np.memmap)
    changed = few.copy()
    changed[0, 0, 0] ^= 1
    graphs_of(changed, cache_dir=tmp_path, builder=counted)
    graphs_of(few[:2], cache_dir=tmp_path, builder=counted)
    assert counted.calls == 3


def test_graphs_of_another_version_of_scikit_image_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = cached_folder(IMAGES, cache_dir=tmp_path)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "99")
    assert cached_folder(IMAGES, cache_dir=tmp_path) != own


@pytest.mark.parametrize("name", [*(f"{array}.npy" for array in ARRAYS), "sha256"])
@pytest.mark.parametrize("fault", ["a byte changed", "cut", "gone"])
def test_a_damaged_cache_is_built_again(name: str, fault: str, tmp_path: Path) -> None:
    counted, few = Counted(), IMAGES[:2]
    whole = build(few)
    graphs_of(few, cache_dir=tmp_path, builder=counted)
    path = cached_folder(few, cache_dir=tmp_path) / name
    content = path.read_bytes()
    if fault == "gone":
        path.unlink()
    elif fault == "cut":
        path.write_bytes(content[:-3])
    else:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert_equal(graphs_of(few, cache_dir=tmp_path, builder=counted), whole)
    assert_equal(graphs_of(few, cache_dir=tmp_path, builder=counted), whole)
    assert counted.calls == 2


def test_a_full_disk_is_named_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = np.save

    def full(path: Path, *arguments: object, **options: object) -> None:
        if path.name == "neighbours.npy":
            raise OSError(errno.ENOSPC, "No space left on device")
        save(path, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(DataError, match=r"No space left on device.*GLYPHBENCH_CACHE"):
        graphs_of(IMAGES[:2], cache_dir=tmp_path)
    assert [path.suffix for path in (tmp_path / "graphs").iterdir()] == [".lock"]


def test_without_scikit_image_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage.segmentation", None)
    with pytest.raises(DataError, match=r"pip install -c requirements\.txt scikit-image"):
        build(IMAGES[:2])

    def nowhere(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", nowhere)
    with pytest.raises(
        DataError,
        match=r"'scikit-image' is not installed.*pip install -c requirements\.txt scikit-image",
    ):
        graphs_of(IMAGES[:2], cache_dir=tmp_path)
