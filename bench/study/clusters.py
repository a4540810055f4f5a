"""The clusters: where raw pixels, and what a network makes of them, put the test images.

Pixels are laid out by their two largest principal components and by t-SNE, and the t-SNE of each
network's features stands beside that of the pixels; a table says in numbers how well the classes
hold together. scikit-learn computes components and neighbours, openTSNE (of the group ``study``)
the t-SNE; both are imported late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.report.tables.table import Table, fact_table
from bench.study import scatter
from bench.study.artifact import Answered, Artifact, Picture, Study, Tables, answered, facts
from bench.study.pictures import chart
from datasets import Dataset, how_to_install

FEWEST = 20  # points: fewer have no neighbourhoods worth the name
PACKAGES = {"openTSNE": "openTSNE", "sklearn": "scikit-learn"}  # module -> distribution

TITLE = "The clusters"
NEEDS = (
    f"the packages {' and '.join(PACKAGES.values())} ({how_to_install(*PACKAGES.values())}), "
    f"and {FEWEST} test images"
)


def make(study: Study) -> Iterator[Artifact]:
    """A picture a space, then the table of all."""
    points = choose(study.dataset)
    if missing() or len(points.labels) < FEWEST:
        return
    pixels, *others = spaces(study, points)
    # what the best model, whose errors the pixels show too, makes of them
    best = next((space for space in others if space.model is pixels.model), pixels)
    layouts = [lay_out(pixels, points.labels)]
    yield _pixels_picture(study, layouts[0], points, main=best is pixels)
    for space in others:
        layouts.append(lay_out(space, points.labels))
        yield _model_picture(study, layouts[0], layouts[-1], points, main=space is best)
    yield _table(study, layouts, points)


def finding(tables: Tables) -> str:
    """How often neighbours are of one class: among raw pixels, and where it is most often."""
    rows = facts(tables, "clusters")
    if not rows:
        return ""
    pixels, best = rows[0], max(rows, key=lambda row: row["neighbours_accuracy"])
    share = wording.percent(pixels["neighbours_accuracy"], 1)
    beside = (
        ""
        if best is pixels
        else (f", and {wording.percent(best['neighbours_accuracy'], 1)} in the {best['space']}")
    )
    return (
        f"Of the test images, as raw pixels, {share} have mostly their own class among their "
        f"{NEIGHBOURS} nearest neighbours{beside}."
    )


def missing() -> list[str]:
    """The distributions that this needs and that are not installed."""
    from importlib.util import find_spec

    return [name for module, name in PACKAGES.items() if find_spec(module) is None]


# The same test images in several spaces: raw pixels, and each model's penultimate layer

POINTS = 3_000  # images at most: t-SNE takes seconds, and a slide holds no more
SEED = 0  # of what is drawn here


@dataclass(frozen=True, kw_only=True)
class Points:
    """The test images that are shown, the same in every space."""

    indices: NDArray[np.int64]  # (n,) among all test images, ascending
    images: NDArray[np.uint8]  # (n, 28, 28)
    labels: NDArray[np.int64]  # (n,)
    class_names: tuple[str, ...]
    total: int  # test images there are


@dataclass(frozen=True, kw_only=True)
class Space:
    """The images as vectors of one kind."""

    name: str  # of its files: 'pixels', 'cnn_pytorch'
    title: str  # 'raw pixels', 'penultimate layer of the CNN in pytorch'
    vectors: NDArray[np.float32]  # (n, d)
    model: Answered | None  # whose answers are shown: its own; of raw pixels the best one's


def choose(dataset: Dataset) -> Points:
    """At most ``POINTS`` test images, every class in its proportion."""
    indices = stratified(dataset.test.labels, POINTS)
    return Points(
        indices=indices,
        images=np.asarray(dataset.test.images[indices]),
        labels=dataset.test.labels[indices].astype(np.int64),
        class_names=dataset.class_names,
        total=len(dataset.test.labels),
    )


def stratified(labels: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Indices of ``count`` labels, ascending, every class in its proportion; all where fewer.

    Each class is shuffled, and its i-th of k stands at (i + ½) / k of the way through it: those
    that stand earliest are taken.
    """
    shuffled = np.random.default_rng(SEED).permutation(len(labels))
    way = np.empty(len(labels))
    for label in np.unique(labels):
        members = shuffled[labels[shuffled] == label]
        way[members] = (np.arange(len(members)) + 0.5) / len(members)
    return np.sort(np.argsort(way, kind="stable")[:count])


def spaces(study: Study, points: Points) -> Iterator[Space]:
    """Raw pixels first, then the penultimate layer of each model that has one (lowest seed)."""
    models: dict[str, Answered] = {}  # the first of each title, though recipes may differ more
    for model in answered(study):
        models.setdefault(model.title, model)
    yield Space(
        name="pixels",
        title="raw pixels",
        vectors=points.images.reshape(len(points.images), -1).astype(np.float32),
        model=min(models.values(), key=lambda model: model.errors, default=None),
    )
    for model in models.values():
        if model.shown.features is not None:
            yield Space(
                name=model.name,
                title=f"penultimate layer of the {model.title}",
                vectors=model.shown.features[points.indices],
                model=model,
            )


# A space in the plane, and how well its classes hold together: arithmetic alone

Vectors = NDArray[np.floating]  # (n, d)

PERPLEXITY = 30.0  # about how many neighbours of a point t-SNE looks at
NEIGHBOURS = 10  # of a point, where classes are told by their neighbours


@dataclass(frozen=True, kw_only=True)
class Layout:
    """One space in the plane, both ways."""

    space: Space
    pca: NDArray[np.float64]  # (n, 2) along the two largest principal components
    variance: NDArray[np.float64]  # (m,) each component's share, the largest first; their sum 1
    tsne: NDArray[np.float64]  # (n, 2)
    nearest: NDArray[np.int64]  # (n,) the class that most of a point's neighbours have


def lay_out(space: Space, labels: NDArray[np.int64]) -> Layout:
    """Compute a space's two layouts: seconds for 3,000 points. ``labels``: (n,) true classes.

    Principal component analysis, by the eigenvectors of the covariance matrix: Pearson, 'On lines
    and planes of closest fit to systems of points in space' (1901). The sign of a component is
    arbitrary; scikit-learn settles it by the largest loading.
    """
    from sklearn.decomposition import PCA

    count, dimensions = space.vectors.shape
    pca = PCA(svd_solver="covariance_eigh" if dimensions <= count else "full")
    flat = pca.fit_transform(space.vectors.astype(np.float64))[:, :2]
    return Layout(
        space=space,
        pca=flat,
        variance=pca.explained_variance_ratio_,
        tsne=tsne(space.vectors, flat, SEED),
        nearest=majority(space.vectors, labels),
    )


def tsne(vectors: Vectors, start: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """t-SNE: (n, 2) in which neighbours in the d dimensions are neighbours, as far as it goes.

    van der Maaten and Hinton, 'Visualizing Data using t-SNE', JMLR 9 (2008), computed by
    openTSNE (Poličar, Stražar and Zupan, Journal of Statistical Software 109, 2024), with exact
    Euclidean neighbours, the Barnes-Hut approximation and one thread: its two threads took
    longer on a busy machine, and the same points give the same layout.

    Args:
        vectors: (n, d), n at least ``FEWEST``.
        start: (n, 2) where the points begin; scaled down first.
        seed: of whatever openTSNE draws; with a start given, nothing.
    """
    import openTSNE

    layout = openTSNE.TSNE(
        perplexity=perplexity(len(vectors)),
        metric="euclidean",
        neighbors="exact",
        negative_gradient_method="bh",
        initialization=openTSNE.initialization.rescale(start, inplace=False),
        n_jobs=1,
        random_state=seed,
    ).fit(np.ascontiguousarray(vectors))
    return np.asarray(layout, dtype=np.float64)


def perplexity(points: int) -> float:
    """30, or less where there are so few points: t-SNE asks for three times as many neighbours."""
    return min(PERPLEXITY, (points - 1) // 3)


def majority(
    vectors: Vectors, labels: NDArray[np.int64], count: int = NEIGHBOURS
) -> NDArray[np.int64]:
    """(n,) the class that most of a point's ``count`` nearest others have (leave one out).

    Euclidean distance; the lower label where two classes have as many.
    """
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(n_neighbors=count, algorithm="brute").fit(vectors, labels)
    return np.asarray(classifier.predict(None))  # None: the fitted points, without themselves


def silhouette(vectors: Vectors, labels: NDArray[np.int64]) -> float | None:
    """The mean of how much nearer a point is to its own class than to the next, -1 to 1.

    Rousseeuw, 'Silhouettes', Journal of Computational and Applied Mathematics 20 (1987). None
    where it is not defined: with one class, or with a class for every point.
    """
    from sklearn.metrics import silhouette_score

    defined = 1 < len(np.unique(labels)) < len(labels)
    return float(silhouette_score(vectors, labels)) if defined else None


# The pictures


def _pixels_picture(study: Study, pixels: Layout, points: Points, *, main: bool) -> Picture:
    """Raw pixels both ways: principal components beside t-SNE."""
    wrong, note = _wrong(pixels.space, points)
    figure, (left, right) = style.page(2)
    for axes, positions in ((left, pixels.pca), (right, pixels.tsne)):
        scatter.draw(axes, positions, points.labels, points.class_names, wrong)
    left.set(
        title="principal components (PCA)",
        xlabel=f"first component ({pixels.variance[0]:.1%} of the variance)",
        ylabel=f"second component ({pixels.variance[1]:.1%} of the variance)",
    )
    _of_tsne(right, f"t-SNE, perplexity {perplexity(len(points.labels)):g}")
    return chart(
        figure,
        [note],
        name=f"clusters_{pixels.space.name}",
        title=f"Clusters of {study.subject}: {pixels.space.title}",
        caption=" ".join(_of_pixels(pixels.space, points)),
        main=main,
    )


def _model_picture(
    study: Study, pixels: Layout, features: Layout, points: Points, *, main: bool
) -> Picture:
    """t-SNE of raw pixels beside that of what a network makes of them."""
    wrong, note = _wrong(features.space, points)
    figure, grid = style.page(2)
    for axes, layout in zip(grid, (pixels, features), strict=True):
        scatter.draw(axes, layout.tsne, points.labels, points.class_names, wrong)
        _of_tsne(axes, layout.space.title)
    before, after = (
        wording.percent(float((layout.nearest == points.labels).mean()), 1)
        for layout in (pixels, features)
    )
    return chart(
        figure,
        [note],
        name=f"clusters_{features.space.name}",
        title=f"Clusters of {study.subject}: {features.space.title}, beside raw pixels",
        finding=f"Among their own class lie {before} of the images as pixels, {after} as features",
        caption=" ".join(_of_features(features.space)),
        main=main,
    )


def _of_tsne(axes: Axes, title: str) -> None:
    axes.set(title=title, xlabel="t-SNE: distances between clusters say little")
    axes.set(xticks=[], yticks=[])


def _wrong(space: Space, points: Points) -> tuple[NDArray[np.bool_], str]:
    """(n,) which points are errors of the space's model, and what is shown in words."""
    note = f"{len(points.labels):,} test images, {space.vectors.shape[1]:,} dimensions"
    if space.model is None:
        return np.zeros(len(points.labels), dtype=np.bool_), note
    wrong = space.model.wrong(space.model.seed)[points.indices]
    errors = wording.counted(int(wrong.sum()), "error")
    return wrong, f"{note}; in a ring: {errors} of the {space.model.title}"


def _of_pixels(space: Space, points: Points) -> Iterator[str]:
    count = len(points.labels)
    drawn = f"{count:,} of the {points.total:,}, every class in its proportion"
    yield (
        f"Each point is a test image ({f'all {count:,}' if count == points.total else drawn}), "
        "the same in every picture of this part, in the colour of its class and drawn as its "
        "name where that is one character, as a shape where it is longer. The name stands large "
        "at the median of the class, with a line to it where names would cover each other."
    )
    if space.model is not None:
        yield (
            "In a ring: the errors, drawn as what they truly are. Pixels answer nothing, so here "
            f"they are those of the {space.model.title}, which got most test images right."
        )
    yield (
        "Left: the two directions of the largest variance, a true projection. Right: t-SNE "
        "(van der Maaten and Hinton, 2008; openTSNE, Poličar and others, 2024) of Euclidean "
        f"distances, perplexity {perplexity(count):g}, begun from the two "
        "components. It keeps neighbours together and nothing else: distances between clusters, "
        "their sizes and how dense they are mean little, and even noise can look like clusters "
        "(Wattenberg, Viégas and Johnson, 'How to Use t-SNE Effectively', Distill, 2016)."
    )


def _of_features(space: Space) -> Iterator[str]:
    yield (
        f"Left the raw pixels again, right the same images as the {space.vectors.shape[1]:,} "
        "numbers by which the network's last layer decides, laid out alike by t-SNE. Above: for "
        f"how many most of the {NEIGHBOURS} nearest neighbours, in all dimensions, are of their "
        "own class."
    )
    if space.model is not None:
        yield (
            f"In a ring: the errors of the {space.model.title}, drawn as what they truly are. "
            "One that lies among images of another class was already put there by the layers "
            "before the last."
        )


# The table

VARIANCES = {f"variance_of_first_{count}": count for count in (2, 10, 50)}
SHARES = (
    *VARIANCES,
    "neighbours_accuracy",
    "neighbours_accuracy_in_pca",
    "neighbours_accuracy_in_tsne",
    "majority_as_said",
    "majority_as_true",
)


def _table(study: Study, layouts: Sequence[Layout], points: Points) -> Table:
    return fact_table(
        name="clusters",
        title=f"How well the classes of {study.subject} hold together",
        explanation=(
            f"Of the same {len(points.labels):,} test images. Variance: the share that the first "
            "2, 10 and 50 principal components have. Neighbours' accuracy: how often most of an "
            f"image's {NEIGHBOURS} nearest others are of its class, in the whole space and in the "
            "two flat pictures of it: what a picture loses. Silhouette, in the whole space: 1 "
            "where classes lie apart, 0 where they touch. Errors: of the model; then the share of "
            "them whose neighbours are mostly of the class that was said, and mostly of the true "
            "class."
        ),
        rows=[_row(layout, points) for layout in layouts],
        formats={
            ",d": ("dimensions", "errors"),
            ".1%": SHARES,
            ".2f": ("silhouette",),
        },
    )


def _row(layout: Layout, points: Points) -> dict[str, object]:
    space, labels, of_neighbours = layout.space, points.labels, layout.nearest
    row = {
        "space": space.title,
        "dimensions": space.vectors.shape[1],
        **{name: float(layout.variance[:count].sum()) for name, count in VARIANCES.items()},
        "neighbours_accuracy": _share(of_neighbours == labels),
        "neighbours_accuracy_in_pca": _share(majority(layout.pca, labels) == labels),
        "neighbours_accuracy_in_tsne": _share(majority(layout.tsne, labels) == labels),
        "silhouette": silhouette(space.vectors, labels),
    }
    if space.model is None:
        return row
    predicted = space.model.shown.predicted[points.indices]
    wrong = predicted != labels
    return {
        **row,
        "errors": int(wrong.sum()),
        "majority_as_said": _share((of_neighbours == predicted)[wrong]),
        "majority_as_true": _share((of_neighbours == labels)[wrong]),
    }


def _share(hits: NDArray[np.bool_]) -> float | None:
    return float(hits.mean()) if len(hits) else None
