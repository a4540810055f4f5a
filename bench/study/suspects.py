"""Images that their neighbours accuse: of a wrong label, or of being there twice. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.study import neighbours
from bench.study.neighbours import Space
from datasets import Dataset

NEIGHBOURS = 5
MOST = 60_000  # images looked at: the work grows with their square
# Two images are nearly the same where the one less the other has this share of its length. In the
# letters sample such pairs are one stroke stored twice; at 0.2 the straight 1s of different
# writers are among them.
NEARLY = 0.1
SEED = 0  # of the draw where there are more than MOST

Images = NDArray[np.uint8]
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


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What the neighbours of the training and validation images tell."""

    looked_at: int  # training and validation images, drawn where there are more than MOST
    suspects: tuple[Suspect, ...]  # those nearest to their neighbours beside their own kind first
    repeated: int  # images of them that are nearly the same as their nearest neighbour
    across: int  # of these, those whose neighbour is in the other split
    contradicted: int  # of these, those whose neighbour has another label
    tested: int  # test images compared with them, at most MOST / 6
    seen: int  # of these, those nearly the same as a training or validation image


def examine(data: Dataset) -> Examination:
    """Compare every training and validation image with every other, and test images with them."""
    images, labels, training = _pool(data)
    if len(images) <= NEIGHBOURS:
        return _nothing(len(images))
    where = neighbours.space(images)
    points, rows = where.points(images), np.arange(len(images))
    (first,) = neighbours.nearest(points, points, 1, itself=rows).T
    # five of one other class can only be where the nearest is of one
    doubted = np.flatnonzero(labels[first] != labels)
    near = neighbours.nearest(points[doubted], points, NEIGHBOURS, itself=doubted)
    around = labels[near]
    accused = (around == around[:, :1]).all(axis=1) & (around[:, 0] != labels[doubted])
    same = _nearly(images, images[first])
    tested, seen = _seen(data, images, where)
    return Examination(
        looked_at=len(images),
        suspects=_suspects(images, labels, training, doubted[accused], near[accused]),
        repeated=int(same.sum()),
        across=int((same & (training[first] < 0) ^ same & (training < 0)).sum()),
        contradicted=int((same & (labels[first] != labels)).sum()),
        tested=tested,
        seen=seen,
    )
