"""One trainer beside the referee: the checks of its certificate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from bench.certificate import Check
from bench.parity import referee, tolerances, trial
from bench.parity.deviation import deviation, largest
from bench.parity.sample import STEPS, Sample
from bench.parity.subject import Subject
from bench.parity.tolerances import Kind
from bench.parity.trial import Create, Observed, Start

STARTS = tuple(range(1, 10))  # seeds, in the order in which they are tried
DTYPES = (np.float32, np.float64)
JUDGED = 3  # starts that are held against a framework, of those that rounding does not decide


class NotFinite(Exception):
    """A quantity that is infinite or no number, and so cannot be compared."""


def examine(
    create: Create, subject: Subject, sample: Sample, *, starts: Sequence[int] = STARTS
) -> tuple[tuple[Check, ...], int]:
    """Put the trainers that ``create`` makes through the trial, and compare with the referee.

    Returns the checks, and from how many starts they are.

    Where a check does not pass, all is done again from another start, and the smaller deviation
    of each quantity is kept: now and then an input of a ReLU is so near zero that rounding alone
    decides whether it opens, and all that follows differs. A fault shows from every start. After
    ``JUDGED`` starts it is held against the framework; a start from which NumPy's own float32
    leaves its float64 does not count as one of them.

    Raises NotFinite, and whatever the trainer raises.
    """
    shapes = referee.shapes(subject.architecture, sample.classes)
    checks: tuple[Check, ...] = ()
    tried = judged = 0
    while tried < len(starts) and judged < JUDGED:
        start = trial.begin(subject, sample, shapes, starts[tried])
        again = _from_start(create, subject, sample, start)
        checks = tuple(map(_better, checks or again, again))
        tried += 1
        if all(check.passed for check in checks):
            break
        judged += not decided_by_rounding(subject, sample, start)
    return checks, tried


def _better(one: Check, other: Check) -> Check:
    return min(one, other, key=lambda check: check.deviation)


def decided_by_rounding(subject: Subject, sample: Sample, start: Start) -> bool:
    """Whether float32 alone parts losses from this start by more than is allowed."""
    return any(
        deviation(*(referee.losses(subject, recipe, sample, start, dtype) for dtype in DTYPES))
        > tolerances.of(_losses_kind(name), subject.precision).value
        for name, recipe in trial.OPTIMIZERS.items()
    )


def _losses_kind(optimizer: str) -> Kind:
    return "Adam's losses" if optimizer == "Adam" else "losses"


def _from_start(
    create: Create, subject: Subject, sample: Sample, start: Start
) -> tuple[Check, ...]:
    seen = trial.observe(create, subject, sample, start)
    wanted = referee.observe(subject, sample, start, gradients=seen.gradients)
    return tuple(
        _check(quantity, kind, apart, subject)
        for quantity, kind, apart in compare(seen, wanted, steps=STEPS)
    )


def compare(seen: Observed, wanted: Observed, *, steps: int) -> Iterator[tuple[str, Kind, float]]:
    """Every quantity: its name, its kind, and how far it is from the referee's.

    Arrays of weights are judged one by one, and the largest deviation is taken.
    """
    yield "logits at step 0", "logits", deviation(seen.logits, wanted.logits)
    yield "gradients at step 1", "gradients", largest(seen.gradients, wanted.gradients)
    for name, own in seen.trajectories.items():
        other = wanted.trajectories[name]
        yield f"first update by {name}", "update", largest(own.update, other.update)
        kind = _losses_kind(name)
        yield f"losses of {steps} steps by {name}", kind, deviation(own.losses, other.losses)
        yield (
            f"logits after {steps} steps by {name}",
            "trained logits",
            deviation(own.logits, other.logits),
        )


def _check(quantity: str, kind: Kind, apart: float, subject: Subject) -> Check:
    if not math.isfinite(apart):
        raise NotFinite(f"{quantity}: not a finite number")
    allowed = tolerances.of(kind, subject.precision)
    return Check(quantity=quantity, deviation=apart, tolerance=allowed.value, reason=allowed.reason)
