"""``python -m bench evaluate MODEL``: how good a saved model is, on its own data or on others.

    python -m bench evaluate results/NAME/models/RUN.safetensors
    python -m bench evaluate RUN.keras --task digits --source glyphs
    python -m bench evaluate RUN.safetensors --task mine --data-file mine.npz --all
    python -m bench evaluate RUN.safetensors --task digits --data-file photos/ --all

Without --task, the test images of the data it was trained on. With it, those of any other data of
the same classes, matched by their names; --all takes all images of these, since none of them was
trained on. A folder of pictures that are not 28x28 is read as ``predict`` reads photographs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import datasets
from bench import UsageError, cli
from bench.results.card import Card
from bench.results.record import encode
from bench.run.progress import StageDisplay
from bench.run.reading import one_of
from bench.saved import photographs
from bench.saved.model import Model, load
from bench.saved.scores import Scores, Share, class_indices, scores
from bench.stats.score import wrong
from datasets import DataError, Dataset


@dataclass(frozen=True, kw_only=True)
class Evaluated:
    """What ``--json`` prints."""

    model: str
    architecture: str
    framework: str  # that it ran in
    trained_on: str
    evaluated_on: str
    images: str  # which of them: 'test' or 'all'
    form: str  # how they were brought to 28x28, in words
    own_data: bool  # True: the data of its own run
    as_recorded: bool | None  # wrong on the images that its run names; None: on other data
    scores: Scores


def main(argv: Sequence[str]) -> int:
    """Evaluate as asked, print, return the exit code."""
    options = _parser().parse_args(argv)
    try:
        evaluated = _evaluate(options)
    except (UsageError, DataError) as error:
        print(f"bench evaluate: error: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(encode(evaluated).decode(), end="")
    else:
        print(_text(evaluated))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = cli.saved_model_parser(
        "evaluate",
        "Say how good a saved model is. Without --task, on the test images of the data it was "
        "trained on. With it, on those of any other data of the same classes, matched by their "
        "names; --all takes all images of these, since none of them was trained on.",
        "results/mine/models/RUN.safetensors",
        "RUN.keras --task mine --data-file mine.npz --all",
    )
    parser.add_argument("--task", help="of other data (default: the model's own)")
    cli.add_option(parser, "source", type=str)  # known or not: judged when the task is known
    cli.add_option(parser, "data_file")
    cli.add_labels_from(parser)
    cli.add_option(parser, "data_dir")
    parser.add_argument(
        "--form",
        type=one_of("form", photographs.FORMS),
        default="auto",
        help="of a folder of pictures: photo finds the ink on each and centres it, as predict "
        "does; asis shrinks each as a whole; auto (the default) is photo where one is not 28x28",
    )
    parser.add_argument("--all", action="store_true", help="all images, not the test images alone")
    return parser


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """The images to evaluate on."""

    name: str  # of the data, for people
    images: NDArray[np.uint8]  # (n, 28, 28)
    labels: NDArray[np.uint8]  # (n,)
    class_names: tuple[str, ...]
    own: bool  # True: those of the model's own run
    form: str  # as of ``Evaluated``


def _evaluate(options: argparse.Namespace) -> Evaluated:
    model = load(options.model, options.framework)
    chosen = _choose(model, options)
    record = model.card.record
    names = class_indices(model.card.class_names, chosen.class_names, name=chosen.name)
    classes = names[chosen.labels]
    logits = model.logits(chosen.images)
    test = record.measurement.test if chosen.own and record.measurement else None
    return Evaluated(
        model=str(model.path),
        architecture=model.card.architecture,
        framework=model.framework,
        trained_on=f"{record.data.task} from {record.data.source}",
        evaluated_on=chosen.name,
        images="all" if options.all else "test",
        form=chosen.form,
        own_data=chosen.own,
        as_recorded=test.wrong == wrong(logits, classes) if test else None,
        scores=scores(logits.argmax(axis=1), classes, model.card.class_names),
    )


def _choose(model: Model, options: argparse.Namespace) -> _Chosen:
    as_photographs = photographs.are_wanted(options.form, options.data_file)
    trained_on_own = model.card.record.data.source == "own"
    if as_photographs and not trained_on_own:
        return _photographed(model, options)
    chosen = _prepared(model, options)
    if not as_photographs or (chosen.own and options.form == "auto"):
        return chosen
    if chosen.own:
        raise UsageError(
            f"--form photo: {model.path} was trained on these pictures as they are; leave --form "
            "out"
        )
    return _photographed(model, options)


def _photographed(model: Model, options: argparse.Namespace) -> _Chosen:
    """A folder of pictures, each prepared as ``predict`` does."""
    task = options.task or model.card.task
    collection = photographs.read(model, options.data_file, task, labels_from=options.labels_from)
    rows = collection.test
    if options.all:  # but for duplicates
        rows = np.concatenate([collection.train, collection.validation, collection.test])
    return _Chosen(
        name=f"{task} from own",
        images=collection.images[rows],
        labels=collection.labels[rows],
        class_names=collection.class_names or (),
        own=False,
        form=photographs.AS_PHOTOGRAPHS[model.form],
    )


def _prepared(model: Model, options: argparse.Namespace) -> _Chosen:
    """Any data as a run would have them."""
    folder = prepare_data(
        model.path,
        model.card,
        task=options.task,
        source=options.source,
        data_dir=options.data_dir,
        data_file=options.data_file,
        labels_from=options.labels_from,
    )
    dataset = datasets.open_cached(folder)
    name = f"{dataset.task} from {dataset.source}"
    own = dataset.fingerprint == model.card.record.data.fingerprint
    if own and options.all:
        raise UsageError(
            f"--all: {model.path} was trained on images of {name}; without --all its test images "
            "are taken"
        )
    images, labels = _images(dataset, every=options.all)
    return _Chosen(
        name=name,
        images=images,
        labels=labels,
        class_names=dataset.class_names,
        own=own,
        form=photographs.AS_THEY_ARE,
    )


def prepare_data(
    path: Path,
    card: Card,
    *,
    task: str | None = None,
    source: str | None = None,
    data_dir: Path | None,
    data_file: Path | None,
    labels_from: int | None = None,
) -> Path:
    """The folder of arrays cached for a saved model; notes on them go to standard error.

    Args:
        path, card: of the saved model. Drawn images of its own task are as many as its run had.
        task: None: its own.
        source: None: the one of its run, or of another task the best that can be found.
        data_dir, data_file, labels_from: as of ``datasets.prepare``.

    Raises UsageError where it was trained on the user's own file, which was not named, and
    DataError where there are no such data.
    """
    own = card.record.data
    task = task or own.task
    source = source or (own.source if task == own.task else None)
    if data_file is not None:
        source = None  # of a file there is but one
    elif source == "own":
        raise UsageError(
            f"{path} was trained on data of your own, {task}: name it with --data-file"
        )
    with StageDisplay() as show:
        prepared = datasets.prepare(
            task,
            source=source,
            data_dir=data_dir,
            data_file=data_file,
            labels_from=labels_from,
            glyphs_images=own.drawn_images if task == own.task else None,
            progress=show,
        )
    for note in prepared.notes:
        print(note, file=sys.stderr)
    return prepared.folder


def _images(dataset: Dataset, *, every: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if not every:
        return dataset.test.images, dataset.test.labels
    splits = (dataset.train, dataset.validation, dataset.test)
    return (
        np.concatenate([split.images for split in splits]),
        np.concatenate([split.labels for split in splits]),
    )


# In words


def _text(evaluated: Evaluated) -> str:
    overall = evaluated.scores.overall
    lines = [
        f"{evaluated.model}: {evaluated.architecture} in {evaluated.framework}, trained on "
        f"{evaluated.trained_on}",
        f"{overall.images:,} images ({evaluated.images}) of {evaluated.evaluated_on}: "
        f"{_in_words(overall)}",
        f"images {evaluated.form}",
    ]
    if evaluated.as_recorded is not None:
        same = "wrong on the same images" if evaluated.as_recorded else "NOT on the same images"
        lines.append(f"beside the record of its run: {same}")
    by_class = evaluated.scores.by_class
    width = max(len("class"), *map(len, by_class))
    lines += ["", f"{'class':{width}}   images   accuracy"]
    lines += [
        f"{name:{width}} {each.images:8,}   {_in_words(each)}" for name, each in by_class.items()
    ]
    return "\n".join(lines)


def _in_words(share: Share) -> str:
    interval = share.interval
    if share.accuracy is None or interval is None:
        return "–"
    return f"{share.accuracy:.2%} (95 % interval {interval.low:.2%} to {interval.high:.2%})"
