"""Lessons on measuring: what a clock, a second run, a decimal and a choice are worth."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from bench.report import wording
from bench.report.comparison import FRAMEWORK, comparisons, only
from bench.report.lessons.lesson import (
    PRESET,
    PRESET_ON_GPU,
    USUAL_BATCH,
    Lesson,
    Measured,
    Textbook,
    Truth,
    mean_of,
    not_measured,
    question,
)
from bench.report.tables.differences import disagreement
from bench.results.evidence import Arms
from bench.results.record import Record
from bench.stats import runs, uncertainty, verdict
from bench.stats.runs import Replicates
from bench.stats.uncertainty import Interval

SPLITS = 200  # of the images into those that choose and those that judge
Z = 1.96  # deviations of a normal distribution within which 95 % lie


def clock(folder: Measured) -> Lesson:
    """The clock that does not wait."""
    arms = _arms(folder)
    injected = _share(arms, fmean(arms.injected_s)) if arms and arms.injected_s else 5.0
    return Lesson(
        id="clock",
        title="The clock that does not wait",
        explanation=(
            "A call that gives a GPU its work returns when the work is given, not when it is done. "
            "Read then, a clock has timed the giving. So the device is waited for before every "
            "reading. That a clock is right is not believed but tried: a delay of known size is "
            "put into a run, and has to be found."
        ),
        questions=(
            question(
                "clock",
                "A GPU trains on the same images while two clocks run: one is read when the call "
                "returns, the other when the GPU has done the work. How many times as long is what "
                "the second shows?",
                Textbook(
                    low=0.9,
                    high=1.1,
                    says="A clock is read before and after; what lies between is the time it took.",
                ),
                _unsynchronised(folder),
                why="The call gives the GPU its work and returns; the GPU goes on alone.",
                missing=not_measured(
                    PRESET_ON_GPU,
                    "On a CPU the work is done when PyTorch's call returns. On a machine with a "
                    "GPU",
                ),
            ),
            question(
                "clock-again",
                f"Before the suite a training run was held up on purpose, by {injected:.1f} % of "
                "its time. How many percent longer does the clock say that it took?",
                Textbook(low=0.8 * injected, high=1.2 * injected, says="What was put in."),
                _delay(arms),
                why="Something else held the runs up as well, or a clock misreads.",
                unit="%",
                logarithmic=False,
            ),
        ),
    )


def noise(folder: Measured) -> Lesson:
    """The same run twice."""
    arms = _arms(folder)
    twice = _twice(arms)
    typical, rounds = (twice.value, len(arms.a_s)) if twice and arms else (1.0, 5)
    return Lesson(
        id="noise",
        title="The same run twice",
        explanation=(
            "The same program on the same machine with the same numbers takes another time each "
            "time: clocks change, caches lie otherwise, others want the processor. One run of each "
            "of two programs therefore says little of which is faster. How far equals differ is "
            "the noise floor; only what is larger can be told from luck."
        ),
        questions=(
            question(
                "noise",
                "The very same training, twice: same machine, program, images and seed. By how "
                "many percent does the slower one take longer than the faster, on average?",
                Textbook(low=0, high=1, says="The same work takes the same time."),
                twice,
                why="The runs are short, and other programs and the processor's clock are not "
                "still.",
                unit="%",
                logarithmic=False,
            ),
            question(
                "noise-again",
                f"Both ran {rounds} times in turn. Their mean times differ too. From how many "
                "percent on could you be 95 % sure that a difference between two programs is not "
                "noise?",
                Textbook(
                    low=typical / math.sqrt(rounds),
                    high=2 * typical,
                    says=f"The mean of {rounds} is √{rounds} times as steady as one run; but how "
                    "noisy they are is itself only guessed from so few.",
                ),
                _floor(arms),
                unit="%",
                logarithmic=False,
            ),
        ),
    )


def accuracy(folder: Measured) -> Lesson:
    """97.5 or 97.4 %."""
    groups = _tested(folder)
    first = groups[0] if groups else None
    mean = first.summary(runs.test_accuracy) if first else None
    images = first.data.test_images if first else 0
    shown = wording.percent(mean.mean) if mean else "97.4 %"
    reach = 100 * Z * math.sqrt(mean.mean * (1 - mean.mean) / images) if mean else 0.3
    return Lesson(
        id="accuracy",
        title="97.5 or 97.4 %",
        explanation=(
            "An accuracy is a share of the images that happened to be in the test set. Other "
            "images of the same kind would have given another share, and the interval says how "
            "far off. Two networks on the same images are compared by the images on which one "
            "alone errs (McNemar 1947): only they tell."
        ),
        questions=(
            question(
                "accuracy",
                f"An MLP gets {shown} of {images or 10_000:,} test images right. Of all such "
                "images there could be, it gets as many right, give or take how many percentage "
                "points (with 95 % confidence)?",
                Textbook(
                    low=0.8 * reach,
                    high=1.25 * reach,
                    says="1.96 √(p (1 - p) / n), p being the share and n the images.",
                ),
                _reach(first),
                unit="points",
                missing=not_measured(PRESET, "It needs runs that were tested"),
            ),
            question(
                "accuracy-again",
                "Two frameworks train the same MLP: same start, same batches. On how many of the "
                f"{images or 10_000:,} test images does one of the two networks err and the other "
                "not?",
                Textbook(
                    low=0,
                    high=0.002 * (images or 10_000),
                    says="The same network from the same start: hardly any, but for rounding.",
                ),
                _disagreements(groups),
                why="Rounding differs, each step hands it on to the next, and dropout's masks are "
                "each framework's own: the networks are as good, and not the same.",
                unit="images",
                missing=not_measured(PRESET, "It needs tested runs of two frameworks"),
            ),
        ),
    )


def tuned(folder: Measured) -> Lesson:
    """Tuned on the test set."""
    records = [record for group in _tested(folder) for record in group.measured]
    right = _right(records)
    half, tenth = (_optimism(right, part) for part in (2, 10))
    models, images = right.shape if right is not None else (12, 10_000)
    most = [_luck(right, part) if right is not None else 0.5 for part in (2, 10)]
    says = (
        "The best of many is partly lucky. If {} networks erred independently and were all as good "
        "as each other, it would seem up to {} points better than it is."
    )
    return Lesson(
        id="tuned",
        title="Tuned on the test set",
        explanation=(
            "Whoever chooses by images and then reports by the same images reports the luck too. "
            "The luck is not there the next time. So there are three sets: one to train, one to "
            "choose, one to report, and that is opened once. Here the answers that are in the "
            f"records were split at random, {SPLITS} times; nothing was chosen by it."
        ),
        questions=(
            question(
                "tuned",
                f"Of {models} equal networks (frameworks and seeds) the one is taken that is best "
                f"on half of {images:,} images. How many percentage points of its lead over the "
                "average are gone on the other half?",
                Textbook(low=0, high=most[0], says=says.format(models, f"{most[0]:.2f}")),
                half,
                unit="points",
                logarithmic=False,
                missing=not_measured(PRESET, "It needs three tested networks at least"),
            ),
            question(
                "tuned-again",
                "And if it is chosen by a tenth of the images, and judged by the rest?",
                Textbook(low=0, high=most[1], says=says.format(models, f"{most[1]:.2f}")),
                tenth,
                unit="points",
                logarithmic=False,
                missing=not_measured(PRESET, "It needs three tested networks at least"),
            ),
        ),
    )


# Clock and noise


def _arms(folder: Measured) -> Arms | None:
    """The audit's runs of one experiment on the device."""
    return folder.audit.arms_on(folder.device) if folder.audit else None


def _unsynchronised(folder: Measured) -> Truth | None:
    """How much longer the work takes than a clock says that does not wait for it."""
    for each in folder.audit.unsynchronised if folder.audit else ():
        if each.false_s and each.true_s:
            return Truth(
                value=each.true_s / each.false_s,
                interval=None,
                evidence=f"{wording.device(each.device)}: {wording.number(1000 * each.false_s)} ms "
                f"when the call returned, {wording.number(1000 * each.true_s)} ms when the work "
                "was done, medians of stretches in turn.",
            )
    return None


def _share(arms: Arms, seconds: float) -> float:
    """Seconds as percent of what a run of the equal arms took."""
    return 100 * seconds / fmean((*arms.a_s, *arms.same_s))


def _delay(arms: Arms | None) -> Truth | None:
    """What was found of the injected delay, in percent of a run."""
    if arms is None or not arms.delayed_s:
        return None
    delay = verdict.delay_found(arms)
    return Truth(
        value=_share(arms, delay.found_s),
        interval=delay.interval
        and Interval(low=_share(arms, delay.interval.low), high=_share(arms, delay.interval.high)),
        evidence=f"{1000 * delay.injected_s:.0f} ms were put in and {1000 * delay.found_s:.0f} ms "
        f"found, mean of {wording.counted(len(arms.delayed_s), 'round')}.",
    )


def _twice(arms: Arms | None) -> Truth | None:
    """By how many percent the slower of two equal runs is slower, on average."""
    if arms is None:
        return None
    pairs = list(zip(arms.a_s, arms.same_s, strict=True))
    return mean_of(
        [100 * (max(pair) / min(pair) - 1) for pair in pairs],
        f"{wording.counted(len(pairs), 'pair')} of runs of {wording.framework(arms.experiment)} "
        f"that train about {wording.number(fmean(arms.a_s), 2)} s, each in a process of its own.",
    )


def _floor(arms: Arms | None) -> Truth | None:
    """The noise floor in percent."""
    floor = verdict.noise_floor(arms) if arms else None
    if arms is None or floor is None:
        return None
    paired = verdict.compare_arms(arms.same_s, arms.a_s)
    ratio = wording.estimate(paired.ratio, paired.interval)
    return Truth(
        value=100 * floor,
        interval=None,
        evidence=f"The mean ratio of the two was {ratio}; the "
        "end of its 95 % interval that is farthest from 1 is the noise floor.",
    )


# Accuracy


def _tested(folder: Measured) -> list[Replicates]:
    """The frameworks whose MLPs were tested, alike in all else; may be none."""
    mlps = only(
        folder.groups,
        goal="train",
        architecture="mlp",
        batch_size=USUAL_BATCH,
        device=folder.device,
        precision="fp32",
        threads=None,
        native=(),
    )
    tested = [group for group in mlps if group.summary(runs.test_accuracy)]
    compared = comparisons(tested, FRAMEWORK)
    widest = max(compared, key=lambda each: len(each.groups), default=None)
    groups = list(widest.groups) if widest else []
    return only(groups, framework=folder.framework) + [
        group for group in groups if group.experiment.framework != folder.framework
    ]


def _reach(group: Replicates | None) -> Truth | None:
    """How far Wilson's interval reaches to either side, in points."""
    mean = group.summary(runs.test_accuracy) if group else None
    images = group.data.test_images if group else 0
    interval = uncertainty.wilson(mean.mean * images, images) if mean else None
    if group is None or mean is None or interval is None:
        return None
    return Truth(
        value=50 * (interval.high - interval.low),
        interval=None,
        evidence=f"{wording.percent(mean.mean)} "
        f"{wording.bounds(interval, scale=100)} (Wilson's interval) for {images:,} images, "
        f"{wording.images(group.data)}, {wording.framework(group.experiment)}.",
    )


def _disagreements(groups: Sequence[Replicates]) -> Truth | None:
    """On how many images one of two frameworks' networks alone errs, seed by seed."""
    if len(groups) < 2:
        return None
    first, second = groups[:2]
    others = {record.seed: record for record in second.measured}
    apart = [
        found
        for record in first.measured
        if record.seed in others and (found := disagreement(record, others[record.seed]))
    ]
    names = " and ".join(wording.framework(group.experiment) for group in (first, second))
    told = sum(p < uncertainty.SIGNIFICANCE for p in uncertainty.holm([a.p for a in apart]))
    each = ", ".join(f"{a.first_only} and {a.second_only}" for a in apart)
    return mean_of(
        [float(a.first_only + a.second_only) for a in apart],
        f"{names}; images on which the first and the second alone err, seed by seed: {each}. "
        f"McNemar's test tells {told or 'none'} of {wording.counted(len(apart), 'pair')} apart.",
    )


# Choosing by the images that one reports by

Right = NDArray[np.float64]  # (networks, images), 1 where the network is right


def _right(records: Iterable[Record]) -> Right | None:
    """Of the records that name their wrong images; None of fewer than three."""
    tests = [r.measurement.test for r in records if r.measurement and r.measurement.test]
    named = [(test.wrong, test.images) for test in tests if test.wrong is not None]
    if len(named) < 3 or len({images for _, images in named}) > 1:
        return None
    right = np.ones((len(named), named[0][1]))
    for row, (wrong, _) in zip(right, named, strict=True):
        row[list(wrong)] = 0
    return right


def _optimism(right: Right | None, part: int) -> Truth | None:
    """What of the best network's lead is gone on other images, in percentage points.

    ``part``: 2 where half of the images choose, 10 where a tenth does; the others judge.
    """
    if right is None:
        return None
    models, images = right.shape
    random = np.random.default_rng(0)
    chosen_by = images // part
    gone = []
    for _ in range(SPLITS):
        order = random.permutation(images)
        networks = random.permutation(models)  # of equals the first is taken
        seen = right[np.ix_(networks, order[:chosen_by])].mean(axis=1)
        later = right[np.ix_(networks, order[chosen_by:])].mean(axis=1)
        best = seen.argmax()
        gone.append(100 * ((seen[best] - seen.mean()) - (later[best] - later.mean())))
    low, high = np.quantile(gone, [0.025, 0.975])
    return Truth(
        value=fmean(gone),
        interval=Interval(low=float(low), high=float(high)),
        evidence=f"{models} networks, {images:,} test images, {SPLITS} random splits: the mean. "
        "The line is no interval of the mean but holds the middle 95 % of the splits.",
    )


def _luck(right: Right, part: int) -> float:
    """What it would be of independent errors, in points: E[max of N] deviations of a share.

    The largest of N normal values is on average below √(2 ln N) deviations.
    """
    models, images = right.shape
    share = float(right.mean())
    return 100 * math.sqrt(2 * math.log(models) * share * (1 - share) * part / images)
