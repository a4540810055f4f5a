"""From a task's name to a folder of parsed arrays: search, fetch or draw, parse, cache.

``MODULES`` is the list of tasks. To add one: a module like ``datasets.digits``, and its name there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from datasets import cache, digits, glyphs, letters, own
from datasets.cache import cache_folder, locked
from datasets.splits import Collection
from datasets.tasks import DataError, Progress, Source, Task, TaskModule, Unreachable, silent

MODULES: dict[str, TaskModule] = {module.TASK.name: module for module in (digits, letters)}
TASKS: dict[str, Task] = {name: module.TASK for name, module in MODULES.items()}

DATA_VARIABLE = "GLYPHBENCH_DATA"


@dataclass(frozen=True, kw_only=True)
class Available:
    """A source whose images can be had, before they are read."""

    task: Task
    source: Source
    files: tuple[Path, ...] = ()  # empty: the images are drawn
    images: int = 0  # how many to draw; 0 where there are files
    # of own files, the number of a known task's first class; None: what alone fits
    labels_from: int | None = None


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Parsed data on the disk, for ``open_cached``."""

    folder: Path
    task: str
    source: str
    drawn: bool  # True: drawn by the project itself, not real handwriting
    files: tuple[Path, ...] = ()  # what it was parsed from; empty where it was drawn
    targets: tuple[float, ...]  # validation accuracies worth timing, fractions, ascending
    notes: tuple[str, ...] = ()  # sentences for the user: why this source, how it was read


def prepare(
    task: str,
    *,
    source: str | None = None,
    data_dir: Path | None = None,
    data_file: Path | None = None,
    labels_from: int | None = None,
    cache_dir: Path | None = None,
    download: bool = True,
    glyphs_images: int | None = None,
    progress: Progress = silent,
) -> Prepared:
    """Have a task's data parsed, split and cached, once; later calls find it.

    ``source``: None for the best that can be had: the first found in ``data_dir``, then in
    GLYPHBENCH_DATA, then in the cache folder, then by download, then drawn 'glyphs'; a name
    for that source or an error. ``data_file``: a user's own data, read instead of any search,
    as a task of a new name, or with the classes of a known one (``datasets.own``).
    ``labels_from``: whether its labels number those classes from 0 or from 1; None for what
    alone fits.
    ``cache_dir``: None for GLYPHBENCH_CACHE or the user's cache folder. ``download``: False to
    ask no network. ``glyphs_images``: how many to draw where it comes to that; None for 20,000.

    Two processes may prepare the same at once: the second waits for the first. Raises
    DataError, complete and meant for the user, on whatever cannot be used.
    """
    if labels_from is not None and data_file is None:
        raise DataError("--labels-from says what the labels of a --data-file mean; name that file")
    subject = _subject(task, data_file)
    wanted = subject.sources if source is None else (source_named(subject, source),)
    if data_file is not None:
        available = replace(_own(subject, data_file), labels_from=labels_from)
        return convert(available, cache_dir=cache_dir, progress=progress)
    cache_root = cache_folder(cache_dir)
    folders = search_folders(data_dir, cache_root)
    real, reasons = _find_or_fetch(subject, wanted, folders, cache_root, download, progress)
    available = real or _drawn(subject, wanted, glyphs_images, reasons)
    notes = (f"{task}: {'; '.join(reasons)}; drawn glyphs serve instead",) if reasons else ()
    return convert(available, cache_dir=cache_dir, notes=notes, progress=progress)


def search(
    task: str,
    *,
    data_dir: Path | None = None,
    data_file: Path | None = None,
    cache_dir: Path | None = None,
) -> tuple[Available, ...]:
    """All files of a task that are there, unread, in the order in which ``prepare`` takes them.

    Raises DataError where a named file or folder is not there, or only a part of a source's
    files.
    """
    subject = _subject(task, data_file)
    if data_file is not None:
        return (_own(subject, data_file),)
    folders = search_folders(data_dir, cache_folder(cache_dir))
    return tuple(_find(subject, subject.sources, folders))


def fetch(task: str, source: str, *, cache_dir: Path | None = None, progress: Progress) -> None:
    """Fetch what the user asked for into the cache folder, where ``prepare`` finds it.

    Raises Unreachable where it cannot be had, DataError on an unknown name or a full disk.
    """
    wanted = source_named(task_named(task), source)
    downloads = download_folder(cache_folder(cache_dir))
    try:
        MODULES[task].fetch(wanted.name, downloads, asked=True, progress=progress)
    except Unreachable as error:
        raise Unreachable(f"{task} cannot be fetched: {error}") from error


def load(available: Available, *, progress: Progress = silent) -> Collection:
    """Read or draw the images and split them. Raises DataError naming the file and where in it."""
    if available.source.drawn:
        return glyphs.load(available.task, available.images, progress)
    if available.source == own.SOURCE:
        return own.load(
            available.task, available.files, progress, labels_from=available.labels_from
        )
    return MODULES[available.task.name].load(available.source.name, available.files, progress)


def convert(
    available: Available,
    *,
    cache_dir: Path | None = None,
    notes: tuple[str, ...] = (),
    progress: Progress = silent,
) -> Prepared:
    """Have ``available`` in the cache, reading it only where it is not there whole already.

    Raises DataError on bad files, on a full disk, on a folder that cannot be written to.
    """
    folder = cached_folder(available, cache_dir=cache_dir)
    with locked(folder):
        if not cache.is_intact(folder):
            collection = load(available, progress=progress)
            cache.write(folder, collection, task=available.task, source=available.source)
        read = cache.open_cached(folder)
    return Prepared(
        folder=folder,
        task=available.task.name,
        source=available.source.name,
        drawn=available.source.drawn,
        files=available.files,
        targets=available.source.targets,
        notes=(*notes, *(f"{available.task.name}: {note}" for note in read.reading)),
    )


def cached_folder(available: Available, *, cache_dir: Path | None = None) -> Path:
    """Where ``available`` is cached, or would be: the same content, the same folder.

    A file's content is taken to be the same where its path, size and times are
    (``datasets.own.tree.stamp``): hashing 700 MB for every run would cost more than the cache
    saves.
    """
    if available.source.drawn:
        parts = [glyphs.content_key(available.task, available.images)]
    elif available.source == own.SOURCE:
        parts = [own.content_key(available.files, labels_from=available.labels_from)]
    else:
        parts = [own.tree.stamp(path) for path in available.files]
    key = sha256("\n".join([str(cache.CACHE_VERSION), *parts]).encode()).hexdigest()[:16]
    name = f"{available.task.name}-{available.source.name}-{key}"
    return cache_folder(cache_dir) / "arrays" / name


def _subject(task: str, data_file: Path | None) -> Task:
    """A task of the list, or one that a user's own data makes or serves."""
    if data_file is None:
        return task_named(task)
    if task in TASKS:
        return replace(TASKS[task], sources=(own.SOURCE,))
    return own.task(task)


def _own(task: Task, data_file: Path) -> Available:
    return Available(task=task, source=own.SOURCE, files=own.find(data_file))


def _find_or_fetch(
    task: Task,
    wanted: tuple[Source, ...],
    folders: tuple[SearchFolder, ...],
    cache_root: Path,
    download: bool,
    progress: Progress,
) -> tuple[Available | None, tuple[str, ...]]:
    """Real images, or None and the reasons why there are none."""
    real = [source for source in wanted if not source.drawn]
    for available in _find(task, real, folders):
        return available, ()
    names = " or ".join(source.name for source in real)
    searched = ", ".join(str(folder.path) for folder in folders) or "any data folder"
    reasons = [f"no {names} in {searched}"] if real else []
    downloads = SearchFolder(path=download_folder(cache_root), named_by="the cache")
    for source in real if download else ():
        try:
            MODULES[task.name].fetch(source.name, downloads.path, asked=False, progress=progress)
            return next(_find(task, [source], [downloads])), ()
        except Unreachable as error:
            reasons.append(str(error))
    return None, tuple(reasons)


def _find(
    task: Task, sources: Iterable[Source], folders: Iterable[SearchFolder]
) -> Iterator[Available]:
    """The first folder first, then the preferred source."""
    real = [source for source in sources if not source.drawn]
    for folder in folders:
        for source in real:
            try:
                files = MODULES[task.name].find(source.name, folder.path)
            except OSError as error:  # a folder that may not be searched, a file not opened
                raise DataError(
                    f"{folder.path} ({folder.named_by}) cannot be searched for {source.name}: "
                    f"{error}; make it readable, or name another folder with --data-dir"
                ) from error
            if files:
                yield Available(task=task, source=source, files=files)


def _drawn(
    task: Task, wanted: tuple[Source, ...], images: int | None, reasons: tuple[str, ...]
) -> Available:
    for source in wanted:
        if source.drawn:
            count = glyphs.DEFAULT_IMAGES if images is None else images
            return Available(task=task, source=source, images=count)
    raise DataError(
        f"{task.name}: {'; '.join(reasons)}. Name the folder that has it with --data-dir or "
        "GLYPHBENCH_DATA; 'python -m bench data' shows what is found"
    )


# Names, and folders to search


def task_named(name: str) -> Task:
    """The task of this name. Raises DataError with the names there are."""
    if name not in TASKS:
        raise DataError(
            f"unknown task {name!r}; choose from {', '.join(TASKS)}, or name your own data with "
            "--data-file"
        )
    return TASKS[name]


def source_named(task: Task, name: str) -> Source:
    """The source of this name. Raises DataError with the names there are."""
    for source in task.sources:
        if source.name == name:
            return source
    names = ", ".join(source.name for source in task.sources)
    raise DataError(f"unknown source {name!r} of {task.name}; choose from {names}")


@dataclass(frozen=True, kw_only=True)
class SearchFolder:
    """A folder that is searched for data."""

    path: Path
    named_by: str  # how the user knows it: 'the data folder', 'GLYPHBENCH_DATA', 'the cache'


def download_folder(cache: Path) -> Path:
    """Where downloads go, inside the cache folder; searched like a data folder."""
    return cache / "data"


def search_folders(data_dir: Path | None, cache: Path) -> tuple[SearchFolder, ...]:
    """The folders to search, in this order: ``data_dir``, GLYPHBENCH_DATA, the cache.

    Raises DataError where the user named a folder that is not there.
    """
    named = [
        (data_dir, "the data folder"),
        (os.environ.get(DATA_VARIABLE) or None, DATA_VARIABLE),
    ]
    folders: dict[Path, str] = {}
    for path, named_by in named:
        if path is not None:
            folders.setdefault(_existing(Path(path), named_by), named_by)
    downloads = download_folder(cache)
    if downloads.is_dir():
        folders.setdefault(downloads, "the cache")
    return tuple(SearchFolder(path=path, named_by=name) for path, name in folders.items())


def _existing(path: Path, named_by: str) -> Path:
    folder = path.expanduser().absolute()
    if folder.is_dir():
        return folder
    what = "is a file, not a folder" if folder.exists() else "does not exist"
    raise DataError(f"{folder} ({named_by}) {what}; name the folder that holds the data files")
