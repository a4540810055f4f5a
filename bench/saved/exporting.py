"""From saved models to exports: converted, compared, and only then put into their places."""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Literal

from bench import UsageError
from bench.experiment import Experiment
from bench.machine import hardware
from bench.results.evidence import Export
from bench.results.folder import Results, save_export, write_atomically
from bench.results.models import sha256
from bench.results.record import Inference, Machine, Record
from bench.run.processes import Child
from bench.saved import export_child
from bench.saved.export_child import ExportAnswer, ExportRequest, ModelFiles
from bench.trainers import FRAMEWORKS
from datasets import how_to_install

# Saved models to ONNX, each set beside the framework that trained it: logits, then latency.
#
# refusal.py      what cannot be exported, and why
# pytorch.py      a PyTorch module -> an ONNX file
# keras_torch.py  a saved Keras network -> a PyTorch module
# comparison.py   the logits of two networks: deviations, tolerance
# latency.py      two networks timed in turn
# job.py          what a process of the export is told, and what it answers
# convert.py      the process that writes ONNX files
# examine.py      the process, of the framework that trained, that compares and times
# exporting.py    from saved models to exports, by those processes
# command.py      python -m bench export
# wording.py      an export as it is printed
#
# What an export leaves is ``bench.results.evidence.Export``; the exported network ready for use is
# ``bench.saved.onnx``.


SEED = 0  # the runs that are exported: one of each experiment
Places = Mapping[tuple[str, str], Path]  # (task, source) -> folder of cached arrays


def export_all(
    results: Results,
    records: Sequence[Record],
    data: Places,
    *,
    pythons: Mapping[str, Path] | None = None,
) -> None:
    """Export the saved models of a results folder that have no export yet: those of seed 0.

    What cannot be exported is left out; what should have been and failed is said on standard
    error. ``exports/RUN.json`` is written even where the comparison fails, for the tables to say
    so, and the ``.onnx`` file is not.

    Args:
        results: the results folder.
        records: its runs.
        data: where the arrays of each task and source lie; runs on others are left out.
        pythons: framework -> interpreter, where it is not this one.
    """
    # MOVED  # late: it needs the scheduler

    export_missing(results, records, data, pythons or {})


# What cannot be exported, and why.


PACKAGES = ("onnx", "onnxruntime", "onnxscript", "torch")

# architecture -> why ONNX cannot hold it
ARCHITECTURES = {
    "gnn": (
        "its network takes graphs of superpixels, which scikit-image makes of the images outside "
        "of it; an ONNX file would hold the second half of the work alone"
    )
}


def reason(experiment: Experiment) -> str | None:
    """Why the network of such a run cannot be exported; None: it can be."""
    if experiment.architecture in ARCHITECTURES:
        return f"{experiment.architecture}: {ARCHITECTURES[experiment.architecture]}"
    if experiment.precision == "bf16":
        return (
            "it was trained, and answers, in bfloat16, which ONNX Runtime does not compute on a "
            "CPU; train it with --precision fp32"
        )
    return None


def require_packages() -> None:
    """Raise UsageError naming the packages that are missing here, and how to install them."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise UsageError(f"export to ONNX needs {', '.join(missing)}; {how_to_install(*PACKAGES)}")


# An export as it is printed.


def outcome_sentence(model: Path, export: Export | None, failure: str | None) -> str:
    """What became of one saved model, in lines."""
    if export is None:
        return f"{model.name}: not exported: {failure}"
    said = "the same" if export.passed else "NOT THE SAME: the file is not kept"
    check = export.logits
    lines = [
        f"{model.name}: {said}",
        f"  compared: logits of all {export.images:,} test images, {export.own} and ONNX "
        f"Runtime {export.versions['onnxruntime']} (opset {export.opset}, "
        f"{export.threads} threads)",
        f"  largest deviation: {export.absolute_deviation:.2g} absolute, {check.deviation:.2g} of "
        f"the largest logit; allowed {check.tolerance:.2g}: {check.reason}",
        f"  images told otherwise: {export.differing:,}; allowed 0",
    ]
    both = zip(export.own_inference, export.inference, strict=True)
    return "\n".join([*lines, *(_times(own, exported, export) for own, exported in both)])


def _times(own: Inference, exported: Inference, export: Export) -> str:
    """The medians of both at one batch size."""
    times = {
        export.own: statistics.median(own.samples_s),
        "ONNX Runtime": statistics.median(exported.samples_s),
    }
    said = ", ".join(f"{name} {1000 * seconds:.3g} ms" for name, seconds in times.items())
    return f"  a batch of {own.batch_size:,}, median: {said}"


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
    seen = seen or hardware.observe()
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
        framework = export_child.CONVERTERS[members[0].model.suffix]
        yield from _asked("convert", members, drafts, seen, framework, None)


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
        yield from _asked("compare", members, drafts, seen, framework, python)


def _asked(
    work: Literal["convert", "compare"],
    members: Sequence[Wanted],
    drafts: Mapping[Path, Path],
    seen: Machine,
    framework: str,
    python: Path | None,
) -> Iterator[tuple[Wanted, ExportAnswer]]:
    first = members[0]
    request = ExportRequest(
        work=work,
        models=tuple(
            ModelFiles(model=str(wanted.model.resolve()), onnx=str(drafts[wanted.out]))
            for wanted in members
        ),
        machine=seen,
        data_folder=str(first.data_folder.resolve()),
        threads=first.experiment.threads,
    )
    experiment = replace(first.experiment, framework=framework)
    yield from zip(members, answers(request, experiment, python), strict=True)


def answers(
    request: ExportRequest, experiment: Experiment, python: Path | None
) -> list[ExportAnswer]:
    """One for each model of the request, in their order, whatever becomes of the process.

    Args:
        request: what it is told.
        experiment: whose environment it gets; but no GPU is seen there.
        python: the interpreter; None for this one.
    """
    with Child(
        export_child.__name__,
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
    """See ``bench.saved.exporting.export_all``."""
    wanted = list(missing(results, records, data))
    if not wanted:
        return
    try:
        require_packages()
    except UsageError as error:
        print(f"{error}; nothing is exported", file=sys.stderr)
        return
    for outcome in export(wanted, pythons):
        print(
            outcome_sentence(outcome.wanted.model, outcome.export, outcome.failure), file=sys.stderr
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
        if wanted and place and model.exists() and reason(asked) is None:
            out = results.onnx_path(record.run_id)
            if not _is_made(model, out, results.export(record.run_id)):
                yield Wanted(model=model, out=out, experiment=asked, data_folder=place)


def _is_made(model: Path, out: Path, earlier: Export | None) -> bool:
    if earlier is None or earlier.model_sha256 != sha256(model):
        return False
    return out.exists() or not earlier.passed
