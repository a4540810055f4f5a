"""Images as graphs of superpixels, and what the graph network learned of them.

The graphs beside their images, the graph network's learning curves, and its accuracy beside those
of the MLP and the CNN.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import draw_mean, draw_seeds
from bench.report.tables.table import Table, fact_table
from bench.stats import runs
from bench.stats.runs import Replicates
from bench.study import pictures, training
from bench.study.artifact import Artifact, Picture, Study, Tables, facts, known, seeds_sentence
from datasets import superpixels
from datasets.superpixels import NEIGHBOURS, Graphs

TITLE = "Graphs of superpixels"
NEEDS = "a run of architecture gnn"

BESIDE = ("mlp", "cnn", "gnn")


def make(study: Study) -> Iterator[Artifact]:
    """Two pictures and two tables; nothing where no graph network was trained to the end."""
    groups = [group for group in study.groups if group.measured]
    own = [group for group in groups if group.experiment.architecture == "gnn"]
    if not own:
        return
    yield _examples(study)
    yield _sizes(study)
    yield _learning_curves(study, own)
    yield _accuracy(study, [g for g in groups if g.experiment.architecture in BESIDE])


def finding(tables: Tables) -> str:
    """The accuracies of the graph network and of what stands beside it."""
    rows = [row for row in facts(tables, "graphs_accuracy") if known(row["test_accuracy"])]
    listed = ", ".join(
        f"{row['architecture']} in {row['framework']} {wording.percent(row['test_accuracy'])} "
        f"({wording.counted(row['runs'], 'run')})"
        for row in rows
    )
    return f"Test accuracy: {listed}." if listed else ""


# Images beside the graphs that are made of them, and how large such graphs are

EXAMPLES = 5  # images in the picture, each of another class where there are so many
SAMPLE = 2_000  # training images whose graphs are counted
INK = 0.1  # mean intensity from which a superpixel counts as part of a stroke
BACKGROUND = "#9DB4C0"  # of a graph: black and white nodes are both seen on it
EDGE = "#2F4858"


def _examples(study: Study) -> Picture:
    """A few training images above their superpixels and their graphs.

    Raises DataError where scikit-image is not installed.
    """
    dataset = study.dataset
    chosen = pictures.of_several_classes(dataset, EXAMPLES)
    title = f"Images as graphs of superpixels: {study.subject}"
    images = dataset.train.images[chosen]
    graphs = superpixels.build(images)
    figure = Figure(figsize=(style.WIDTH, style.HEIGHT), layout="constrained")
    grid = figure.subplots(3, len(chosen), squeeze=False)
    for column, index in enumerate(chosen):
        graph = graphs.select(np.array([column]))
        _draw_column(list(grid[:, column]), images[column], graph)
        name = dataset.class_names[dataset.train.labels[index]]
        grid[0, column].set_title(f"{name!r}, training image {index:,}")
        grid[2, column].set_xlabel(f"{len(graph.nodes)} nodes, {graph.neighbours.size} edges")
    for axes, words in zip(grid[:, 0], ("28 x 28 pixels", "superpixels", "graph"), strict=True):
        axes.set_ylabel(words, fontsize=16)
    figure.suptitle(title, fontsize=20, weight="bold")
    return Picture(
        name="graphs_examples",
        title=title,
        caption=(
            "Above the image, in the middle its superpixels (SLIC), below its graph, which is all "
            "that the graph network is given. A node is a superpixel: it lies at the centroid, "
            "and its shade is the mean intensity. Each node has edges from the "
            f"{NEIGHBOURS} whose centroids are nearest."
        ),
        figure=figure,
        main=True,
    )


def _draw_column(column: Sequence[Axes], image: NDArray[np.uint8], graph: Graphs) -> None:
    """The image, its superpixels, its graph, from above."""
    for axes in column:
        axes.set(xticks=[], yticks=[], xlim=(-0.5, 27.5), ylim=(27.5, -0.5), aspect="equal")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    column[0].imshow(image, cmap="gray", vmin=0, vmax=255)
    _draw_superpixels(column[1], superpixels.superpixels(image), graph)
    _draw_graph(column[2], graph)


def _draw_superpixels(axes: Axes, labels: NDArray[np.int64], graph: Graphs) -> None:
    axes.imshow(graph.nodes[labels, 0], cmap="gray", vmin=0, vmax=1)
    down = [
        [(x - 0.5, y + 0.5), (x + 0.5, y + 0.5)] for y, x in np.argwhere(np.diff(labels, axis=0))
    ]
    right = [[(x + 0.5, y - 0.5), (x + 0.5, y + 0.5)] for y, x in np.argwhere(np.diff(labels))]
    axes.add_collection(LineCollection([*down, *right], colors="#E69F00", linewidths=1))


def _draw_graph(axes: Axes, graph: Graphs) -> None:
    row, column = (graph.nodes[:, 1:].T + 1) / 2 * 27
    centroids = np.stack([column, row], axis=1)
    starts = centroids[graph.neighbours]  # (nodes, NEIGHBOURS, 2)
    edges = np.stack(np.broadcast_arrays(starts, centroids[:, None]), axis=2).reshape(-1, 2, 2)
    axes.set_facecolor(BACKGROUND)
    axes.add_collection(LineCollection(list(edges), colors=EDGE, linewidths=0.5))
    axes.scatter(
        column,
        row,
        c=graph.nodes[:, 0],
        cmap="gray",
        vmin=0,
        vmax=1,
        s=42,
        edgecolors=EDGE,
        linewidths=0.8,
        zorder=2,
    )


def _sizes(study: Study) -> Table:
    """Nodes, edges and their lengths over a sample of the training images.

    Raises DataError where scikit-image is not installed.
    """
    images = study.dataset.train.images
    chosen = np.unique(np.linspace(0, len(images) - 1, min(SAMPLE, len(images))).astype(np.int64))
    graphs = superpixels.build(images[chosen])
    inked = np.add.reduceat(graphs.nodes[:, 0] > INK, graphs.offsets[:-1], dtype=np.int64)
    measured = {
        "nodes of a graph": graphs.sizes,
        "edges of a graph": graphs.sizes * NEIGHBOURS,
        f"nodes with ink (mean intensity above {INK:g}) of a graph": inked,
        "length of an edge in pixels": _edge_lengths(graphs),
    }
    return fact_table(
        name="graphs_sizes",
        title=f"The graphs in numbers: {study.subject}",
        explanation=(
            f"Of {len(chosen):,} training images, evenly spaced among all. An edge counts once in "
            f"its direction: every node is reached by {NEIGHBOURS}."
        ),
        rows=[
            {
                "of": name,
                "mean": float(values.mean()),
                "standard_deviation": float(values.std(ddof=1)),
                "least": float(values.min()),
                "most": float(values.max()),
            }
            for name, values in measured.items()
        ],
        formats={",.1f": ("mean", "standard_deviation", "least", "most")},
    )


def _edge_lengths(graphs: Graphs) -> NDArray[np.float32]:
    first = np.repeat(graphs.offsets[:-1], graphs.sizes)
    centroids = graphs.nodes[:, 1:] * 13.5  # half of the 27 pixels between the outermost centres
    away = centroids[graphs.neighbours + first[:, None]] - centroids[:, None]
    return np.asarray(np.linalg.norm(away, axis=-1).ravel())


# The graph network, by itself and beside others


def _learning_curves(study: Study, groups: Sequence[Replicates]) -> Picture:
    figure, (accuracy, loss) = style.page(2)
    for look, group in zip(style.LOOKS, groups, strict=False):
        _draw_group(accuracy, loss, group, look)
    accuracy.set(ylabel="validation accuracy (%)", title="Accuracy")
    loss.set(ylabel="loss (cross-entropy, nats)", title="Loss", yscale="log")
    style.log_ticks(loss.yaxis)
    for axes in (accuracy, loss):
        training.epoch_axis(axes)
    notes = [*wording.notices(group.data for group in groups), seeds_sentence(groups)]
    return pictures.chart(
        figure,
        notes,
        name="graphs_learning_curves",
        title=f"The graph network's learning curves: {study.subject}",
        caption=(
            "Left the validation accuracy, right the loss after every stretch of training: solid "
            "with filled markers the validation loss, dotted and hollow the mean training loss of "
            "the stretch, at its middle, of a network that changes meanwhile and drops units at "
            "random. With several seeds the thick line is their mean and each thin line is one "
            "seed."
        ),
    )


def _draw_group(accuracy: Axes, loss: Axes, group: Replicates, look: style.Look) -> None:
    """Validation accuracy and loss; the training loss dotted and hollow, without a label."""
    label = f"{wording.framework(group.experiment)}, batch size {group.experiment.batch_size:,}"
    accuracies = training.curves(group.measured, training.validation_accuracy)
    draw_seeds(accuracy, accuracies, look, label)
    losses = training.curves(group.measured, lambda evaluation: evaluation.loss)
    draw_seeds(loss, losses, look, label)
    trained = [training.stretches_of(record) for record in group.measured]
    draw_mean(loss, trained, look, linestyle=":", markerfacecolor="white")


def _accuracy(study: Study, groups: Sequence[Replicates]) -> Table:
    return fact_table(
        name="graphs_accuracy",
        title=f"The graph network beside the MLP and the CNN: {study.subject}",
        explanation=(
            "Test accuracy of the checkpoint with the lowest validation loss; mean and sample "
            "standard deviation over the runs. Training seconds are of all epochs, without "
            "building the graphs. The latency of one image includes that, since an answer begins "
            "with pixels. The MLP and the CNN see all 784 pixels, the graph network about 75 "
            "nodes."
        ),
        rows=map(_row, groups),
        formats={
            ",d": ("batch_size", "parameters"),
            "g": ("epochs",),
            ".2%": ("test_accuracy", "test_accuracy_std"),
            ",.1f": ("train_s",),
            ",.2f": ("latency_ms",),
        },
    )


def _row(group: Replicates) -> dict[str, object]:
    experiment = group.experiment
    accuracy = group.summary(runs.test_accuracy)
    train_s = group.summary(runs.train_s)
    latency_s = group.summary(lambda record: runs.latency_s(record, 0.5))
    counts = [record.measurement.parameter_count for record in group.measured if record.measurement]
    return {
        "architecture": wording.architecture(experiment.architecture),
        "framework": wording.framework(experiment),
        "device": wording.device(experiment.device),
        "batch_size": experiment.batch_size,
        "epochs": experiment.epochs,
        "runs": len(group.measured),
        "parameters": counts[0],
        "test_accuracy": accuracy and accuracy.mean,
        "test_accuracy_std": accuracy and accuracy.std,
        "train_s": train_s and train_s.mean,
        "latency_ms": latency_s and 1000 * latency_s.mean,
    }
