"""Images beside the graphs that are made of them, and how large such graphs are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report.plots import style
from bench.study.artifact import Picture, Sheet
from datasets import Dataset, superpixels
from datasets.superpixels import NEIGHBOURS, Graphs

EXAMPLES = 5  # images in the picture, each of another class where there are so many
SAMPLE = 2_000  # training images whose graphs are counted
INK = 0.1  # mean intensity from which a superpixel counts as part of a stroke
BACKGROUND = "#9DB4C0"  # of a graph: black and white nodes are both seen on it
EDGE = "#2F4858"

Images = NDArray[np.uint8]


def examples(dataset: Dataset, subject: str) -> Picture:
    """A few training images above their superpixels and their graphs.

    ``subject``: task and source in words. Raises DataError where scikit-image is not installed.
    """
    chosen = _of_several_classes(dataset)
    images = dataset.train.images[chosen]
    graphs = superpixels.build(images)
    with style.applied():
        figure = Figure(figsize=(style.WIDTH, style.HEIGHT), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(3, len(chosen), squeeze=False)
        for column, place in enumerate(chosen):
            graph = graphs.select(np.array([column]))
            _draw_column(list(grid[:, column]), images[column], graph)
            name = dataset.class_names[dataset.train.labels[place]]
            grid[0, column].set_title(f"{name!r}, training image {place:,}")
            grid[2, column].set_xlabel(f"{len(graph.nodes)} nodes, {graph.neighbours.size} edges")
        for axes, words in zip(grid[:, 0], ("28 x 28 pixels", "superpixels", "graph"), strict=True):
            axes.set_ylabel(words, fontsize=16)
        figure.suptitle(f"Images as graphs of superpixels: {subject}", fontsize=20, weight="bold")
    return Picture(
        name="graphs_examples",
        title=f"Images as graphs of superpixels: {subject}",
        caption=(
            "Above the image, in the middle its superpixels (SLIC), below its graph, which is all "
            "that the graph network is given. A node is a superpixel: it lies at the centroid, "
            "and its shade is the mean intensity. Each node has edges from the "
            f"{NEIGHBOURS} whose centroids are nearest."
        ),
        figure=figure,
    )


def _of_several_classes(dataset: Dataset) -> list[int]:
    """The first training image of each of a few classes, spread over all of them."""
    labels = np.asarray(dataset.train.labels)
    found, first = np.unique(labels, return_index=True)
    spread = np.linspace(0, len(found) - 1, min(EXAMPLES, len(found))).round().astype(int)
    return [int(place) for place in first[spread]]


def _draw_column(column: Sequence[Axes], image: Images, graph: Graphs) -> None:
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
    places = np.stack([column, row], axis=1)
    ends = np.stack(
        [places[graph.neighbours], np.broadcast_to(places[:, None], (*graph.neighbours.shape, 2))],
        axis=2,
    )
    axes.set_facecolor(BACKGROUND)
    axes.add_collection(LineCollection(list(ends.reshape(-1, 2, 2)), colors=EDGE, linewidths=0.5))
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


def sizes(dataset: Dataset, subject: str) -> Sheet:
    """Nodes, edges and their lengths over a sample of the training images.

    ``subject``: task and source in words. Raises DataError where scikit-image is not installed.
    """
    images = dataset.train.images
    chosen = np.unique(np.linspace(0, len(images) - 1, min(SAMPLE, len(images))).astype(np.int64))
    graphs = superpixels.build(images[chosen])
    inked = np.add.reduceat(graphs.nodes[:, 0] > INK, graphs.offsets[:-1], dtype=np.int64)
    rows = {
        "nodes of a graph": graphs.sizes,
        "edges of a graph": graphs.sizes * NEIGHBOURS,
        f"nodes with ink (mean intensity above {INK:g}) of a graph": inked,
        "length of an edge in pixels": _lengths(graphs),
    }
    frame = pd.DataFrame(
        {
            "of": list(rows),
            "mean": [float(values.mean()) for values in rows.values()],
            "standard_deviation": [float(values.std(ddof=1)) for values in rows.values()],
            "least": [float(values.min()) for values in rows.values()],
            "most": [float(values.max()) for values in rows.values()],
        }
    )
    return Sheet(
        name="graphs_sizes",
        title=f"The graphs in numbers: {subject}",
        caption=(
            f"Of {len(chosen):,} training images, evenly spaced among all. An edge counts once in "
            f"its direction: every node is reached by {NEIGHBOURS}."
        ),
        frame=frame,
        formats=dict.fromkeys(frame.columns[1:], ",.1f"),
    )


def _lengths(graphs: Graphs) -> NDArray[np.float32]:
    first = np.repeat(graphs.offsets[:-1], graphs.sizes)
    centroids = graphs.nodes[:, 1:] * 13.5  # half of the 27 pixels between the outermost centres
    away = centroids[graphs.neighbours + first[:, None]] - centroids[:, None]
    return np.asarray(np.sqrt((away**2).sum(axis=-1)).ravel())
