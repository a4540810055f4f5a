"""The clusters: where raw pixels, and what a network makes of them, put the test images.

Each space is laid out twice, by its two largest principal components and by t-SNE, and a table
says in numbers how well the classes hold together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.study import embedding, scatter
from bench.study.artifact import Picture, Sheet, Study
from bench.study.embedding import Components
from bench.study.spaces import SEED, Points, Space, choose, spaces

TITLE = "The clusters"
NEEDS = (
    f"the packages {' and '.join(embedding.PACKAGES.values())} (pip install 'glyphbench[study]'), "
    f"and {embedding.FEWEST} test images"
)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One space in the plane, both ways."""

    space: Space
    components: Components
    tsne: NDArray[np.float64]  # (n, 2)

    @property
    def pca(self) -> NDArray[np.float64]:
        """(n, 2) along the two largest principal components."""
        return self.components.scores[:, :2]


def make(study: Study) -> Iterator[Picture | Sheet]:
    """A picture a space, then the table of all."""
    points = choose(study.dataset)
    if embedding.missing() or len(points.labels) < embedding.FEWEST:
        return
    what = wording.images(study.groups[0].data)
    layouts = []
    for space in spaces(study, points):
        layouts.append(lay_out(space))
        yield _picture(layouts[-1], points, what)
    yield _sheet(layouts, points, what)


def lay_out(space: Space) -> Layout:
    """Compute a space's two layouts: seconds for 3,000 points."""
    found = embedding.components(space.vectors)
    flat = embedding.tsne(space.vectors, found.scores[:, :2], SEED)
    return Layout(space=space, components=found, tsne=flat)


# The picture


def _picture(layout: Layout, points: Points, what: str) -> Picture:
    space = layout.space
    title = f"Clusters of {what}: {space.title}"
    with style.applied():
        figure, (left, right) = style.page(2)
        wrong = _wrong(space, points)
        for axes, places in ((left, layout.pca), (right, layout.tsne)):
            scatter.draw(axes, places, points.labels, points.class_names, wrong)
        _say_axes(layout.components, left, right)
        style.frame(figure, (left, right), title, [_note(space, points)])
    return Picture(
        name=f"clusters_{space.name}", title=title, caption=_caption(space, points), figure=figure
    )


def _say_axes(components: Components, left: Axes, right: Axes) -> None:
    left.set_title("principal components (PCA)")
    left.set_xlabel(f"first component ({components.shares[0]:.1%} of the variance)")
    left.set_ylabel(f"second component ({components.shares[1]:.1%} of the variance)")
    right.set_title(f"t-SNE, perplexity {embedding.perplexity(len(components.scores)):g}")
    right.set(xticks=[], yticks=[], xlabel="distances between clusters say little")


def _note(space: Space, points: Points) -> str:
    said = f"{len(points.labels):,} test images, {space.vectors.shape[1]:,} dimensions"
    if space.answers is None:
        return said
    errors = wording.counted(int(_wrong(space, points).sum()), "error")
    return f"{said}; in a ring: {errors} of the {space.answers.model}"


def _wrong(space: Space, points: Points) -> NDArray[np.bool_]:
    """(n,) the errors of the model whose answers the space has; none without a model."""
    if space.answers is None:
        return np.zeros(len(points.labels), dtype=np.bool_)
    return np.asarray(space.answers.predicted != points.labels)


def _caption(space: Space, points: Points) -> str:
    return " ".join(_of_pixels(space, points) if space.name == "pixels" else _of_features(space))


def _of_pixels(space: Space, points: Points) -> Iterator[str]:
    drawn = f"{len(points.labels):,} of the {points.total:,}, every class in its proportion"
    every = f"all {points.total:,}"
    yield (
        f"Each point is a test image ({every if len(points.labels) == points.total else drawn}), "
        "the same in every picture of this part, in the colour of its class and drawn as its "
        "name where that is one character, as a shape where it is longer. The name stands large "
        "at the median of the class, with a line to it where names would cover each other."
    )
    if space.answers is not None:
        yield (
            "In a ring: the errors, drawn as what they truly are. Pixels answer nothing, so here "
            f"they are those of the {space.answers.model}, which got most test images right."
        )
    yield (
        "Left: the two directions of the largest variance, a true projection. Right: t-SNE "
        "(van der Maaten and Hinton, 2008; openTSNE, Poličar and others, 2024) of Euclidean "
        f"distances, perplexity {embedding.perplexity(len(points.labels)):g}, begun from the two "
        "components. It keeps neighbours together and nothing else: distances between clusters, "
        "their sizes and how dense they are mean little, and even noise can look like clusters "
        "(Wattenberg, Viégas and Johnson, 'How to Use t-SNE Effectively', Distill, 2016)."
    )


def _of_features(space: Space) -> Iterator[str]:
    yield (
        f"The same images as the {space.vectors.shape[1]:,} numbers from which the network's last "
        "layer tells the classes, laid out the same way."
    )
    if space.answers is not None:
        yield (
            f"In a ring: the errors of the {space.answers.model}, drawn as what they truly are. "
            "One that lies among images of another class was already put there by the layers "
            "before the last."
        )


# The table


def _sheet(layouts: list[Layout], points: Points, what: str) -> Sheet:
    frame = pd.DataFrame([_row(layout, points) for layout in layouts])
    shares = ("of_first", "accuracy", "majority")
    return Sheet(
        name="clusters",
        title=f"How well the classes of {what} hold together",
        caption=(
            f"Of the same {len(points.labels):,} test images. Variance: the share that the first "
            "2, 10 and 50 principal components have. Neighbours' accuracy: how often most of an "
            f"image's {embedding.NEIGHBOURS} nearest others are of its class, in the whole space "
            "and in the two flat pictures of it: what a picture loses. Silhouette, in the whole "
            "space: 1 where classes lie apart, 0 where they touch. Errors of the model, and for "
            "how many of them most of the neighbours are of the class that was said, and of the "
            "true one."
        ),
        frame=frame,
        formats={
            "dimensions": ",d",
            "silhouette": ".2f",
            "errors": ",.0f",
            **{name: ".1%" for name in map(str, frame) if any(word in name for word in shares)},
        },
    )


def _row(layout: Layout, points: Points) -> dict[str, object]:
    space, labels = layout.space, points.labels
    return {
        "space": space.title,
        "dimensions": space.vectors.shape[1],
        **{f"variance_of_first_{n}": layout.components.share(n) for n in (2, 10, 50)},
        "neighbours_accuracy": embedding.neighbour_accuracy(space.vectors, labels),
        "neighbours_accuracy_in_pca": embedding.neighbour_accuracy(layout.pca, labels),
        "neighbours_accuracy_in_tsne": embedding.neighbour_accuracy(layout.tsne, labels),
        "silhouette": embedding.silhouette(space.vectors, labels),
        **_errors(space, labels),
    }


def _errors(space: Space, labels: NDArray[np.int64]) -> dict[str, object]:
    """How many there are, and the class of most of their neighbours; nothing without a model."""
    if space.answers is None:
        return {}
    said = space.answers.predicted
    wrong = said != labels
    most = embedding.majority(embedding.neighbours(space.vectors), labels)[wrong]
    return {
        "errors": int(wrong.sum()),
        "majority_as_said": _share(most == said[wrong]),
        "majority_as_true": _share(most == labels[wrong]),
    }


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None
