"""``python -m bench export MODEL``: a saved model as an ONNX file, compared and timed.

    python -m bench export results/NAME/models/RUN.safetensors
    python -m bench export RUN.keras --out RUN.onnx --data-dir DIR

Without --out a model of a results folder goes into the folder's exports/, any other beside itself.
The file is kept where it gives the logits that the model gives in its own framework, for every
test image of its task. The exit code is 0 then, 1 where it does not or could not be made, 2 where
it was asked wrongly.

Models are converted, then compared, by processes of their own (``bench.saved.export_child``), and
only files that pass are put into their places. What an export leaves is
``bench.results.evidence.Export``; ``bench.saved.onnx`` loads the exported network.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import datasets
from bench import UsageError
from bench.cli import add_option
from bench.experiment import Experiment
from bench.machine import hardware
from bench.results import write_atomically
from bench.results.card import SavedModelError
from bench.results.evidence import Export
from bench.results.folder import Results, ResultsError, export_path, save_export
from bench.results.models import read_card, sha256
from bench.results.record import Inference, Machine, Record
from bench.run.door import parser_of
from bench.run.leftovers import scratch_prefix
from bench.saved import asking, export_child
from bench.saved.asking import Answer, grouped
from bench.saved.evaluate import prepare_data
from bench.saved.export_child import ExportRequest, ModelFiles
from datasets import how_to_install

SEED = 0  # the runs that are exported of a folder: one of each experiment
TIMEOUT_S = 120.0  # for each model: some 10 s on two cores
PACKAGES = ("onnx", "onnxruntime", "onnxscript", "torch")
CONVERTERS = {".safetensors": "pytorch", ".keras": "keras-torch"}  # by the ending of the file

# architecture -> why ONNX cannot hold it
ARCHITECTURES = {
    "gnn": (
        "its network takes graphs of superpixels, which scikit-image makes of the images outside "
        "of it; an ONNX file would hold the second half of the work alone"
    )
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One export to be made."""

    model: Path  # the saved model
    out: Path  # the .onnx file
    experiment: Experiment  # of the run that left it
    data_folder: Path  # of the arrays cached for its task


# The command


def main(argv: Sequence[str]) -> int:
    """Export one model, print how it went, return the exit code."""
    options = _parser().parse_args(argv)
    try:
        wanted = _wanted(options)
        ((_, answer),) = export([wanted], options.pythons)
    except (UsageError, ResultsError, datasets.DataError) as error:
        print(f"bench export: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, a folder that may not be written to
        print(f"bench export: error: {error}", file=sys.stderr)
        return 1
    print(in_words(wanted.model, answer))
    if answer.export is None or not answer.export.passed:
        return 1
    print(f"written: {wanted.out}, and beside it {export_path(wanted.out).name}")
    return 0


def _wanted(options: argparse.Namespace) -> Wanted:
    """What is asked for; raises UsageError and DataError for what cannot be done."""
    card = read_card(options.model)
    reason = why_not(card.record.experiment)
    if reason is not None:
        raise SavedModelError(f"{options.model} cannot be exported: {reason}")
    require_packages()
    out = options.out or default_out(options.model)
    if out.suffix != ".onnx":
        raise UsageError(f"--out {out}: wanted a file that ends in .onnx")
    existing = [path for path in (out, export_path(out)) if path.exists()]
    if existing and not options.force:
        raise UsageError(
            f"{existing[0]} is there already; --force replaces it, or name another --out"
        )
    return Wanted(
        model=options.model,
        out=out,
        experiment=card.record.experiment,
        data_folder=prepare_data(
            options.model, card, data_dir=options.data_dir, data_file=options.data_file
        ),
    )


def default_out(model: Path) -> Path:
    """Where an export goes by itself: exports/ of the model's results folder, or beside it."""
    folder = model.resolve().parent
    if folder.name == "models":
        return Results(folder.parent).onnx_path(model.stem)
    return model.with_suffix(".onnx")


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench export",
        "Write a saved model as ONNX; compare and time it in ONNX Runtime.",
        "results/mine/models/RUN.safetensors",
        "RUN.keras --out RUN.onnx",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .safetensors or .keras file")
    parser.add_argument("--out", type=Path, metavar="FILE.onnx", help="where to write it")
    parser.add_argument("--force", action="store_true", help="replace a file that is there already")
    add_option(parser, "data_dir")
    add_option(parser, "data_file", help="your own data that it was trained on")
    add_option(parser, "pythons")
    return parser


# What cannot be exported, and why


def why_not(experiment: Experiment) -> str | None:
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


# Converted, compared, and only then put into their places


def export(
    wanted: Sequence[Wanted], pythons: Mapping[str, Path]
) -> Iterator[tuple[Wanted, Answer]]:
    """Make exports, a process for all that can share one; keep those that pass the comparison.

    A record that says how it went is kept in either case.

    Args:
        wanted: the exports to be made.
        pythons: framework -> interpreter that compares its models, where that is not this one.
    """
    with tempfile.TemporaryDirectory(prefix=scratch_prefix()) as folder:
        drafts = {each.out: Path(folder) / f"{number}.onnx" for number, each in enumerate(wanted)}
        ask = partial(_ask, drafts=drafts, machine=hardware.observe())
        converted = []
        for members in grouped(wanted, lambda each: each.model.suffix):
            for each, answer in ask("convert", members, CONVERTERS[members[0].model.suffix]):
                if answer.failure is None:
                    converted.append(each)
                else:
                    yield each, answer
        for members in grouped(converted, _shared):
            framework = members[0].experiment.framework
            python = pythons.get(framework)
            for each, answer in ask("compare", members, framework, python=python):
                if answer.export is not None:
                    keep(each.out, answer.export, drafts[each.out])
                yield each, answer


def _shared(wanted: Wanted) -> tuple[object, ...]:
    """What models compared in the same process have in common."""
    return wanted.experiment.framework, wanted.experiment.threads, wanted.data_folder


def _ask(
    work: Literal["convert", "compare"],
    members: Sequence[Wanted],
    framework: str,
    *,
    drafts: Mapping[Path, Path],
    machine: Machine,
    python: Path | None = None,
) -> Iterator[tuple[Wanted, Answer]]:
    """Have a process do the work, in the environment of that framework."""
    first = members[0]
    request = ExportRequest(
        work=work,
        models=tuple(
            ModelFiles(model=str(wanted.model.resolve()), onnx=str(drafts[wanted.out]))
            for wanted in members
        ),
        machine=machine,
        data_folder=str(first.data_folder.resolve()),
        threads=first.experiment.threads,
    )
    answers = asking.answers(
        export_child.__name__,
        request,
        models=len(members),
        timeout_s=TIMEOUT_S,
        experiment=replace(first.experiment, framework=framework, replicas=1),
        python=python,
    )
    yield from zip(members, answers, strict=True)


def keep(out: Path, export: Export, draft: Path) -> None:
    """Put record and file into their places; a file that says otherwise than its model goes."""
    if export.passed:
        write_atomically(out, draft.read_bytes())
    else:
        out.unlink(missing_ok=True)
    save_export(out, export)


# How it went, in words


def in_words(model: Path, answer: Answer) -> str:
    """What became of one saved model, in lines."""
    export = answer.export
    if export is None:
        return f"{model.name}: not exported: {answer.failure}"
    verdict = "the same" if export.passed else "NOT THE SAME: the file is not kept"
    check = export.logits
    lines = [
        f"{model.name}: {verdict}",
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
    medians = ", ".join(f"{name} {1000 * seconds:.3g} ms" for name, seconds in times.items())
    return f"  a batch of {own.batch_size:,}, median: {medians}"


# A whole results folder


def export_all(
    results: Results,
    records: Sequence[Record],
    data: Mapping[tuple[str, str], Path],
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
        data: (task, source) -> folder of cached arrays; runs on others are left out.
        pythons: framework -> interpreter, where it is not this one.
    """
    wanted = list(missing(results, records, data))
    if not wanted:
        return
    try:
        require_packages()
    except UsageError as error:
        print(f"{error}; nothing is exported", file=sys.stderr)
        return
    for each, answer in export(wanted, pythons or {}):
        print(in_words(each.model, answer), file=sys.stderr)


def missing(
    results: Results, records: Sequence[Record], data: Mapping[tuple[str, str], Path]
) -> Iterator[Wanted]:
    """The exports that a results folder lacks: of saved models of seed 0 that can be exported.

    A model that has been trained again since its export is one of them.
    """
    for record in records:
        trained = record.experiment
        data_folder = data.get((trained.task, trained.source))
        model = asking.saved_model(results, record)
        asked_for = record.status == "ok" and trained.goal == "train" and record.seed == SEED
        if asked_for and data_folder and model.exists() and why_not(trained) is None:
            out = results.onnx_path(record.run_id)
            if not _is_made(model, out, results.export(record.run_id)):
                yield Wanted(model=model, out=out, experiment=trained, data_folder=data_folder)


def _is_made(model: Path, out: Path, earlier: Export | None) -> bool:
    try:
        if earlier is None or earlier.model_sha256 != sha256(model):
            return False
    except SavedModelError:
        return False  # who makes it says why it cannot be read
    return out.exists() or not earlier.passed
