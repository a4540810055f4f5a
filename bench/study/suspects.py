"""Images that their neighbours accuse: of a wrong label, or of being there twice.

Neighbours are those in the first principal components, exactly: every distance is computed.
scikit-learn does both, and is imported late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.report.tables.table import Table, fact_table
from bench.study import pictures
from bench.study.artifact import Artifact, Picture, Study, Tables, facts
from datasets import Dataset

COMPONENTS = 50  # they hold 82 % of the variance of MNIST and 86 % of the letters sample's
NEIGHBOURS = 5
MOST = 60_000  # images looked at: the work grows with their square
# Two images are nearly the same where the one less the other has this share of its length. In the
# letters sample such pairs are one stroke stored twice; at 0.2 the straight 1s of different
# writers are among them.
NEARLY = 0.1
SEED = 0  # of the draw where there are more than MOST

Images = NDArray[np.uint8]
Points = NDArray[np.float32]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """One image whose label its neighbours contradict."""

    split: str  # 'training' or 'validation'
    index: int  # within its split
    label: int
    neighbour_labels: tuple[int, ...]  # nearest first; all the same, and another than its own
    distance: float  # mean to the neighbours, of pixels on the scale 0..1
    own_distance: float  # to the nearest image of its own label; infinite: there is no other
    image: Images  # (28, 28)
    neighbour_images: tuple[Images, ...]

    @property
    def closeness(self) -> float:
        """How near its neighbours are beside the nearest of its own label: small is suspicious."""
        return self.distance / self.own_distance


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What the neighbours of the training and validation images tell; of too few images nothing."""

    compared: int = 0  # training and validation images, drawn where there are more than MOST
    suspects: tuple[Suspect, ...] = ()  # nearest to their neighbours beside their own class first
    repeated: int = 0  # images of them that are nearly the same as their nearest neighbour
    across_splits: int = 0  # of these, those whose neighbour is in the other split
    across_labels: int = 0  # of these, those whose neighbour has another label
    test_compared: int = 0  # test images compared with them, at most MOST / 6
    test_repeated: int = 0  # of these, those nearly the same as a training or validation image


def examine(data: Dataset) -> Examination:
    """Compare every training and validation image with every other, and test images with them."""
    pool = _pool(data)
    if len(pool.images) <= NEIGHBOURS:
        return Examination()
    neighbourhood = Neighbourhood(pool.images)
    neighbours = neighbourhood.of_each(NEIGHBOURS)
    nearest = neighbours[:, 0]
    same = _nearly(pool.images, pool.images[nearest])
    test = np.asarray(data.test.images[_drawn(len(data.test.images), MOST // 6)])
    return Examination(
        compared=len(pool.images),
        suspects=tuple(sorted(_suspects(pool, neighbours), key=lambda s: s.closeness)),
        repeated=int(same.sum()),
        across_splits=int((same & (pool.training != pool.training[nearest])).sum()),
        across_labels=int((same & (pool.labels != pool.labels[nearest])).sum()),
        test_compared=len(test),
        test_repeated=int(_nearly(test, pool.images[neighbourhood.nearest(test)]).sum()),
    )


class Neighbourhood:
    """Images as points in their first principal components, and who is near whom."""

    def __init__(self, images: Images) -> None:
        """``images``: (n, 28, 28), more of them than neighbours are asked for."""
        from sklearn.decomposition import PCA
        from sklearn.neighbors import NearestNeighbors

        kept = min(COMPONENTS, len(images))
        self._components: Any = PCA(kept, svd_solver="covariance_eigh")
        self.points: Points = self._components.fit_transform(_flat(images))
        self._search: Any = NearestNeighbors(algorithm="brute").fit(self.points)

    def of_each(self, count: int) -> Rows:
        """(n, count) rows of the images nearest to each, the nearest first, itself left out."""
        return np.asarray(self._search.kneighbors(n_neighbors=count, return_distance=False))

    def nearest(self, others: Images) -> Rows:
        """(m,) the row of the image nearest to each of (m, 28, 28) others; m may be 0."""
        if not len(others):
            return np.empty(0, np.int64)
        points = self._components.transform(_flat(others))
        return np.asarray(self._search.kneighbors(points, 1, return_distance=False)[:, 0])


@dataclass(frozen=True, kw_only=True)
class _Pool:
    """The images that are looked at, in one row."""

    images: Images
    labels: NDArray[np.uint8]
    training: NDArray[np.bool_]  # else of the validation images
    index: Rows  # within its split


def _pool(data: Dataset) -> _Pool:
    first, second = data.train, data.validation
    kept = _drawn(len(first.labels) + len(second.labels), MOST)
    training = kept < len(first.labels)
    index = np.where(training, kept, kept - len(first.labels))
    return _Pool(
        images=np.concatenate([first.images[index[training]], second.images[index[~training]]]),
        labels=np.concatenate([first.labels[index[training]], second.labels[index[~training]]]),
        training=training,
        index=index,
    )


def _drawn(images: int, most: int) -> Rows:
    """All rows, or ``most`` of them drawn at random, ascending."""
    if images <= most:
        return np.arange(images)
    return np.sort(np.random.default_rng(SEED).choice(images, most, replace=False))


def _suspects(pool: _Pool, neighbours: Rows) -> Iterator[Suspect]:
    """Of ``neighbours``, (n, NEIGHBOURS) rows of the pool: where all are of one other class."""
    labels = pool.labels[neighbours]
    accused = (labels == labels[:, :1]).all(axis=1) & (labels[:, 0] != pool.labels)
    for row in np.flatnonzero(accused):
        image, label = pool.images[[row]], pool.labels[row]
        distances = distance(image, pool.images[neighbours[row]])
        nearest_first = neighbours[row][np.argsort(distances, kind="stable")]
        same_class = np.flatnonzero(pool.labels == label)
        others = pool.images[same_class[same_class != row]]
        yield Suspect(
            split="training" if pool.training[row] else "validation",
            index=int(pool.index[row]),
            label=int(label),
            neighbour_labels=tuple(int(other) for other in pool.labels[nearest_first]),
            distance=float(distances.mean()),
            own_distance=float(distance(image, others).min(initial=np.inf)),
            image=image[0],
            neighbour_images=tuple(pool.images[nearest_first]),
        )


def _nearly(images: Images, others: Images) -> NDArray[np.bool_]:
    lengths = distance(images, np.zeros_like(images[:1]))
    return distance(images, others) < NEARLY * lengths


def distance(images: Images, others: Images) -> Points:
    """(n,) Euclidean distances of pixels, on the scale 0..1, image by image."""
    return np.asarray(np.linalg.norm(_flat(images) - _flat(others), axis=1))


def _flat(images: Images) -> Points:
    """(n, 784) pixels on the scale 0..1."""
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)


# Tables and picture


def artifacts(study: Study) -> Iterator[Artifact]:
    """Duplicates in numbers; and suspicious labels, where there are any, listed and shown."""
    examination = examine(study.dataset)
    yield _duplicates(study, examination)
    if examination.suspects:
        yield _suspects_table(study, examination.suspects)
        yield _suspects_picture(study, examination.suspects)


COMPARED = "training and validation images compared with one another"
SUSPICIOUS = "... with a suspicious label"


def finding(tables: Tables) -> str:
    """How many labels are suspicious, of the table of duplicates; empty where it was not made."""
    counts = {row["what"]: row["images"] for row in facts(tables, "duplicates")}
    if not counts.get(COMPARED):
        return ""
    return (
        f"Suspicious are the labels of {counts[SUSPICIOUS]:,} of {counts[COMPARED]:,} training and "
        "validation images; none was removed."
    )


def _duplicates(study: Study, examination: Examination) -> Table:
    counts = {
        "exact duplicates left out before the split": study.dataset.duplicates_removed,
        "... of them under another label": study.dataset.conflicting_labels,
        COMPARED: examination.compared,
        "... nearly the same as their nearest neighbour": examination.repeated,
        "... ... which is in the other split": examination.across_splits,
        "... ... which has another label": examination.across_labels,
        SUSPICIOUS: len(examination.suspects),
        "test images compared with them, unseen by us": examination.test_compared,
        "... nearly the same as a training or validation image": examination.test_repeated,
    }
    return fact_table(
        name="duplicates",
        title=f"Duplicates and suspicious labels, {study.subject}",
        explanation=(
            "An image that is there for training and again for testing could be remembered in "
            "place of recognised, so of exact duplicates the first alone is kept. Two images are "
            f"nearly the same where they differ by less than {NEARLY:.0%} of the length of one "
            f"(Euclidean, of pixels). A label is suspicious where the {NEIGHBOURS} nearest "
            "neighbours of its image all bear one other label (after Wilson, 'Asymptotic "
            "Properties of Nearest Neighbor Rules Using Edited Data', IEEE Transactions on "
            "Systems, Man, and Cybernetics 2, 1972). Neighbours are found in the first 50 "
            f"principal components; of more than {MOST:,} images so many are drawn. None was "
            "removed."
        ),
        rows=[{"what": counted, "images": images} for counted, images in counts.items()],
        formats={",d": ("images",)},
    )


SUSPECTS = 12  # in the picture, two a row


def _suspects_table(study: Study, suspects: Sequence[Suspect]) -> Table:
    names = study.dataset.class_names
    rows = [
        {
            "split": suspect.split,
            "index": suspect.index,
            "label": names[suspect.label],
            "neighbours": names[suspect.neighbour_labels[0]],
            "distance": suspect.distance,
            "own_distance": suspect.own_distance if np.isfinite(suspect.own_distance) else None,
        }
        for suspect in suspects
    ]
    return fact_table(
        name="suspects",
        title=f"Suspicious labels, {study.subject}",
        explanation=(
            f"Images whose {NEIGHBOURS} nearest neighbours are all of one other class. Distance: "
            "Euclidean, of pixels on the scale 0..1, the mean to those neighbours; own distance: "
            "to the nearest image of the same label. The smallest ratio of the two comes first. "
            "'index' counts within the split from 0."
        ),
        rows=rows,
        formats={".2f": ("distance", "own_distance")},
    )


def _suspects_picture(study: Study, suspects: Sequence[Suspect]) -> Picture:
    """The most suspicious labels, each image beside its neighbours."""
    shown, names = suspects[:SUSPECTS], study.dataset.class_names
    return pictures.image_slide(
        name="suspects",
        title=f"Suspicious labels of {study.subject}",
        caption=(
            f"Framed: training and validation images whose {NEIGHBOURS} nearest neighbours are all "
            "of one other class, those first that are nearest to them beside the nearest of their "
            "own class; after each, those neighbours. Some labels are wrong, some images are "
            "written so that they could be either. None was removed."
        ),
        note=(
            f"{len(shown)} of {len(suspects):,}: each framed image, then its {NEIGHBOURS} nearest "
            "neighbours; below: labels"
        ),
        images=[image for s in shown for image in (s.image, *s.neighbour_images)],
        lines=[names[label] for s in shown for label in (s.label, *s.neighbour_labels)],
        columns=2 * (1 + NEIGHBOURS),
        wrong=[True, *[False] * NEIGHBOURS] * len(shown),
        size=13,
    )
