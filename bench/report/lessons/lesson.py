"""What a lesson is, how a folder's runs answer it, and how the answer stands to the textbook.

Pure functions over records and evidence. What a folder has not measured has no truth, and a
sentence says which command measures it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean
from typing import Any

from bench.experiment import Goal
from bench.report import wording
from bench.report.comparison import only
from bench.results.evidence import Audit, Ensembling
from bench.stats import runs, uncertainty, verdict
from bench.stats.runs import Replicates, Statistic
from bench.stats.uncertainty import Interval
from bench.trainers import FRAMEWORKS

PRESET = "python run_all.py --preset lessons"
PRESET_ON_GPU = f"{PRESET} --device cpu,cuda"
USUAL_BATCH = 128
GOALS: tuple[Goal, ...] = ("throughput", "train")  # where speed is asked for, in this order


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What this machine's runs answer."""

    value: float
    interval: Interval | None  # of 95 %; None where the runs give none
    evidence: str  # what was measured: sentences


@dataclass(frozen=True, kw_only=True)
class Textbook:
    """What a reader of textbooks would expect."""

    low: float
    high: float
    says: str  # and why: a sentence


@dataclass(frozen=True, kw_only=True)
class Question:
    """A number is asked for, as a range, before the truth is shown."""

    id: str
    asked: str
    unit: str  # of the number, such as 'times' or '%'
    logarithmic: bool  # whether the picture's axis is: ratios are alike there, up and down
    truth: Truth | None
    missing: str  # why there is no truth, and what measures it; empty where there is one
    textbook: Textbook
    agrees: bool | None  # whether the truth meets the textbook; None: there is none
    beside: str  # the same in words, and if it does not why; empty without a truth


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A misconception, asked about twice."""

    id: str
    title: str
    questions: tuple[Question, Question]  # the second asks whether what was learned carries over
    explanation: str  # shown after the first


def question(
    id: str,
    asked: str,
    textbook: Textbook,
    truth: Truth | None,
    *,
    why: str = "",
    missing: str = "",
    unit: str = "times",
    logarithmic: bool = True,
) -> Question:
    """A question whose parts fit together.

    Args:
        id: unique among all questions.
        asked: the question.
        textbook: what is expected.
        truth: what was measured; None: it was not.
        why: what the records show of the reason, where this machine differs.
        missing: what has to be measured, where it was not.
        unit, logarithmic: as of ``Question``.
    """
    agrees = None if truth is None else _meets(truth, textbook)
    return Question(
        id=id,
        asked=asked,
        unit=unit,
        logarithmic=logarithmic,
        truth=truth,
        missing="" if truth else missing or not_measured(),
        textbook=textbook,
        agrees=agrees,
        beside="" if truth is None or agrees is None else _beside(truth, textbook, agrees, why),
    )


def not_measured(command: str = PRESET, why: str = "This folder has not measured it") -> str:
    """Why there is no truth, and the command that measures it."""
    return f"{why}: {command}"


def _meets(truth: Truth, textbook: Textbook) -> bool:
    """Whether the interval, or without one the value, meets what the textbook expects."""
    low, high = truth.value, truth.value
    if truth.interval:
        low, high = truth.interval.low, truth.interval.high
    return low <= textbook.high and high >= textbook.low


def _beside(truth: Truth, textbook: Textbook, agrees: bool, why: str) -> str:
    if agrees:
        return "This machine agrees with the textbook."
    where = "above" if truth.value > textbook.high else "below"
    return f"This machine disagrees: its figure is {where} what the textbook expects. {why}".strip()


# A folder's runs


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The runs of one machine on one task's images, and what lies beside them."""

    groups: tuple[Replicates, ...]  # that ended well; may be none
    elsewhere: tuple[Replicates, ...]  # of the same machine on another task's images
    ensembling: Ensembling | None  # of the same machine

    @property
    def device(self) -> str:
        """On which most lessons are answered: the CPU, where it was measured."""
        devices = [group.experiment.device for group in self.groups]
        return "cpu" if "cpu" in devices or not devices else devices[0]

    @property
    def accelerator(self) -> str | None:
        """The first device that is not the CPU; None: there was none."""
        devices = (group.experiment.device for group in self.groups)
        return next((device for device in devices if device != "cpu"), None)

    @property
    def framework(self) -> str:
        """By which most lessons are answered: PyTorch, where it was measured."""
        names = [group.experiment.framework for group in self.groups]
        return "pytorch" if "pytorch" in names or not names else names[0]

    @property
    def audit(self) -> Audit | None:
        """The audit, if it is of this machine."""
        audit = self.groups[0].evidence.audit if self.groups else None
        return audit if audit and runs.host(audit.machine) == self.groups[0].host else None

    def find(self, goal: Goal, *, elsewhere: bool = False, **wanted: Any) -> Replicates | None:
        """The runs with these values of the experiment; what is not named is the usual.

        ``elsewhere``: on the other task's images.
        """
        framework = FRAMEWORKS[wanted.setdefault("framework", self.framework)]
        device = wanted.setdefault("device", self.device)
        usual = {
            "goal": goal,
            "architecture": "mlp",
            "execution": framework.default_execution(device),
            "batch_size": USUAL_BATCH,
            "precision": "fp32",
            "threads": None,
            "native": (),
            "augmentation": False,
        }
        found = only(self.elsewhere if elsewhere else self.groups, **usual | wanted)
        return found[0] if found else None

    def pair(
        self, first: dict[str, Any], second: dict[str, Any]
    ) -> tuple[Replicates, Replicates] | None:
        """The runs of both, alike in goal where they can be; None where one of them is missing."""
        alike_first = sorted(product(GOALS, GOALS), key=lambda goals: goals[0] != goals[1])
        for goal, other_goal in alike_first:
            one, other = self.find(goal, **first), self.find(other_goal, **second)
            if one and other and one.data.fingerprint == other.data.fingerprint:
                return one, other
        return None


def measured(groups: Iterable[Replicates], ensembling: Ensembling | None) -> Measured:
    """The machine with most runs, and there the task with most: the digits, where they are."""
    ended = [g for g in groups if g.measured and g.experiment.framework in FRAMEWORKS]
    if not ended:
        return Measured(groups=(), elsewhere=(), ensembling=None)
    host = Counter(group.host for group in ended).most_common(1)[0][0]
    here = [group for group in ended if group.host == host]
    of_task = only(here, task="digits") or here
    images = Counter(group.data.fingerprint for group in of_task).most_common(1)[0][0]
    own = ensembling if ensembling and runs.host(ensembling.machine) == host else None
    task = next(g.experiment.task for g in of_task if g.data.fingerprint == images)
    return Measured(
        groups=tuple(group for group in here if group.data.fingerprint == images),
        elsewhere=tuple(group for group in here if group.experiment.task != task),
        ensembling=own,
    )


# Truths


def times(
    pair: tuple[Replicates, Replicates] | None,
    names: Sequence[str],
    statistic: Statistic = runs.throughput_images_per_s,
    unit: str = "images/s",
) -> Truth | None:
    """The first's over the second's, seed by seed; None without a pair.

    ``names``: of both, for the evidence.
    """
    paired = verdict.compare(*pair, statistic) if pair else None
    if pair is None or paired is None:
        return None
    each = "; ".join(
        f"{name}: {wording.spread(group.summary(statistic), unit=unit)}"
        for name, group in zip(names, pair, strict=True)
    )
    pairs = wording.counted(paired.n, "paired seed")
    return Truth(
        value=paired.ratio,
        interval=paired.interval,
        evidence=" ".join((f"{each}; {pairs}.", *doubts(pair))),
    )


def mean_of(values: Sequence[float], evidence: str) -> Truth | None:
    """The mean of several values with its interval; None of none."""
    if not values:
        return None
    return Truth(value=fmean(values), interval=uncertainty.of_mean(values), evidence=evidence)


def doubts(groups: Iterable[Replicates]) -> Iterator[str]:
    """What makes the figures worth less: one seed, and other programs at work."""
    listed = list(groups)
    if any(len(group.measured) == 1 for group in listed):
        yield "One run has no interval: --seeds 3 gives one."
    if any(group.disturbed for group in listed):
        yield "Other programs disturbed some of these runs: measure again when nothing else runs."


def as_expected(truth: Truth | None, says: str, slack: float = 1.25) -> Textbook:
    """The textbook expects what was found elsewhere, within a factor; 1 where it was not."""
    value = truth.value if truth else 1.0
    return Textbook(low=value / slack, high=value * slack, says=says)
