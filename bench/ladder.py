"""``python -m bench ladder defaults``: what each framework's own defaults cost or gain.

    python -m bench ladder defaults                                # all frameworks, quick preset
    python -m bench ladder defaults --framework pytorch --architecture cnn --seeds 5
    python -m bench ladder defaults --out results/NAME --resume

Every rung is an experiment: first all is made equal, then one default is restored at a time,
then the framework's other executions are tried, then all its defaults are restored together.
Options, folder and exit codes are those of run_all.py.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bench import cli, native
from bench import plan as plans
from bench.cli import Options
from bench.errors import UsageError
from bench.experiment import Experiment
from bench.plan import Plan
from bench.results import ResultsError
from bench.suite import carry_out
from bench.trainers import FRAMEWORKS
from datasets import DataError

PROGRAM = ("python", "-m", "bench")
LADDERS = ("defaults",)
SEEDS = 3  # where none are asked for: a rung without an interval says little


def main(argv: Sequence[str]) -> int:
    """Plan, run and report the ladder; return the exit code."""
    if not argv or argv[0] not in (*LADDERS, "-h", "--help"):
        came = f"unknown ladder {argv[0]!r}" if argv else "which ladder?"
        print(f"bench ladder: error: {came}; choose from {', '.join(LADDERS)}", file=sys.stderr)
        return 2
    words = argv[1:] if argv[0] in LADDERS else argv
    options = cli.parse(words, f"python -m bench ladder {LADDERS[0]}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a polite end is like Ctrl-C
    try:
        planned = plan(options)
        if options.dry_run:
            print(plans.describe(planned))
            return 0
        return carry_out(planned, options, PROGRAM)
    except (UsageError, ResultsError, DataError) as error:
        print(f"bench ladder: error: {error}", file=sys.stderr)
    except OSError as error:  # a full disk, a folder that was taken away
        print(f"bench ladder: error: {error}; what was measured is kept", file=sys.stderr)
    return 2


def plan(options: Options) -> Plan:
    """The suite's plan with a ladder in place of each experiment that trains to the end.

    Raises as ``bench.plan.make_plan`` does, and UsageError for what a ladder itself varies.
    """
    _refuse(options)
    planned = plans.make_plan(
        replace(
            options,
            out=options.out or Path("results") / f"ladder-{datetime.now():%Y%m%d-%H%M%S}",
            seeds=options.seeds or SEEDS,
            # A stretch between two evaluations is what a framework's own shuffling sees.
            evaluations_per_epoch=options.evaluations_per_epoch or 1,
        )
    )
    trained = [one for one in planned.experiments if one.goal == "train"]
    found = dict.fromkeys(rung for experiment in trained for rung in rungs(experiment))
    return replace(planned, experiments=tuple(found))


def _refuse(options: Options) -> None:
    varied = {
        "--execution": options.executions is not None,
        "--init native": options.init != "matched",
        "--seeds auto": options.seeds == "auto",
    }
    given = [name for name, there in varied.items() if there]
    if given:
        raise UsageError(f"{given[0]}: a ladder sees to that itself; leave it out")


def rungs(matched: Experiment) -> Iterator[Experiment]:
    """The matched experiment, in its framework's default execution, and all rungs above it."""
    yield matched
    words = native.restorable(matched)
    for word in words:
        yield replace(matched, native=(word,))
    for execution in FRAMEWORKS[matched.framework].executions:
        if execution != matched.execution:
            yield replace(matched, execution=execution)
    if len(words) > 1:
        yield replace(matched, native=words)
