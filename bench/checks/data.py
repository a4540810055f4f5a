"""``python -m bench data``: what data there is; fetch, check, convert.

    python -m bench data                              # what is found, and what is in it
    python -m bench data --data-dir DIR --convert     # and cache it, ready for runs
    python -m bench data --fetch digits               # download MNIST
    python -m bench data --fetch letters              # the A-Z letters, from Kaggle
    python -m bench data --task fruit --data-file fruit.npz   # data of your own

Every file that is shown is read to its end, so what is wrong with one shows here.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.cli import add_labels_from, add_option
from bench.run.door import parser_of
from bench.run.progress import StageDisplay
from bench.run.reading import list_of, words
from datasets import TASKS, DataError, Dataset, Task, open_cached, prepare
from datasets.cache import cache_folder, is_intact
from datasets.glyphs import DEFAULT_IMAGES
from datasets.preparation import (
    DATA_VARIABLE,
    Available,
    cached_folder,
    convert,
    fetch,
    load,
    search,
    search_folders,
    task_named,
)
from datasets.splits import Collection


def main(argv: Sequence[str]) -> int:
    """Run the command; return the exit code, 2 where the data cannot be used."""
    options = _parser().parse_args(argv)
    try:
        with StageDisplay() as progress:
            if options.data_file is not None:
                _show_own(options, progress)
                return 0
            _check_source(options)
            for name in options.fetch:
                published = next(each for each in TASKS[name].sources if not each.drawn)
                fetch(name, published.name, progress=progress)
            print(describe_folders(options.data_dir))
            for name in options.task or TASKS:
                _show_task(task_named(name), options, progress)
    except DataError as error:
        print(f"bench data: error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    summary = (__doc__ or "").partition("\n")[0]
    examples = ("--fetch digits", "--task fruit --data-file fruit.npz")
    parser = parser_of("python -m bench data", summary, *examples)
    add_option(parser, "data_dir")
    add_option(parser, "data_file", help="show your own data")
    add_labels_from(parser)
    parser.add_argument("--task", type=words, metavar="TASK,...", help="with --data-file its name")
    parser.add_argument("--source", help="show or convert this source only, such as glyphs")
    parser.add_argument(
        "--fetch",
        type=list_of("task", tuple(TASKS)),
        default=(),
        metavar="TASK,...",
        help="download",
    )
    parser.add_argument("--convert", action="store_true", help="parse and cache what is shown")
    add_option(parser, "glyphs_images", default=DEFAULT_IMAGES)
    return parser


def _check_source(options: argparse.Namespace) -> None:
    tasks = [task_named(name) for name in options.task or TASKS]
    names = [source.name for task in tasks for source in task.sources]
    if options.source not in (None, *names):
        known = ", ".join(dict.fromkeys(names))
        raise DataError(f"unknown source {options.source!r}; choose from {known}")


def describe_folders(data_dir: Path | None) -> str:
    """Where data is searched, in order, and where parsed data is kept."""
    cache = cache_folder()
    folders = search_folders(data_dir, cache)
    lines = [f"  {folder.path} ({folder.named_by})" for folder in folders]
    if not folders:
        lines = [f"  none: no --data-dir, no {DATA_VARIABLE}, nothing downloaded yet"]
    return "\n".join(["Searched for data, in this order:", *lines, f"Parsed data: {cache}/arrays"])


def _show_task(task: Task, options: argparse.Namespace, progress: StageDisplay) -> None:
    files = search(task.name, data_dir=options.data_dir)
    drawn = next(source for source in task.sources if source.drawn)
    takes = files[0].source.name if files else f"a download where there is one, else {drawn.name}"
    print(f"\n{task.name}: {len(task.class_names)} classes; runs take {takes}")
    available = [*files, Available(task=task, source=drawn, images=options.glyphs_images)]
    for source in task.sources:
        if options.source in (None, source.name):
            print(f"  {source.name}: {source.description}")
            here = [each for each in available if each.source == source]
            if not here:
                print("    not found")
            for each in here:
                _show_available(each, options, progress)


def _show_own(options: argparse.Namespace, progress: StageDisplay) -> None:
    """What is in a user's file; always cached, since its classes are known from there alone."""
    if options.task is None or len(options.task) != 1:
        raise DataError("--data-file needs --task with one name for your data: --task my-digits")
    if options.source or options.fetch:
        raise DataError("--data-file leaves nothing to --source and --fetch; leave them out")
    prepared = prepare(
        options.task[0],
        data_file=options.data_file,
        labels_from=options.labels_from,
        progress=progress,
    )
    dataset = open_cached(prepared.folder)
    print(f"{prepared.task}: {len(dataset.class_names)} classes")
    print("  own: " + "\n       ".join(str(path) for path in prepared.files))
    for note in dataset.reading:
        print(f"    {note}")
    print(f"    cached in {prepared.folder}")
    print(describe_dataset(dataset))


def _show_available(data: Available, options: argparse.Namespace, progress: StageDisplay) -> None:
    asked_to_draw = options.source == data.source.name
    if options.convert and (not data.source.drawn or asked_to_draw):
        folder = convert(data, progress=progress).folder
        print(f"    {_origin(data)}\n    cached in {folder}")
        print(describe_dataset(open_cached(folder)))
    elif data.source.drawn:
        print(f"    drawn when asked for, {data.images:,} images, or where nothing is found")
    else:
        print(f"    {_origin(data)}")
        print(_describe_unconverted(data, progress))


def _origin(data: Available) -> str:
    if not data.files:
        return f"{data.images:,} images drawn"
    return "found " + "\n          ".join(str(path) for path in data.files)


def _describe_unconverted(data: Available, progress: StageDisplay) -> str:
    folder = cached_folder(data)
    if is_intact(folder):
        return f"    cached in {folder}\n" + describe_dataset(open_cached(folder))
    collection = load(data, progress=progress)
    return "    not cached yet: the first run does that, or --convert\n" + describe_collection(
        collection, data.task.class_names
    )


def describe_dataset(dataset: Dataset) -> str:
    """Images in each split and class of a cached data set, in lines of text."""
    splits = (dataset.train, dataset.validation, dataset.test)
    return _describe(dataset, [split.labels for split in splits], dataset.class_names)


def describe_collection(collection: Collection, class_names: tuple[str, ...]) -> str:
    """The same of images that were parsed and not cached."""
    splits = (collection.train, collection.validation, collection.test)
    return _describe(collection, [collection.labels[rows] for rows in splits], class_names)


def _describe(
    data: Dataset | Collection, labels: Sequence[NDArray[np.uint8]], class_names: tuple[str, ...]
) -> str:
    """``labels``: of each split; ``class_names``: in label order."""
    train, validation, test = map(len, labels)
    counts = np.bincount(np.concatenate(labels), minlength=len(class_names))
    classes = ", ".join(f"{n} {c:,}" for n, c in zip(class_names, counts, strict=True))
    return (
        f"    {train:,} training, {validation:,} validation, {test:,} test images; "
        f"{_describe_duplicates(data)}\n    images a class: {classes}"
    )


def _describe_duplicates(data: Dataset | Collection) -> str:
    if data.duplicates_removed == 0:
        return "no duplicates removed"
    removed = f"{data.duplicates_removed:,} exact duplicates removed"
    conflicts = data.conflicting_labels
    return removed + (f", {conflicts:,} of them under another label" if conflicts else "")
