"""Fetching data: from mirrors, every file checked by SHA-256, and the letters from Kaggle.

Before anything large is asked for, all mirrors are asked at once for the smallest file. Only
one that sends the right bytes in time is used, so a dead network, a silent server and the
login page of a hotel are all known after ``PROBE_S`` seconds.
"""

from __future__ import annotations

import importlib
import logging
import os
import queue
import shutil
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import monotonic

from datasets.cache import cannot_write, locked
from datasets.tasks import Progress, Stage, Unreachable, how_to_install

PROBE_S = 6.0  # all mirrors together
STALL_S = 3.0  # without one byte, then a mirror is given up

KAGGLE_HANDLE = "sachinpatel21/az-handwritten-alphabets-in-csv-format"
KAGGLE_ADDRESS = f"https://www.kaggle.com/datasets/{KAGGLE_HANDLE}"
CSV_NAME = "A_Z Handwritten Data.csv"
ARCHIVE_NAME = "archive.zip"  # what the button on that page saves


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """A file as every mirror should have it."""

    name: str
    size_bytes: int
    sha256: str  # hex


def download(
    files: Sequence[RemoteFile],
    folder: Path,
    *,
    mirrors: Sequence[str],
    progress: Progress,
    probe_s: float = PROBE_S,
) -> None:
    """Bring ``files`` into ``folder``, all or none; nothing to do where they are there.

    ``mirrors``: addresses that end in '/', to which a file's name is added. Raises
    Unreachable, with what was tried, where no mirror has them all; DataError where the disk
    is full or cannot be written to.
    """
    with locked(folder):
        if all((folder / file.name).is_file() for file in files):
            return
        answering = first_that_answers(mirrors, files, probe_s)
        failures: list[str] = []
        for mirror in sorted(mirrors, key=lambda address: address != answering):
            try:
                return _download_from(mirror, files, folder, progress)
            except Unreachable as error:
                failures.append(str(error))
    raise _no_mirror(failures)


def first_that_answers(mirrors: Sequence[str], files: Sequence[RemoteFile], wait_s: float) -> str:
    """The mirror that sends the smallest of ``files`` first. Raises Unreachable after wait_s."""
    smallest = min(files, key=lambda file: file.size_bytes)
    answers: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()
    for mirror in mirrors:
        # Daemons: a name look-up cannot be cut short, and must not keep the process alive.
        threading.Thread(target=_probe, args=(mirror, smallest, answers), daemon=True).start()
    waiting = dict.fromkeys(mirrors, f"no answer within {wait_s:g} s")
    failures: dict[str, str] = {}
    deadline = monotonic() + wait_s
    while len(failures) < len(mirrors):
        try:
            mirror, failure = answers.get(timeout=max(0.0, deadline - monotonic()))
        except queue.Empty:
            break
        if failure is None:
            return mirror
        failures[mirror] = failure
    raise _no_mirror(f"{mirror}: {why}" for mirror, why in {**waiting, **failures}.items())


def _probe(
    mirror: str, file: RemoteFile, answers: queue.SimpleQueue[tuple[str, str | None]]
) -> None:
    import requests

    failure = None
    try:
        response = requests.get(mirror + file.name, timeout=STALL_S)
        response.raise_for_status()
        if (digest := sha256(response.content).hexdigest()) != file.sha256:
            failure = f"sent other bytes for {file.name} (sha256 {digest}, wanted {file.sha256})"
    except requests.RequestException as error:
        failure = _reason(error)
    answers.put((mirror, failure))


def _download_from(
    mirror: str, files: Sequence[RemoteFile], folder: Path, progress: Progress
) -> None:
    partial = folder.with_name(folder.name + ".partial")  # what is whole there is kept
    try:
        for file in files:
            _fetch(mirror, file, partial, progress)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise cannot_write(folder, "the download", error) from error


def _fetch(mirror: str, file: RemoteFile, folder: Path, progress: Progress) -> None:
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)  # the progress says it already
    bar = _PoochProgress(file, progress)
    try:
        pooch.retrieve(
            mirror + file.name,
            known_hash=f"sha256:{file.sha256}",
            fname=file.name,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=STALL_S, progressbar=bar),
        )
    except requests.RequestException as error:
        raise Unreachable(f"{mirror}{file.name}: {_reason(error)}") from error
    except ValueError as error:  # how pooch says that the hash differs
        raise Unreachable(f"{mirror}{file.name}: checksum differs: {error}") from error


def _no_mirror(failures: Iterable[str]) -> Unreachable:
    return Unreachable(f"no mirror can be used ({'; '.join(failures)})")


def _reason(error: BaseException) -> str:
    """What the innermost cause says, without the connection objects that requests names."""
    inner = getattr(error, "reason", None) or (error.args[-1] if error.args else None)
    if isinstance(inner, BaseException):
        return _reason(inner)
    return str(error).rpartition("): ")[2] or type(error).__name__


class _PoochProgress:
    """The progress bar that pooch wants, handing on to ours."""

    def __init__(self, file: RemoteFile, progress: Progress) -> None:
        self.total = 0  # set by pooch from the answer's headers, which may lack it
        self._stage = Stage(name=f"downloading {file.name}", total=file.size_bytes, unit="B")
        self._progress = progress
        self._done = 0

    def update(self, size_bytes: int) -> None:
        self._done += size_bytes
        self._progress(self._stage, self._done)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


# Kaggle, through kagglehub, an optional package


def fetch_letters(folder: Path) -> None:
    """Bring the CSV (700 MB) into ``folder``.

    Raises Unreachable where kagglehub is not installed or Kaggle does not deliver, DataError
    where the folder cannot be written to.
    """
    by_hand = (
        f"or download it in a browser from {KAGGLE_ADDRESS} and put {ARCHIVE_NAME} or {CSV_NAME!r} "
        f"into {folder}"
    )
    try:
        kagglehub = importlib.import_module("kagglehub")
    except ModuleNotFoundError as error:
        raise Unreachable(
            f"fetching the letters needs the package kagglehub; {how_to_install('kagglehub')}; "
            f"{by_hand}"
        ) from error
    try:
        downloaded = Path(kagglehub.dataset_download(KAGGLE_HANDLE))
    except Exception as error:  # its many kinds have no common class
        raise Unreachable(
            f"Kaggle did not deliver {KAGGLE_HANDLE} ({error}); try later, {by_hand}"
        ) from error
    path = min(downloaded.rglob(CSV_NAME), default=None)
    if path is None:
        raise Unreachable(f"{downloaded}: what Kaggle sent holds no {CSV_NAME!r}")
    _link(path, folder)


def _link(path: Path, folder: Path) -> None:
    """Link the file, or copy it where the disks differ, so that kagglehub's copy also serves."""
    target, partial = folder / CSV_NAME, folder / (CSV_NAME + ".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        try:
            os.link(path, partial)
        except OSError:
            shutil.copyfile(path, partial)
        partial.replace(target)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise cannot_write(folder, "the letters", error) from error
