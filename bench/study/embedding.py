"""Vectors of many dimensions laid out in a plane, and how well their classes hold together.

Arithmetic alone: no pictures, no files. scikit-learn computes components and neighbours,
openTSNE the t-SNE; both are the extra ``study`` and are imported late.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.floating]  # (n, d)

PERPLEXITY = 30.0  # about how many neighbours of a point t-SNE looks at
NEIGHBOURS = 10  # of a point, where classes are told by their neighbours
FEWEST = 20  # points: fewer have no neighbourhoods worth the name
PACKAGES = {"openTSNE": "openTSNE", "sklearn": "scikit-learn"}  # module -> distribution


@dataclass(frozen=True, kw_only=True)
class Components:
    """Principal components of n points in d dimensions, the largest first."""

    scores: NDArray[np.float64]  # (n, m), m the smaller of n and d: the points along each
    shares: NDArray[np.float64]  # (m,) of the variance, their sum 1

    def share(self, count: int) -> float:
        """The share of the variance that the first ``count`` have; all there are, if fewer."""
        return float(self.shares[:count].sum())


def components(vectors: Vectors) -> Components:
    """Principal component analysis, by the eigenvectors of the covariance matrix.

    Pearson, 'On lines and planes of closest fit to systems of points in space' (1901). The sign
    of a component is arbitrary; scikit-learn settles it by the largest loading.
    """
    from sklearn.decomposition import PCA

    pca = PCA(svd_solver="covariance_eigh" if vectors.shape[1] <= len(vectors) else "full")
    scores = pca.fit_transform(vectors.astype(np.float64))
    return Components(scores=scores, shares=pca.explained_variance_ratio_)


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


def neighbours(vectors: Vectors, count: int = NEIGHBOURS) -> NDArray[np.int64]:
    """(n, count) the nearest other points of each, by Euclidean distance, the nearest first."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(vectors)
    return np.asarray(search.kneighbors(return_distance=False), dtype=np.int64)


def majority(near: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) the class most of a point's neighbours have; the lower label where two have as many."""
    from scipy.stats import mode

    return np.asarray(mode(labels[near], axis=1).mode)


def neighbour_accuracy(vectors: Vectors, labels: NDArray[np.int64]) -> float:
    """The share of points whose class is that of most of their neighbours (leave one out)."""
    return float((majority(neighbours(vectors), labels) == labels).mean())


def silhouette(vectors: Vectors, labels: NDArray[np.int64]) -> float | None:
    """The mean of how much nearer a point is to its own class than to the next, -1 to 1.

    Rousseeuw, 'Silhouettes', Journal of Computational and Applied Mathematics 20 (1987). None
    where it is not defined: with one class, or with a class for every point.
    """
    from sklearn.metrics import silhouette_score

    classes = len(np.unique(labels))
    defined = 1 < classes < len(labels)
    return float(silhouette_score(vectors, labels)) if defined else None


def missing() -> list[str]:
    """The distributions that this needs and that are not installed."""
    from importlib.util import find_spec

    return [name for module, name in PACKAGES.items() if find_spec(module) is None]
