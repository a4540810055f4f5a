"""What a child process is told, and what it answers: a line of JSON each.

Whatever a framework prints there goes to standard error.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from bench import affinity
from bench.errors import UsageError
from bench.export_record import Export
from bench.record import Machine


@dataclass(frozen=True, kw_only=True)
class Job:
    """One model."""

    model: str  # the saved model's file
    onnx: str  # the exported one's, to be written or read


@dataclass(frozen=True, kw_only=True)
class Order:
    """All that one process is to do."""

    jobs: tuple[Job, ...]
    machine: Machine  # as the parent saw it
    data_folder: str  # of arrays cached by datasets.prepare; all jobs are of these
    threads: int | None = None  # as of Experiment.threads


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What became of one job."""

    failure: str | None = None  # why it was not done; None: it was
    export: Export | None = None  # of the process that compares


def serve(work: Callable[[Job, Order], Export | None]) -> int:
    """Do every job of the order on standard input; answer each as soon as it is done."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # prints of this process must not mix with the answers
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    affinity.limit(order.threads)  # before a framework is imported
    for job in order.jobs:
        out.write(msgspec.json.encode(_answer(work, job, order)) + b"\n")
    return 0


def _answer(work: Callable[[Job, Order], Export | None], job: Job, order: Order) -> Answer:
    try:
        return Answer(export=work(job, order))
    except UsageError as error:
        return Answer(failure=str(error))
    except Exception as error:  # noqa: BLE001 - whatever a framework raises is said of the model
        traceback.print_exc()
        said = str(error).strip().splitlines() or ["no message"]
        return Answer(failure=f"{type(error).__name__}: {said[0]}")
