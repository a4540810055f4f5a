"""The task ``digits``: MNIST, from its four IDX files.

Y. LeCun, C. Cortes, C. J. C. Burges, 'The MNIST database of handwritten digits',
http://yann.lecun.com/exdb/mnist/. The official 10,000 test images are the test set; of the
60,000 others 10,000, drawn once and for all, are the validation set.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets import download, formats
from datasets.glyphs import drawn_source
from datasets.splits import SPLIT_SEED, Collection
from datasets.tasks import DataError, Progress, Source, Task

TASK = Task(
    name="digits",
    class_names=tuple("0123456789"),
    sources=(
        Source(
            name="mnist",
            description="MNIST: 70,000 real handwritten digits, the official test set",
            targets=(0.97, 0.99),
            drawn=False,
        ),
        drawn_source(targets=(0.90, 0.97)),
    ),
)

VALIDATION_IMAGES = 10_000
SUBFOLDERS = ("", "mnist", "MNIST", "MNIST/raw", "mnist/raw", "digits")
MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)


@dataclass(frozen=True, kw_only=True)
class MnistFile:
    """One of the four, as it was published."""

    name: str
    content_sha256: str  # of the IDX content, decompressed
    gzip: download.RemoteFile


def _file(name: str, content_sha256: str, gzip_sha256: str, gzip_bytes: int) -> MnistFile:
    gzip = download.RemoteFile(name=name + ".gz", size_bytes=gzip_bytes, sha256=gzip_sha256)
    return MnistFile(name=name, content_sha256=content_sha256, gzip=gzip)


# Training images, training labels, test images, test labels.
FILES = (
    _file(
        "train-images-idx3-ubyte",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        9_912_422,
    ),
    _file(
        "train-labels-idx1-ubyte",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        28_881,
    ),
    _file(
        "t10k-images-idx3-ubyte",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        1_648_877,
    ),
    _file(
        "t10k-labels-idx1-ubyte",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        4_542,
    ),
)


def find(source: str, folder: Path) -> tuple[Path, ...]:
    """The four files, gzip or plain, in ``folder`` or a usual subfolder; () where none is.

    Raises DataError where some of the four are there and some are not.
    """
    for subfolder in SUBFOLDERS:
        paths = [_find_file(folder / subfolder, file.name) for file in FILES]
        missing = [file.name for file, path in zip(FILES, paths, strict=True) if path is None]
        if 0 < len(missing) < len(FILES):
            raise DataError(
                f"{folder / subfolder}: MNIST needs four files; missing there: "
                f"{', '.join(missing)} (each may end in .gz). Add them, or take the others away"
            )
        if not missing:
            return tuple(path for path in paths if path is not None)
    return ()


def _find_file(folder: Path, name: str) -> Path | None:
    spellings = (name, name.replace("-idx", ".idx"))
    candidates = [folder / (spelling + end) for spelling in spellings for end in ("", ".gz")]
    return next((path for path in candidates if path.is_file()), None)


def load(source: str, files: tuple[Path, ...], progress: Progress) -> Collection:
    """All 70,000 images, split. Raises DataError on files that are not those of MNIST."""
    train_images, train_labels = _load_pair(files[:2], FILES[:2], progress)
    test_images, test_labels = _load_pair(files[2:], FILES[2:], progress)
    shuffled = np.random.RandomState(SPLIT_SEED).permutation(len(train_images))
    return Collection(
        images=np.concatenate([train_images, test_images]),
        labels=np.concatenate([train_labels, test_labels]),
        train=np.sort(shuffled[VALIDATION_IMAGES:]),
        validation=np.sort(shuffled[:VALIDATION_IMAGES]),
        test=len(train_images) + np.arange(len(test_images)),
    )


def _load_pair(
    paths: tuple[Path, ...], files: tuple[MnistFile, ...], progress: Progress
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    contents = [formats.read_file(path, progress=progress) for path in paths]
    images = formats.parse_images(contents[0], name=str(paths[0]))
    labels = formats.parse_labels(contents[1], classes=10, name=str(paths[1]))
    if len(images) != len(labels):
        raise DataError(
            f"{paths[0]} holds {len(images):,} images and {paths[1]} {len(labels):,} labels; "
            "they do not belong together"
        )
    for path, content, file in zip(paths, contents, files, strict=True):
        _check(path, content, file)
    return images, labels


def _check(path: Path, content: bytes, file: MnistFile) -> None:
    digest = sha256(content).hexdigest()
    if digest != file.content_sha256:
        raise DataError(
            f"{path}: well-formed, but not MNIST's {file.name}: the sha256 of its content is "
            f"{digest}, wanted {file.content_sha256}. Take the file away to have MNIST downloaded"
        )


def fetch(source: str, folder: Path, *, asked: bool, progress: Progress) -> None:
    """Download MNIST (11.6 MB) into ``folder``/mnist from the first mirror that answers."""
    files = [file.gzip for file in FILES]
    download.download(files, folder / "mnist", mirrors=MIRRORS, progress=progress)
