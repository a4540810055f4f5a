"""From saved models to exports: converted, compared, and only then put into their places."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bench import export_record, machine, results
from bench.errors import UsageError
from bench.experiment import Experiment
from bench.export import SEED, Places, convert, examine, processes, refusal, wording
from bench.export.job import Answer, Job, Order
from bench.export_record import Export
from bench.record import Machine, Record
from bench.trainers import FRAMEWORKS


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One export to be made."""

    model: Path  # the saved model
    out: Path  # the .onnx file
    experiment: Experiment  # of the run that left it
    data_folder: Path  # of the arrays cached for its task


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of it."""

    wanted: Wanted
    export: Export | None = None  # None: it failed
    failure: str | None = None  # why


def export(
    wanted: Sequence[Wanted], pythons: Mapping[str, Path], *, seen: Machine | None = None
) -> Iterator[Outcome]:
    """Make exports, a process for all that can share one; keep those that pass the comparison.

    A record that says how it went is kept in either case.
    """
    seen = seen or machine.observe()
    with tempfile.TemporaryDirectory() as folder:
        drafts = {one.out: Path(folder) / f"{number}.onnx" for number, one in enumerate(wanted)}
        left = []
        for one, answer in _converted(wanted, drafts, seen):
            if answer.failure is None:
                left.append(one)
            else:
                yield Outcome(wanted=one, failure=answer.failure)
        for one, answer in _examined(left, drafts, seen, pythons):
            yield keep(one, answer, drafts[one.out])


def _converted(
    wanted: Sequence[Wanted], drafts: Mapping[Path, Path], seen: Machine
) -> Iterator[tuple[Wanted, Answer]]:
    for members in _grouped(wanted, lambda one: one.model.suffix):
        framework = convert.FRAMEWORKS[members[0].model.suffix]
        yield from _asked(convert.__name__, members, drafts, seen, framework, None)


def _examined(
    wanted: Sequence[Wanted],
    drafts: Mapping[Path, Path],
    seen: Machine,
    pythons: Mapping[str, Path],
) -> Iterator[tuple[Wanted, Answer]]:
    def process(one: Wanted) -> tuple[object, ...]:
        return one.experiment.framework, one.experiment.threads, one.data_folder

    for members in _grouped(wanted, process):
        framework = members[0].experiment.framework
        python = pythons.get(framework)
        yield from _asked(examine.__name__, members, drafts, seen, framework, python)


def _asked(
    module: str,
    members: Sequence[Wanted],
    drafts: Mapping[Path, Path],
    seen: Machine,
    framework: str,
    python: Path | None,
) -> Iterator[tuple[Wanted, Answer]]:
    first = members[0]
    order = Order(
        jobs=tuple(
            Job(model=str(one.model.resolve()), onnx=str(drafts[one.out])) for one in members
        ),
        machine=seen,
        data_folder=str(first.data_folder.resolve()),
        threads=first.experiment.threads,
    )
    answers = processes.ask(module, order, framework, first.experiment, python)
    yield from zip(members, answers, strict=True)


def _grouped(wanted: Sequence[Wanted], key: Callable[[Wanted], object]) -> Iterator[list[Wanted]]:
    ordered = sorted(wanted, key=lambda one: str(key(one)))
    for _, members in groupby(ordered, key):
        yield list(members)


def keep(wanted: Wanted, answer: Answer, draft: Path) -> Outcome:
    """Put record and file into their places; a file that says otherwise than its model goes."""
    if answer.export is None:
        return Outcome(wanted=wanted, failure=answer.failure or "no answer")
    if answer.export.passed:
        results.write_atomically(wanted.out, draft.read_bytes())
    else:
        wanted.out.unlink(missing_ok=True)
    export_record.save(export_record.record_path(wanted.out), answer.export)
    return Outcome(wanted=wanted, export=answer.export)


# A whole results folder


def export_missing(
    folder: Path, records: Sequence[Record], data: Places, pythons: Mapping[str, Path]
) -> None:
    """See ``bench.export.export_all``."""
    wanted = list(missing(folder, records, data))
    if not wanted:
        return
    try:
        refusal.require_packages()
    except UsageError as error:
        print(f"{error}; nothing is exported", file=sys.stderr)
        return
    for outcome in export(wanted, pythons):
        print(
            wording.outcome(outcome.wanted.model, outcome.export, outcome.failure), file=sys.stderr
        )


def missing(folder: Path, records: Sequence[Record], data: Places) -> Iterator[Wanted]:
    """The exports that a results folder lacks: of saved models of seed 0 that can be exported.

    A model that has been trained again since its export is one of them.
    """
    for record in records:
        asked = record.experiment
        place = data.get((asked.task, asked.source))
        ending = FRAMEWORKS[asked.framework].model_ending
        model = results.model_path(folder, record.run_id, ending)
        wanted = record.status == "ok" and asked.goal == "train" and record.seed == SEED
        if wanted and place and model.exists() and refusal.reason(asked) is None:
            out = export_record.onnx_path(folder, record.run_id)
            if not _is_made(model, out):
                yield Wanted(model=model, out=out, experiment=asked, data_folder=place)


def _is_made(model: Path, out: Path) -> bool:
    earlier = export_record.read(export_record.record_path(out))
    if earlier is None or earlier.model_sha256 != export_record.sha256(model):
        return False
    return out.exists() or not earlier.passed
