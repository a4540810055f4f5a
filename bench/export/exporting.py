"""From saved models to exports: converted, compared, and only then put into their places."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from bench import UsageError, machine
from bench.evidence import Export
from bench.experiment import Experiment
from bench.export import SEED, Places, convert, examine, refusal, wording
from bench.export.job import ExportAnswer, ExportRequest, ModelFiles
from bench.processes import Child
from bench.record import Machine, Record
from bench.results import Results, save_export, write_atomically
from bench.saved_models import sha256
from bench.trainers import FRAMEWORKS

TIMEOUT_S = 120.0  # for each model: some 10 s on two cores


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
) -> Iterator[tuple[Wanted, ExportAnswer]]:
    for members in _grouped(wanted, lambda one: one.model.suffix):
        framework = convert.FRAMEWORKS[members[0].model.suffix]
        yield from _asked(convert.__name__, members, drafts, seen, framework, None)


def _examined(
    wanted: Sequence[Wanted],
    drafts: Mapping[Path, Path],
    seen: Machine,
    pythons: Mapping[str, Path],
) -> Iterator[tuple[Wanted, ExportAnswer]]:
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
) -> Iterator[tuple[Wanted, ExportAnswer]]:
    first = members[0]
    request = ExportRequest(
        models=tuple(
            ModelFiles(model=str(wanted.model.resolve()), onnx=str(drafts[wanted.out]))
            for wanted in members
        ),
        machine=seen,
        data_folder=str(first.data_folder.resolve()),
        threads=first.experiment.threads,
    )
    experiment = replace(first.experiment, framework=framework)
    yield from zip(members, answers(module, request, experiment, python), strict=True)


def answers(
    module: str, request: ExportRequest, experiment: Experiment, python: Path | None
) -> list[ExportAnswer]:
    """One for each model of the request, in their order, whatever becomes of the process.

    Args:
        module: to be run, such as 'bench.export.convert'.
        request: what it is told.
        experiment: whose environment it gets; but no GPU is seen there.
        python: the interpreter; None for this one.
    """
    with Child(
        module,
        request,
        limit_s=TIMEOUT_S * len(request.models),
        experiment=replace(experiment, device="cpu"),
        python=python,
    ) as child:
        made = list(child.messages(ExportAnswer))
    missing = len(request.models) - len(made)
    return made + [ExportAnswer(failure=str(child.ending))] * missing


def _grouped(wanted: Sequence[Wanted], key: Callable[[Wanted], object]) -> Iterator[list[Wanted]]:
    ordered = sorted(wanted, key=lambda one: str(key(one)))
    for _, members in groupby(ordered, key):
        yield list(members)


def keep(wanted: Wanted, answer: ExportAnswer, draft: Path) -> Outcome:
    """Put record and file into their places; a file that says otherwise than its model goes."""
    if answer.export is None:
        return Outcome(wanted=wanted, failure=answer.failure or "no answer")
    if answer.export.passed:
        write_atomically(wanted.out, draft.read_bytes())
    else:
        wanted.out.unlink(missing_ok=True)
    save_export(wanted.out, answer.export)
    return Outcome(wanted=wanted, export=answer.export)


# A whole results folder


def export_missing(
    results: Results, records: Sequence[Record], data: Places, pythons: Mapping[str, Path]
) -> None:
    """See ``bench.export.export_all``."""
    wanted = list(missing(results, records, data))
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


def missing(results: Results, records: Sequence[Record], data: Places) -> Iterator[Wanted]:
    """The exports that a results folder lacks: of saved models of seed 0 that can be exported.

    A model that has been trained again since its export is one of them.
    """
    for record in records:
        asked = record.experiment
        place = data.get((asked.task, asked.source))
        ending = FRAMEWORKS[asked.framework].model_ending
        model = results.model_path(record.run_id, ending)
        wanted = record.status == "ok" and asked.goal == "train" and record.seed == SEED
        if wanted and place and model.exists() and refusal.reason(asked) is None:
            out = results.onnx_path(record.run_id)
            if not _is_made(model, out, results.export(record.run_id)):
                yield Wanted(model=model, out=out, experiment=asked, data_folder=place)


def _is_made(model: Path, out: Path, earlier: Export | None) -> bool:
    if earlier is None or earlier.model_sha256 != sha256(model):
        return False
    return out.exists() or not earlier.passed
