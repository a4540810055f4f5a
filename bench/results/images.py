"""``images.png`` of a results folder: a few of its images, for the page, which trains on them.

One picture of 16 greys, the images side by side, 40 in a row: first those to train on, then those
to validate with. Labels and origin stand in it as a text. A run leaves it, since a report may be
made where there are no data; of the project's own sources alone, never of a user's own images, and
never of a test set.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from bench.results import write_atomically
from bench.results.folder import MOVE_AWAY, Results, ResultsError
from bench.results.record import Data
from datasets import DataError, Dataset, Split, open_cached
from datasets.formats import regular_bytes
from datasets.splits import SPLIT_SEED

NAME = "images.png"
TASK, SOURCES = "digits", ("mnist", "glyphs")  # whose images may be passed on
TRAIN_IMAGES = 1_600  # at most, of all classes together; a quarter as many validate
COLUMNS = 40
SIDE = 28
GREYS = 16
STEP = 255 // (GREYS - 1)  # between two greys: 0, 17, ... 255
MOST_BYTES = 250_000  # of the file: MNIST's take 190,000
MOST_IMAGES = TRAIN_IMAGES + TRAIN_IMAGES // 4
ENTRY = "glyphbench"  # of the picture's text

Pixels = NDArray[np.uint8]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What the text says."""

    task: str
    source: str
    fingerprint: str  # of the data set
    train: int  # images; the others are for validation
    labels: str  # a digit each


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Images, labels, and whose they are."""

    origin: Origin
    images: Pixels  # (n, 28, 28), multiples of 17
    png: bytes


def leave(results: Results, data: Mapping[tuple[str, str], tuple[Path, Data]]) -> None:
    """Write ``images.png`` of the digits of a suite, unless it is there already.

    Args:
        results: the folder, which is locked.
        data: (task, source) -> the folder of cached arrays, and facts.

    Raises:
        ResultsError: where the file that is there is no such picture.
        DataError: where the cached arrays are damaged.
        OSError: where it cannot be written.
    """
    for source in SOURCES:
        if (TASK, source) in data:
            dataset = open_cached(data[TASK, source][0])
            there = read(results)
            if there is None or there.origin.fingerprint != dataset.fingerprint:
                write_atomically(results.folder / NAME, fitting(dataset))
            return


def fitting(data: Dataset) -> bytes:
    """The picture of as many images as fit: fewer where they are richer than MNIST's."""
    most = TRAIN_IMAGES
    while len(content := encode(*draw(data, most))) > MOST_BYTES:
        most //= 2  # 400 fit whatever they show: half a byte a pixel
    return content


def are_of(sample: Sample, data: Data) -> bool:
    """Whether they are images of these data."""
    origin, classes = sample.origin, len(data.class_names)
    own = (data.task, data.source, data.fingerprint)
    same = own == (origin.task, origin.source, origin.fingerprint)
    return same and all(int(label) < classes for label in origin.labels)


def draw(data: Dataset, most: int = TRAIN_IMAGES) -> tuple[Pixels, Origin]:
    """Up to ``most`` images for training and a quarter as many for validation, in mixed order.

    As many of each class; the same for the same data. Returns (n, 28, 28) uint8 of 256 greys, and
    what they are.
    """
    random = np.random.default_rng(SPLIT_SEED)
    chosen = [
        (split, _rows(split, images // len(data.class_names), random))
        for split, images in ((data.train, most), (data.validation, most // 4))
    ]
    labels = np.concatenate([split.labels[rows] for split, rows in chosen])
    origin = Origin(
        task=data.task,
        source=data.source,
        fingerprint=data.fingerprint,
        train=len(chosen[0][1]),
        labels="".join(map(str, labels)),
    )
    return np.concatenate([split.images[rows] for split, rows in chosen]), origin


def _rows(split: Split, of_each: int, random: np.random.Generator) -> NDArray[np.int64]:
    classes = [np.flatnonzero(split.labels == label) for label in np.unique(split.labels)]
    taken = [random.permutation(rows)[:of_each] for rows in classes]
    return random.permutation(np.concatenate(taken))


def encode(images: Pixels, origin: Origin) -> bytes:
    """The picture as PNG; the greys are rounded to 16."""
    from PIL import Image, PngImagePlugin  # late: a suite has other things to do first

    rows = -(-len(images) // COLUMNS)
    tiles = np.zeros((rows * COLUMNS, SIDE, SIDE), np.uint8)
    tiles[: len(images)] = (images.astype(np.uint16) + STEP // 2) // STEP
    sheet = tiles.reshape(rows, COLUMNS, SIDE, SIDE).swapaxes(1, 2).tobytes()
    picture = Image.frombytes("P", (COLUMNS * SIDE, rows * SIDE), sheet)
    picture.putpalette([grey for grey in range(0, 256, STEP) for _ in "RGB"])
    text = PngImagePlugin.PngInfo()
    text.add_text(ENTRY, msgspec.json.encode(origin).decode())
    content = io.BytesIO()
    picture.save(content, "PNG", bits=4, optimize=True, pnginfo=text)
    return content.getvalue()


def read(results: Results) -> Sample | None:
    """The images of a folder; None where it has none.

    Raises ResultsError where the file is not as ``leave`` writes it: it may come from anybody.
    """
    path = results.folder / NAME
    try:
        if regular_bytes(path) > MOST_BYTES:
            raise ValueError(f"larger than {MOST_BYTES:,} bytes")
        png = path.read_bytes()
        return decoded(png)
    except FileNotFoundError:
        return None
    except (DataError, OSError, SyntaxError, ValueError, msgspec.MsgspecError) as error:
        raise ResultsError(
            f"{path}: no images that a run has left ({error}); {MOVE_AWAY}"
        ) from error


def decoded(png: bytes) -> Sample:
    """What is in such a picture. Raises ValueError, OSError or SyntaxError where it is none."""
    from PIL import Image

    if not png.startswith(b"\x89PNG"):
        raise ValueError(f"no PNG: it begins with {png[:8]!r}")
    # Looked at before any pixel is unpacked: where every PNG has its size.
    width, height = (int.from_bytes(png[at : at + 4], "big") for at in (16, 20))
    if width != COLUMNS * SIDE or height % SIDE or height > MOST_IMAGES // COLUMNS * SIDE:
        raise ValueError(f"{width}x{height} pixels")
    with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
        picture.load()
        origin = msgspec.json.decode(str(picture.info.get(ENTRY)), type=Origin)
        greys = np.asarray(picture.convert("L"))
    tiles = greys.reshape(-1, SIDE, COLUMNS, SIDE).swapaxes(1, 2).reshape(-1, SIDE, SIDE)
    images = tiles[: len(origin.labels)]
    if not 0 < origin.train < len(origin.labels) == len(images):
        raise ValueError(f"{len(origin.labels)} labels for {len(tiles)} places")
    if not (origin.labels.isascii() and origin.labels.isdigit()) or (images % STEP).any():
        raise ValueError("labels that are no digits, or more than 16 greys")
    return Sample(origin=origin, images=images, png=png)
