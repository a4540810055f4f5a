"""``python -m bench export MODEL``: a saved model as an ONNX file, compared and timed.

    python -m bench export results/NAME/models/RUN.safetensors
    python -m bench export RUN.keras --out RUN.onnx --data-dir DIR

Without --out a model of a results folder goes into the folder's exports/, any other beside itself.
The file is kept where it gives the logits that the model gives in its own framework, for every
test image of its task. The exit code is 0 then, 1 where it does not or could not be made, 2 where
it was asked wrongly.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import datasets
from bench import UsageError
from bench.cli import add_pythons
from bench.results.folder import Results, ResultsError, export_path
from bench.results.models import Card, SavedModelError, read_card
from bench.run.progress import StageDisplay
from bench.saved import exporting
from bench.saved.exporting import Wanted, export


def main(argv: Sequence[str]) -> int:
    """Export one model, print how it went, return the exit code."""
    options = _parser().parse_args(argv)
    try:
        wanted = _wanted(options)
        (outcome,) = export([wanted], options.pythons)
    except (UsageError, ResultsError, datasets.DataError) as error:
        print(f"bench export: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, a folder that may not be written to
        print(f"bench export: error: {error}", file=sys.stderr)
        return 1
    print(exporting.outcome_sentence(wanted.model, outcome.export, outcome.failure))
    if outcome.export is None or not outcome.export.passed:
        return 1
    print(f"written: {wanted.out}, and beside it {export_path(wanted.out).name}")
    return 0


def _wanted(options: argparse.Namespace) -> Wanted:
    """What is asked for; raises UsageError and DataError for what cannot be done."""
    card = read_card(options.model)
    reason = exporting.reason(card.record.experiment)
    if reason is not None:
        raise SavedModelError(f"{options.model} cannot be exported: {reason}")
    exporting.require_packages()
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
        data_folder=_data(card, options),
    )


def default_out(model: Path) -> Path:
    """Where an export goes by itself: exports/ of the model's results folder, or beside it."""
    folder = model.resolve().parent
    if folder.name == "models":
        return Results(folder.parent).onnx_path(model.stem)
    return model.with_suffix(".onnx")


def _data(card: Card, options: argparse.Namespace) -> Path:
    """The arrays of the model's task and source; drawn ones as many as its run had."""
    seen = card.record.data
    images = seen.train_images + seen.validation_images + seen.test_images
    with StageDisplay() as show:
        prepared = datasets.prepare(
            card.task,
            source=None if options.data_file else seen.source,
            data_dir=options.data_dir,
            data_file=options.data_file,
            glyphs_images=images + seen.duplicates_removed,
            progress=show,
        )
    return prepared.folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench export",
        description="Write a saved model as ONNX; compare and time it in ONNX Runtime.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .safetensors or .keras file")
    parser.add_argument("--out", type=Path, metavar="FILE.onnx", help="where to write it")
    parser.add_argument("--force", action="store_true", help="replace a file that is there already")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="search this folder first")
    parser.add_argument(
        "--data-file", type=Path, metavar="FILE", help="the user's own data that it was trained on"
    )
    add_pythons(parser)
    return parser
