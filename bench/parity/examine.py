"""One trainer beside the referee: the checks of its certificate."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.certificate import Check
from bench.parity import referee, tolerances, trial
from bench.parity.deviation import deviation, largest
from bench.parity.sample import STEPS, Sample
from bench.parity.subject import Subject
from bench.parity.tolerances import Kind
from bench.parity.trial import Create, Observed

STARTS = (1, 2, 3)  # seeds; from the first the digits meet no such input


class NotFinite(Exception):
    """A quantity that is infinite or no number, and so cannot be compared."""


def examine(
    create: Create, subject: Subject, sample: Sample, *, starts: Sequence[int] = STARTS
) -> tuple[tuple[Check, ...], int]:
    """Put the trainers that ``create`` makes through the trial, and compare with the referee.

    Returns the checks, and from how many starts they are.

    Where a check does not pass, all is done again from another start, and the smaller deviation
    of each quantity is kept: now and then an input of a ReLU is so near zero that rounding alone
    decides whether it opens, and all that follows differs. A fault shows from every start.

    Raises NotFinite, and whatever the trainer raises.
    """
    checks, tried = _from_start(create, subject, sample, starts[0]), 1
    for seed in starts[1:]:
        if all(check.passed for check in checks):
            break
        tried += 1
        again = _from_start(create, subject, sample, seed)
        checks = tuple(
            min(pair, key=lambda check: check.deviation) for pair in zip(checks, again, strict=True)
        )
    return checks, tried


def _from_start(create: Create, subject: Subject, sample: Sample, seed: int) -> tuple[Check, ...]:
    shapes = referee.shapes(subject.architecture, sample.classes)
    start = trial.begin(subject, sample, shapes, seed)
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
        kind: Kind = "Adam's losses" if name == "Adam" else "losses"
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
