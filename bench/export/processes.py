"""Starts the child processes of an export; whatever becomes of one, every job has its answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench import children
from bench.experiment import Experiment
from bench.export.job import Answer, Order

TIMEOUT_S = 120.0  # for each model: some 10 s on two cores


def ask(
    module: str, order: Order, framework: str, experiment: Experiment, python: Path | None = None
) -> list[Answer]:
    """Have a new process do an order; one answer for each of its jobs, in their order.

    Args:
        module: to be run, such as 'bench.export.convert'.
        order: what it is told.
        framework: whose environment it gets; no GPU is seen there.
        experiment: of the first job, for what else its environment depends on.
        python: the interpreter; None for this one.
    """
    found = children.ask(
        module,
        order,
        Answer,
        experiment=replace(experiment, framework=framework, device="cpu"),
        python=python,
        limit_s=TIMEOUT_S * len(order.jobs),
    )
    missing = len(order.jobs) - len(found.answers)
    return found.answers + [Answer(failure=found.ended)] * missing
