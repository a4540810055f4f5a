"""``python -m bench predict MODEL IMAGE...``: what a saved model reads on pictures.

    python -m bench predict results/NAME seven.png photos/
    python -m bench predict RUN.keras scan.jpg --json
    python -m bench predict RUN.safetensors scan.jpg --framework numpy --save-prepared seen/

Of a results folder the best model is taken that can run here. The exit code is 0 where all pictures
were read; 2 where one was not, which is said after the others are done.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench import UsageError, cli
from bench.report import wording
from bench.results.folder import Results, ResultsError
from bench.results.record import Record, encode
from bench.results.sound import RecordError
from bench.run.reading import whole
from bench.saved.model import TOP, Guess, Model, load, runs_here
from bench.trainers import FRAMEWORKS
from datasets import DataError, pictures

NARROWING = ("task", "architecture")  # options, and fields of an experiment


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What came of one picture."""

    image: str
    label: str | None = None
    top: tuple[Guess, ...] = ()
    took_s: float | None = None
    notes: tuple[str, ...] = ()  # what may be wrong with how it was read: sentences
    error: str | None = None  # why nothing did


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What ``--json`` prints."""

    model: str
    task: str
    class_names: tuple[str, ...]
    framework: str  # that it ran in
    predictions: tuple[Reading, ...]


def main(argv: Sequence[str]) -> int:
    """Read all pictures; return the exit code."""
    options = _parser().parse_args(argv)
    try:
        model = load(_model_path(options), options.framework)
        paths = _paths(options.images)
        model.warm_up()  # so that the first picture's time is no other than that of the next
    except (UsageError, DataError, ResultsError, RecordError) as error:
        print(f"bench predict: error: {error}", file=sys.stderr)
        return 2
    if model.card.record.data.drawn:
        print("Note: it was trained on drawn glyphs, not on handwriting.", file=sys.stderr)
    readings = _read(model, paths, options)
    _print(model, readings, as_json=options.json)
    for reading in readings:
        for note in reading.notes:
            print(f"Note: {reading.image}: {note}.", file=sys.stderr)
    failed = [reading for reading in readings if reading.error is not None]
    for reading in failed:
        print(f"bench predict: error: {reading.error}", file=sys.stderr)
    return 2 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = cli.saved_model_parser(
        "predict",
        "Read characters on pictures: PNG, JPEG or BMP of any size, or folders of them, dark on "
        "light or light on dark, one character on each.",
        "results/mine photo.png",
        "results/mine letters/ --task letters --architecture cnn --top 5",
        model=f"{cli.MODEL_HELP}; or a results folder, whose best model is taken",
    )
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE", help="a file or a folder")
    parser.add_argument(
        "--top",
        type=whole,
        default=TOP,
        metavar="N",
        help=f"how many labels to name (default: {TOP})",
    )
    parser.add_argument(
        "--save-prepared",
        type=Path,
        metavar="DIR",
        help="save what the model saw of each picture, 28x28 pixels, as PNG",
    )
    for name in NARROWING:
        parser.add_argument(f"--{name}", help=f"of a results folder: only models of this {name}")
    return parser


# The best model of a folder


def _model_path(options: argparse.Namespace) -> Path:
    """The file that was named, or the best of the folder that was, which is then said."""
    wanted = {name: word for name in NARROWING if (word := getattr(options, name)) is not None}
    if not options.model.is_dir():
        if wanted:
            raise UsageError(
                f"--{next(iter(wanted))} chooses among the models of a results folder, and "
                f"{options.model} is none; leave it out"
            )
        return Path(options.model)
    best, candidates = best_model(options.model, wanted, options.framework)
    experiment = best.record.experiment
    print(
        f"Reading with {best.path}: {wording.architecture(experiment.architecture)} on "
        f"{experiment.task} in {wording.framework(experiment)}, validation accuracy "
        f"{wording.percent(best.accuracy)}, the highest of "
        f"{wording.counted(len(candidates), 'model')}.",
        file=sys.stderr,
    )
    others = sorted({each.record.experiment.task for each in candidates} - {experiment.task})
    for task in others:
        print(f"It knows {experiment.task} alone; for {task} add --task {task}.", file=sys.stderr)
    return best.path


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model of a results folder."""

    path: Path
    record: Record  # of the run that left it
    accuracy: float  # on the validation images, of the checkpoint that was saved


def best_model(
    folder: Path, wanted: Mapping[str, str], framework: str | None = None
) -> tuple[Candidate, list[Candidate]]:
    """The one of the highest validation accuracy that can run here, and all it was chosen from.

    Args:
        folder: of results.
        wanted: what its experiment has to have, of NARROWING.
        framework: that it is to run in; None for the one that trained it, or NumPy.

    Raises:
        UsageError: where there is no such model, or none can run here.
        ResultsError, RecordError: where the folder has no records, or broken ones.
        SavedModelError: where the best one's file cannot be used.
    """
    every = sorted(_candidates(Results(folder)), key=lambda each: -each.accuracy)
    fitting = [
        each
        for each in every
        if all(getattr(each.record.experiment, name) == word for name, word in wanted.items())
    ]
    if not fitting:
        words = " and ".join(f"{name} {word}" for name, word in wanted.items())
        there = sorted({f"{e.task} {e.architecture}" for e in (c.record.experiment for c in every)})
        raise UsageError(
            f"{folder}: no run has left a model{f' of {words}' if words else ''}; there are "
            f"{', '.join(there) or 'none at all: a run with --out leaves one in models/'}"
        )
    for each in fitting:
        if runs_here(each.path, framework):
            return each, fitting
    needed = sorted({each.record.experiment.framework for each in fitting})
    raise UsageError(
        f"{folder}: none of its {len(fitting)} models can run in "
        f"{framework or 'what is installed here'}; they were trained in {', '.join(needed)}"
    )


def _candidates(results: Results) -> Iterator[Candidate]:
    for record in results.require_records():
        measured = record.measurement
        path = results.model_path(
            record.run_id, FRAMEWORKS[record.experiment.framework].model_ending
        )
        if measured and measured.test and path.exists():
            accuracy = measured.evaluations[measured.test.evaluation].accuracy
            yield Candidate(path=path, record=record, accuracy=accuracy)


# The pictures


def _paths(given: Iterable[Path]) -> list[Path]:
    """The files named, and those in the folders named, each once.

    Raises UsageError on a folder without images.
    """
    paths: dict[Path, None] = {}
    for path in given:
        if not path.is_dir():
            paths[path] = None
            continue
        inside = [
            file
            for file in sorted(path.rglob("*"))
            if file.is_file() and file.suffix.lower() in pictures.ENDINGS
        ]
        if not inside:
            raise UsageError(f"{path}: no images in it; wanted {', '.join(pictures.ENDINGS)}")
        paths |= dict.fromkeys(inside)
    return list(paths)


def _read(model: Model, paths: Sequence[Path], options: argparse.Namespace) -> list[Reading]:
    names = prepared_names(paths)
    readings = []
    for path in paths:
        try:
            [guessed] = model.predict([path], top=options.top)
            if options.save_prepared is not None:
                save_prepared(model.prepare(path), options.save_prepared / names[path])
            reading = Reading(
                image=str(path),
                label=guessed.label,
                top=guessed.top,
                took_s=guessed.took_s,
                notes=guessed.notes,
            )
        except (DataError, UsageError) as error:
            reading = Reading(image=str(path), error=str(error))
        readings.append(reading)
    return readings


def prepared_names(paths: Sequence[Path]) -> dict[Path, str]:
    """A name for what was seen of each picture: its own, with a number where others have it."""
    names: dict[Path, str] = {}
    taken: dict[str, int] = {}
    for path in paths:
        taken[path.stem] = taken.get(path.stem, 0) + 1
        number = taken[path.stem]
        names[path] = f"{path.stem}.png" if number == 1 else f"{path.stem}-{number}.png"
    return names


def save_prepared(image: NDArray[np.uint8], path: Path) -> None:
    """Write a PNG; what lies there already is never written over.

    Raises UsageError where another image lies there, or nothing can be written.
    """
    from PIL import Image

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            _check_same(image, path)
        else:
            Image.fromarray(image).save(path, "PNG")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error


def _check_same(image: NDArray[np.uint8], path: Path) -> None:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as there:
            if np.array_equal(np.asarray(there), image):
                return
    except UnidentifiedImageError:
        pass  # then it is another file
    raise UsageError(
        f"{path} is there already and is another image: it was kept; name another folder with "
        "--save-prepared, or take it away"
    )


def _print(model: Model, readings: Sequence[Reading], *, as_json: bool) -> None:
    if as_json:
        document = Readings(
            model=str(model.path),
            task=model.card.task,
            class_names=model.card.class_names,
            framework=model.framework,
            predictions=tuple(readings),
        )
        print(encode(document).decode(), end="")
        return
    read = [reading for reading in readings if reading.error is None]
    width = max((len(reading.image) for reading in read), default=0)
    for reading in read:
        guesses = "   ".join(f"{guess.label} {guess.probability:6.1%}" for guess in reading.top)
        print(f"{reading.image:{width}}   {guesses}   {1000 * (reading.took_s or 0):.1f} ms")
