"""One trainer beside the referee: the checks of its certificate."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from bench.evidence import Check
from bench.experiment import Precision
from bench.parity import referee, tolerances, trial
from bench.parity.deviation import deviation, largest
from bench.parity.sample import STEPS, Sample
from bench.parity.subject import Subject
from bench.parity.tolerances import Kind
from bench.parity.trial import Create, Observed, Start

STARTS = tuple(range(1, 10))  # seeds, in the order in which they are tried
JUDGED = 3  # starts that are held against a framework: rounding does not explain what failed there

# Starts near one by which rounding is judged, and how near they are: of what logits may be apart
# at step 0. In float32 that moves weights by 8 roundings, and the logits by the 9 to 15 by which
# frameworks' own are off; in a reduced precision, whose sums are exact, weights by one.
NEIGHBOURS = 4
NEARNESS = 2.0**-3


class NotFinite(Exception):
    """A quantity that is infinite or no number, and so cannot be compared."""


def examine(
    create: Create, subject: Subject, sample: Sample, *, starts: Sequence[int] = STARTS
) -> tuple[tuple[Check, ...], int]:
    """Put the trainers that ``create`` makes through the trial, and compare with the referee.

    Returns the checks, and from how many starts they are.

    Where a check does not pass, all is done again from another start, and the smaller deviation
    of each quantity is kept: now and then an input of a ReLU is so near zero that rounding alone
    decides whether it opens, and all that follows differs. A fault shows from every start, and
    after ``JUDGED`` starts it is held against the framework. Only those are counted at which
    rounding does not decide all that failed: see ``decided_by_rounding``.

    Raises NotFinite, and whatever the trainer raises.
    """
    shapes = referee.shapes(subject.architecture, sample.classes)
    checks: tuple[Check, ...] = ()
    tried = judged = 0
    while tried < len(starts) and judged < JUDGED:
        start = trial.begin(subject, sample, shapes, starts[tried])
        seen = trial.observe(create, subject, sample, start)
        referee_from = partial(referee.observe, subject, sample, gradients=seen.gradients)
        wanted = referee_from(start)
        again = _checks(seen, wanted, subject.precision)
        checks = tuple(map(_better, checks or again, again))
        tried += 1
        failed = _failed(checks)
        if not failed:
            break
        neighbours = _neighbours(referee_from, start, subject.precision)
        judged += not decided_by_rounding(failed, wanted, neighbours, subject.precision)
    return checks, tried


def _better(one: Check, other: Check) -> Check:
    return min(one, other, key=lambda check: check.deviation)


def _neighbours(
    referee_from: Callable[[Start], Observed], start: Start, precision: Precision
) -> Iterator[Observed]:
    """The referee from weights that are moved as little as rounding moves a framework's."""
    share = NEARNESS * tolerances.of("logits", precision).value
    for seed in range(NEIGHBOURS):
        yield referee_from(trial.moved(start, share, seed))


def decided_by_rounding(
    failed: frozenset[str], wanted: Observed, neighbours: Iterable[Observed], precision: Precision
) -> bool:
    """Whether every check that failed is failed by a neighbour of the referee too.

    The referee and its neighbours are float64, so the answer is the same on every processor and
    with every kernel of a BLAS, whatever rounds in the framework.
    """
    for neighbour in neighbours:
        failed -= _failed(_checks(neighbour, wanted, precision))
        if not failed:
            return True
    return False


def _failed(checks: tuple[Check, ...]) -> frozenset[str]:
    """The quantities whose checks do not pass."""
    return frozenset(check.quantity for check in checks if not check.passed)


def _checks(seen: Observed, wanted: Observed, precision: Precision) -> tuple[Check, ...]:
    return tuple(
        _check(quantity, kind, apart, precision)
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


def _check(quantity: str, kind: Kind, apart: float, precision: Precision) -> Check:
    if not math.isfinite(apart):
        raise NotFinite(f"{quantity}: not a finite number")
    allowed = tolerances.of(kind, precision)
    return Check(quantity=quantity, deviation=apart, tolerance=allowed.value, reason=allowed.reason)
