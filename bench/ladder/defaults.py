"""``python -m bench ladder defaults``: every experiment becomes a ladder of its defaults."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.cli import Options
    from bench.plan import Plan

SEEDS = 3  # where none are asked for: a rung without an interval says little
DESCRIPTION = """\
What each of a framework's own defaults costs or gains. Every rung is an experiment: first
everything is made equal, then one default is restored at a time, then the framework's other
executions are tried, then all its defaults are restored together.
"""


def plan(options: Options) -> Plan:
    """The suite's plan with a ladder in place of each experiment that trains to the end.

    Raises as ``bench.plan.make_plan`` does.
    """
    # late: --help answers at once
    from bench.plan import make_plan
    from bench.presets import rungs

    planned = make_plan(
        replace(
            options,
            out=options.out or Path("results") / f"ladder-{datetime.now():%Y%m%d-%H%M%S}",
            seeds=options.seeds or SEEDS,
            # A stretch between two evaluations is what a framework's own shuffling sees.
            evaluations_per_epoch=options.evaluations_per_epoch or 1,
        )
    )
    trained = [experiment for experiment in planned.experiments if experiment.goal == "train"]
    unique = dict.fromkeys(rung for experiment in trained for rung in rungs(experiment))
    return replace(planned, experiments=tuple(unique))
