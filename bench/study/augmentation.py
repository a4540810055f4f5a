"""Augmentation: what training images distorted anew each epoch do to the accuracy on real ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.report import wording
from bench.report.comparison import comparisons
from bench.report.plots import style
from bench.report.plots.curves import draw_seeds
from bench.report.tables.differences import disagreement
from bench.report.tables.table import Table, fact_table
from bench.results.record import Record
from bench.stats import runs, verdict
from bench.stats.runs import Replicates
from bench.study import pictures, training
from bench.study.artifact import Artifact, Picture, Study, Tables, facts, known
from datasets.warping import augment

TITLE = "Augmentation"
NEEDS = "the same experiment with augmentation and without, at least one seed of both"

CLASSES_SHOWN, VERSIONS = 6, 8
LOOKS = style.LOOKS[1::-1]  # without and with it


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two experiments that differ in augmentation alone."""

    plain: Replicates
    augmented: Replicates

    @property
    def records(self) -> tuple[list[Record], list[Record]]:
        """Without and with it, of the seeds that ended well in both, in the same order."""
        plain, augmented = (
            {record.seed: record for record in training.evaluated(group.measured)}
            for group in (self.plain, self.augmented)
        )
        seeds = [seed for seed in augmented if seed in plain]
        return [plain[seed] for seed in seeds], [augmented[seed] for seed in seeds]

    @property
    def names(self) -> dict[str, str]:
        """The first columns of its rows."""
        experiment = self.plain.experiment
        return {
            "architecture": wording.architecture(experiment.architecture),
            "framework": wording.framework(experiment),
        }


def make(study: Study) -> Iterator[Artifact]:
    """Two pictures and two tables; nothing where no two experiments differ in it alone."""
    pairs = _pairs(study.groups)
    if not pairs:
        return
    yield _examples(study)
    yield _curves(study, pairs)
    yield _summary(study, pairs)
    yield _by_seed(study, pairs)


def finding(tables: Tables) -> str:
    """What each network gains by it on the test images, in points."""
    return " ".join(map(_gain, facts(tables, "augmentation_summary")))


def _gain(row: Mapping[str, Any]) -> str:
    without, with_ = (row[name] for name in ACCURACIES)
    if not known(row["difference_points"]):
        return ""
    low, high = row["interval_low_points"], row["interval_high_points"]
    interval = f", 95 % interval {low:+.2f} to {high:+.2f}" if known(low) else ""
    return (
        f"{row['architecture']} in {row['framework']}: test accuracy {wording.percent(without)} "
        f"without augmentation and {wording.percent(with_)} with it "
        f"({row['difference_points']:+.2f} points{interval})."
    )


def _pairs(groups: Sequence[Replicates]) -> list[Pair]:
    pairs = []
    for comparison in comparisons(groups, ("augmentation",)):
        by_use = {group.experiment.augmentation: group for group in comparison.groups}
        if len(by_use) == 2:
            pairs.append(Pair(plain=by_use[False], augmented=by_use[True]))
    return [pair for pair in pairs if any(pair.records)]


# What it does to an image


def _examples(study: Study) -> Picture:
    dataset = study.dataset
    rows = pictures.of_several_classes(dataset, CLASSES_SHOWN)
    images = dataset.train.images[rows]
    augmented = augment(np.repeat(images, VERSIONS, axis=0), np.random.default_rng(0))
    versions = augmented.reshape(len(rows), VERSIONS, *images.shape[1:])
    title = f"One image, and {VERSIONS} augmented versions of it: {study.subject}"
    figure = Figure(figsize=(style.WIDTH, style.HEIGHT), layout="constrained")
    grid = figure.subplots(len(rows), VERSIONS + 1, squeeze=False)
    for line, image, distorted, label in zip(
        grid, images, versions, dataset.train.labels[rows], strict=True
    ):
        for axes, picture in zip(line, (image, *distorted), strict=True):
            pictures.show(axes, picture)
        name = dataset.class_names[label]
        line[0].set_ylabel(name, rotation=0, fontsize=20, ha="right", va="center")
        line[0].spines[:].set(visible=True, color=LOOKS[1].colour, linewidth=4)
    grid[0, 0].set_title("as it is")
    grid[0, 1 + VERSIONS // 2].set_title("augmented")
    figure.suptitle(title, fontsize=20, fontweight="bold")
    return Picture(
        name="augmentation_examples",
        title=title,
        caption=(
            "On the left, framed, a training image of each of several classes; beside it what "
            "augmentation makes of it: a random shift, rotation, shear, scale and elastic "
            "distortion (Simard, Steinkraus and Platt, 2003), other ones for every image and "
            "every epoch. The ranges go only so far that a person still reads the same class."
        ),
        figure=figure,
    )


# With and without

ACCURACIES = ("test_accuracy_without", "test_accuracy_with")


def _curves(study: Study, pairs: Sequence[Pair]) -> Picture:
    figure, grid = style.page(len(pairs))
    for axes, pair in zip(grid, pairs, strict=True):
        for records, look, use in zip(pair.records, LOOKS, ("without", "with"), strict=True):
            curves = training.curves(records, training.validation_accuracy)
            draw_seeds(axes, curves, look, f"{use} augmentation")
        axes.set_ylabel("validation accuracy (%)")
        training.epoch_axis(axes)
        axes.set_title(", ".join(pair.names.values()))
    return pictures.chart(
        figure,
        wording.notices([pairs[0].plain.data]),
        name="augmentation_accuracy",
        title=f"Validation accuracy with and without augmentation: {study.subject}",
        caption=(
            "The validation images are never distorted. With augmentation no image is seen twice: "
            "the first epochs are harder, and overfitting sets in later. With several "
            "seeds the bold line is their mean and each thin line is one seed."
        ),
        main=True,
    )


def _summary(study: Study, pairs: Sequence[Pair]) -> Table:
    return fact_table(
        name="augmentation_summary",
        title=f"With and without augmentation: {study.subject}",
        explanation=(
            "Test accuracy, means over the seeds that both have, and the difference seed by seed, "
            "in percentage points, with its 95 % interval; one seed has none. Training seconds "
            "are of a whole run. Making the augmented images is off that clock, and its seconds "
            "stand apart."
        ),
        rows=map(_summary_row, pairs),
        formats={
            ".2%": ACCURACIES,
            "+.2f": ("difference_points", "interval_low_points", "interval_high_points"),
            ",.1f": ("train_s_without", "train_s_with", "augmentation_s"),
        },
    )


def _summary_row(pair: Pair) -> dict[str, object]:
    difference = verdict.difference(pair.augmented, pair.plain, runs.test_accuracy)
    interval = difference.interval if difference else None
    without, with_ = pair.records
    return {
        **pair.names,
        "seeds": len(without),
        "test_accuracy_without": _mean(map(runs.test_accuracy, without)),
        "test_accuracy_with": _mean(map(runs.test_accuracy, with_)),
        "difference_points": difference and 100 * difference.mean,
        "interval_low_points": interval and 100 * interval.low,
        "interval_high_points": interval and 100 * interval.high,
        "train_s_without": _mean(map(runs.train_s, without)),
        "train_s_with": _mean(map(runs.train_s, with_)),
        "augmentation_s": _mean(runs.phase_s(r, "augmentation_s") for r in with_),
    }


def _mean(values: Iterable[float | None]) -> float | None:
    summary = runs.summarize(values)
    return summary.mean if summary else None


def _by_seed(study: Study, pairs: Sequence[Pair]) -> Table:
    rows = [
        {**pair.names, "seed": plain.seed, **_seed_row(plain, augmented)}
        for pair in pairs
        for plain, augmented in zip(*pair.records, strict=True)
    ]
    return fact_table(
        name="augmentation_by_seed",
        title=f"With and without augmentation, seed by seed: {study.subject}",
        explanation=(
            "Two runs of the same seed begin from the same weights and see the images in the same "
            "order. Wrong without alone: test images that only the run without augmentation gets "
            "wrong. p is McNemar's, exact: how likely two networks that are equally good are to "
            "disagree so one-sidedly; it is of these two runs, not of the method."
        ),
        rows=rows,
        formats={
            ".2%": ACCURACIES,
            "+.2f": ("difference_points",),
            ",d": ("wrong_without_alone", "wrong_with_alone"),
            ".2g": ("p_mcnemar",),
        },
    )


def _seed_row(plain: Record, augmented: Record) -> dict[str, object]:
    without, with_ = runs.test_accuracy(plain), runs.test_accuracy(augmented)
    alone = disagreement(plain, augmented)
    return {
        "test_accuracy_without": without,
        "test_accuracy_with": with_,
        "difference_points": (
            None if without is None or with_ is None else 100 * (with_ - without)
        ),
        "wrong_without_alone": alone and alone.first_only,
        "wrong_with_alone": alone and alone.second_only,
        "p_mcnemar": alone and alone.p,
    }
