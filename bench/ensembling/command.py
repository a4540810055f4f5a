"""``python -m bench ensemble``: an ensemble's members trained at once, and one after the other.

    python -m bench ensemble                                  # 16 members, widths 64 and 128
    python -m bench ensemble --members 4,16,64 --rounds 20
    python -m bench ensemble --device cuda --out results/NAME # ensembling.json beside the records

Exit code 0 where all ways came to the same weights, 1 where not, or where PyTorch or its device is
missing; 2 for a mistake in the command line.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import UsageError, machine, versions
from bench.cli import DEVICES, one_of, whole, wholes
from bench.ensembling import timing, wording
from bench.evidence import EnsembleSetting, EnsembleTimes, Ensembling
from bench.plan import devices
from bench.progress import StageDisplay
from bench.record import Machine
from bench.results import Results, ResultsError
from bench.trainers import FRAMEWORKS, FrameworkMissing
from datasets import Stage
from models.members import HIDDEN, MEMBERS


def main(argv: Sequence[str]) -> int:
    """Measure every setting, print each as it comes, and return the exit code."""
    options = _parser().parse_args(argv)
    try:
        here = machine.observe()
        devices([options.device], here)
        results = None if options.out is None else Results(options.out)
        with nullcontext() if results is None else results.lock():
            timed = list(_measured(options))
            if results is not None:
                results.save_evidence(_record(timed, here))
    except (UsageError, ResultsError) as error:
        print(f"bench ensemble: error: {error}", file=sys.stderr)
        return 2
    except FrameworkMissing as error:
        print(f"bench ensemble: {error}", file=sys.stderr)
        return 1
    return 0 if all(map(wording.same_work, timed)) else 1


def _measured(options: argparse.Namespace) -> Iterator[EnsembleTimes]:
    axes = itertools.product(options.members, options.width, options.batch_size)
    for members, width, batch_size in axes:
        setting = EnsembleSetting(
            members=members,
            width=width,
            batch_size=batch_size,
            steps=options.steps,
            device=options.device,
        )
        stage = Stage(name=f"{members} of {width}", total=options.rounds, unit="rounds")
        with StageDisplay() as show:
            timed = timing.measure(setting, rounds=options.rounds, advanced=partial(show, stage))
        print("\n".join(wording.sentences(timed)), flush=True)
        yield timed


def _record(timed: Sequence[EnsembleTimes], here: Machine) -> Ensembling:
    return Ensembling(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=here,
        versions=versions.installed(FRAMEWORKS["pytorch"].packages),
        timed=tuple(timed),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench ensemble",
        description="Train the members of an ensemble at once and one after the other, and time "
        "both.",
    )
    for name, default, what in (
        ("members", MEMBERS, "networks in an ensemble"),
        ("width", (HIDDEN, 2 * HIDDEN), "hidden units of each"),
        ("batch-size", 128, "images a step"),
    ):
        given = default if isinstance(default, tuple) else (default,)
        parser.add_argument(
            f"--{name}",
            type=wholes,
            default=given,
            metavar="N",
            help=f"{what}; several with commas (default: {','.join(map(str, given))})",
        )
    for name, default, what in (
        ("steps", 100, "optimiser steps in a round"),
        ("rounds", 10, "how often each way is timed"),
    ):
        parser.add_argument(
            f"--{name}",
            type=whole,
            default=default,
            metavar="N",
            help=f"{what} (default: {default})",
        )
    parser.add_argument("--device", type=one_of("device", DEVICES), default="cpu")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="results folder to leave ensembling.json in"
    )
    return parser
