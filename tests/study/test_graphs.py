"""The study's step of graphs: what it leaves, and when nothing."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from bench.results.record import Record
from bench.study import graphs
from bench.study.artifact import Study
from datasets import Split, superpixels
from tests.records import make_record
from tests.strokes import strokes
from tests.study_data import frames, make_dataset, pictures, study_of

pytest.importorskip("skimage", reason="builds the superpixels")

IMAGES = strokes(12)


def a_study(*records: Record, classes: int = 3) -> Study:
    split = Split(images=IMAGES, labels=(np.arange(len(IMAGES)) % classes).astype(np.uint8))
    return study_of(records, make_dataset(split, names="ABCDEFGH"[:classes]))


def picture(study: Study, name: str) -> Figure:
    return pictures(graphs.make(study))[name].figure


def test_without_a_graph_network_that_ended_well_there_is_nothing() -> None:
    failed = make_record(architecture="gnn", status="failed", reason="no reason")
    assert list(graphs.make(a_study(make_record(), failed))) == []


@pytest.mark.parametrize(("classes", "wanted"), [(2, "AB"), (8, "ACEFH")])
def test_the_examples_are_of_several_classes_spread_over_all(classes: int, wanted: str) -> None:
    study = a_study(make_record(architecture="gnn"), classes=classes)
    figure = picture(study, "graphs_examples")
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert [title[1] for title in titles] == list(wanted)
    assert len(figure.axes) == 3 * len(wanted)


def test_the_sizes_are_those_of_the_graphs() -> None:
    study = a_study(make_record(architecture="gnn"))
    frame = frames(graphs.make(study))["graphs_sizes"].set_index("of")
    sizes = superpixels.build(IMAGES).sizes
    assert frame.loc["nodes of a graph", "mean"] == pytest.approx(sizes.mean())
    assert frame.loc["edges of a graph", "most"] == 8 * sizes.max()
    # in an even grid of 9 x 9 the eight nearest are one step off, along or across
    side = 28 / 9
    lengths = frame.loc["length of an edge in pixels"]
    assert side < lengths["mean"] < 2 * side
    assert 0 < lengths["least"] < side


def test_a_curve_is_drawn_for_each_seed_and_their_mean() -> None:
    seeds = [make_record(architecture="gnn", seed=seed) for seed in range(3)]
    accuracy, loss = picture(a_study(*seeds), "graphs_learning_curves").axes
    assert len(accuracy.lines) == 3 + 1
    np.testing.assert_allclose(np.asarray(accuracy.lines[-1].get_ydata()), [95, 98])
    assert len(loss.lines) == 3 + 2  # the mean training loss beside them
    alone, _ = picture(a_study(seeds[0]), "graphs_learning_curves").axes
    assert len(alone.lines) == 1


def test_accuracy_stands_beside_that_of_the_mlp_and_the_cnn_alone() -> None:
    others = [make_record(architecture=name) for name in ("mlp", "cnn", "mlp-wide")]
    own = [make_record(architecture="gnn", seed=s, correct=960 + 20 * s) for s in range(2)]
    artifacts = graphs.make(a_study(*others, *own))
    frame = frames(artifacts)["graphs_accuracy"].set_index("architecture")
    assert set(frame.index) == {"MLP", "CNN", "GNN"}
    assert frame.loc["GNN", "test_accuracy"] == pytest.approx(0.97)
    assert frame.loc["GNN", "runs"] == 2
