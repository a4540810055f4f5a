"""What may be said of a rung, from the climbs it left: figures, intervals, whether it is entered.

A gain is a ratio of paired seeds, as everywhere (``bench.stats.verdict``): seconds of the rung
below over its own, of the same seed, run one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, geometric_mean

from bench.ladder.records import Climb, Measured, latest
from bench.ladder.rungs import LADDERS, SEEDS
from bench.stats import uncertainty
from bench.stats.uncertainty import Interval
from bench.stats.verdict import Paired, compare_arms

LEVEL = 0.01  # of the mean test accuracy, one-sided
IMAGES = {"digits": 50_000}  # for training; of other tasks all there are
BESIDE_S = 1200.0  # what started farther apart did not run side by side
PUBLISHED = "rung_00_published"
ENTERED = "entered"

Seconds = Callable[[Measured], float]


def train_s(measured: Measured) -> float:
    """On the training clock."""
    return measured.train_s


def process_s(measured: Measured) -> float:
    """From the start of the process to the weights."""
    return measured.process_s


def empty_s(measured: Measured) -> float:
    """The same from empty caches."""
    return measured.process_s if measured.empty_s is None else measured.empty_s


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One rung, and those of its climbs that count."""

    climbs: tuple[Climb, ...]  # sound, by seed; at least one climb of either kind
    unsound: tuple[Climb, ...]  # with a problem
    former: Standing | None  # the rung below, where it was climbed beside it
    published: Standing | None  # the published recipe, in the same folder

    @property
    def any(self) -> Climb:
        """One of them, for what all have in common."""
        return (*self.climbs, *self.unsound)[0]

    @property
    def measured(self) -> list[Measured]:
        """What was measured, by seed."""
        return [climb.measured for climb in self.climbs if climb.measured]

    def seconds(self, clock: Seconds) -> tuple[float, Interval | None] | None:
        """Geometric mean over the seeds, and its interval; None of none."""
        values = [clock(measured) for measured in self.measured]
        return (geometric_mean(values), uncertainty.of_ratio(values)) if values else None

    def gain(self, over: Standing | None, clock: Seconds = train_s) -> Paired | None:
        """How many times as fast as another, by seeds that ran side by side; None without any."""
        theirs = {climb.seed: climb for climb in over.climbs} if over else {}
        pairs = [
            (clock(other.measured), clock(climb.measured))
            for climb in self.climbs
            if (other := theirs.get(climb.seed)) is not None
            and _seconds_apart(climb, other) <= BESIDE_S
            and other.measured
            and climb.measured
        ]
        return compare_arms(*map(list, zip(*pairs, strict=True))) if pairs else None

    @property
    def validation(self) -> float | None:
        """Mean accuracy on validation."""
        found = [measured.validation_accuracy for measured in self.measured]
        return fmean(found) if found else None

    @property
    def tests(self) -> list[float]:
        """Accuracy on the test images, by seed; empty where they stayed sealed."""
        found = [climb.test_accuracy for climb in self.climbs]
        return [] if None in found else [accuracy for accuracy in found if accuracy is not None]

    @property
    def p(self) -> float | None:
        """That the mean test accuracy is not above the target; None of fewer than two seeds."""
        return uncertainty.one_sided_t(self.tests, self.target) if self.tests else None

    @property
    def target(self) -> float:
        """Of its ladder."""
        return LADDERS[self.any.ladder][1]

    @property
    def verdict(self) -> str:
        """'entered', or why not."""
        return next(self._hindrances(), ENTERED)

    def _hindrances(self) -> Iterator[str]:
        climb = self.any
        if self.unsound:
            yield f"does not count: {self.unsound[0].problems[0]}"
        if not self.tests:
            yield "on validation, not entered"
            return
        if len(self.tests) < SEEDS:
            yield f"{len(self.tests)} of {SEEDS} seeds: shown, not entered"
        wanted = IMAGES.get(climb.data.task)
        if climb.data.drawn or (wanted and climb.data.train_images != wanted):
            yield f"{climb.data.train_images:,} images of {climb.data.source}: not entered"
        p, mean = self.p, fmean(self.tests)
        if mean < self.target or p is None or p >= LEVEL:
            yield f"not shown to be at {100 * self.target:g} %: not entered"
        if climb.former and (self.former is None or self.gain(self.former) is None):
            yield f"{climb.former} did not run beside it: not entered"


def standings(climbs: Sequence[Climb]) -> list[Standing]:
    """Every rung of every ladder, framework and device, the lowest first."""
    groups: dict[tuple[str, ...], list[Climb]] = {}
    for climb in sorted(latest(climbs), key=lambda climb: (_ladder(climb), climb.rung, climb.seed)):
        groups.setdefault((*_ladder(climb), climb.rung), []).append(climb)
    found: dict[tuple[str, ...], Standing] = {}
    for key, members in groups.items():
        former, stood_on = members[0].former, members[0].former_sha256
        below = found.get((*key[:-1], former)) if former else None
        if below and stood_on not in (None, below.any.source_sha256):
            below = None  # it was changed and measured again since
        found[key] = Standing(
            climbs=tuple(climb for climb in members if climb.measured and not climb.problems),
            unsound=tuple(climb for climb in members if climb.problems),
            former=below,
            published=None if members[0].rung == PUBLISHED else found.get((*key[:-1], PUBLISHED)),
        )
    return list(found.values())


def ladders(climbs: Sequence[Climb]) -> list[list[Standing]]:
    """The rungs of each ladder, framework and device together."""
    grouped: dict[tuple[str, ...], list[Standing]] = {}
    for standing in standings(climbs):
        grouped.setdefault(_ladder(standing.any), []).append(standing)
    return list(grouped.values())


def record(rungs: Sequence[Standing]) -> Standing | None:
    """The fastest that is entered; None where none is."""
    entered = [rung for rung in rungs if rung.verdict == ENTERED]
    return min(entered, key=lambda rung: (rung.seconds(train_s) or (0.0, None))[0], default=None)


def _seconds_apart(climb: Climb, other: Climb) -> float:
    begun = (datetime.fromisoformat(each.started_at) for each in (climb, other))
    return abs(next(begun) - next(begun)).total_seconds()


def _ladder(climb: Climb) -> tuple[str, str, str]:
    return climb.ladder, climb.framework, climb.device
