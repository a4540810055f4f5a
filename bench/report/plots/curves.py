"""Curves: validation accuracy and loss of training, seed by seed; throughput by batch size."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import accumulate
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, by_contender, comparisons
from bench.report.plots import findings, layout, style
from bench.report.plots.layout import End
from bench.report.plots.style import Look, Plot
from bench.results.record import Measurement
from bench.stats import runs
from bench.stats.runs import Replicates

Curve = Sequence[tuple[float, float]]


def mean(curves: Sequence[Curve]) -> tuple[list[float], list[float]]:
    """The mean of the curves, point by point, as lists of x and of y.

    All seeds of an experiment are read at the same steps, so their points belong together.
    """
    x, y = np.mean(curves, axis=0).T.tolist()
    return x, y


def draw_mean(axes: Axes, curves: Sequence[Curve], look: Look, **line: Any) -> None:
    """The mean of the curves in this look; ``line``: what of it is to be drawn otherwise."""
    axes.plot(
        *mean(curves),
        color=look.colour,
        marker=look.marker,
        markevery=1 + len(curves[0]) // style.MARKERS,
        **{"linestyle": look.line, **line},
    )


def draw_seeds(axes: Axes, curves: Sequence[Curve], look: Look, label: str | None = None) -> None:
    """Each seed thin, their mean bold; seeds without points are left out, and so may be all.

    ``label``: in the legend; None: it is named elsewhere.
    """
    curves = [curve for curve in curves if curve]
    if not curves:
        return
    for curve in curves if len(curves) > 1 else ():
        axes.plot(*zip(*curve, strict=True), color=look.colour, linewidth=0.9, alpha=0.45)
    draw_mean(axes, curves, look, label=label)


def stretches(measurement: Measurement, epoch: int) -> Curve:
    """Epochs and mean loss of each stretch, at its middle: it is of a changing model.

    ``epoch``: its images.
    """
    ends = list(accumulate(segment.images for segment in measurement.segments))
    return [
        ((end - segment.images / 2) / epoch, segment.train_loss)
        for end, segment in zip(ends, measurement.segments, strict=True)
    ]


def evaluated(group: Replicates) -> list[Measurement]:
    """The measurements of the runs whose validation accuracy was read."""
    measurements = (record.measurement for record in group.measured)
    return [each for each in measurements if each and each.evaluations]


_panels = partial(
    comparisons, varying=FRAMEWORK, keep=lambda panel: any(map(evaluated, panel.groups))
)

# Validation accuracy over training seconds


def _draw_accuracy(axes: Axes, panel: Comparison) -> None:
    ends = []
    for group, look, label in style.series(panel.groups):
        curves = [
            [(read.train_s, 100 * read.accuracy) for read in measurement.evaluations]
            for measurement in evaluated(group)
        ]
        draw_seeds(axes, curves, look)
        if curves:
            ends.append(_end(mean(curves), look, label))
    style.time_axis(axes)
    axes.set_ylabel("validation accuracy (%)")
    axes.margins(y=0.12)  # the words on the highest target stay inside
    for target in panel.targets:
        axes.axhline(100 * target, color="0.35", linewidth=1, linestyle=(0, (4, 4)))
        style.write_beside(
            axes,
            f"target {wording.target(target)}",
            (0, 100 * target),
            (6, 3),
            xycoords=("axes fraction", "data"),
            color="0.25",
            fontsize=11,
        )
    layout.label_ends(axes, ends)


def _end(curve: tuple[Sequence[float], Sequence[float]], look: Look, label: str) -> End:
    x, y = curve
    return End(x=x[-1], y=y[-1], colour=look.colour, marker=look.marker, label=label)


def _accuracy_finding(panels: Sequence[Comparison]) -> str:
    """How far apart accuracies end, and times; of one framework alone where it ends."""
    told = [panel for panel in panels if len(_ends(panel)) > 1]
    if not told:
        alone = [(panel, end) for panel in panels for end in _ends(panel)]
        return "; ".join(
            f"{findings.names([panel], panels)} ends at {wording.number(percent)} % after "
            f"{wording.number(seconds)} s"
            for panel, (percent, seconds) in alone[:2]
        )
    points = [_apart(percent for percent, _ in _ends(panel)) for panel in told]
    times = [max(s for _, s in _ends(panel)) / min(s for _, s in _ends(panel)) for panel in told]
    return (
        f"Accuracies end within {wording.number(max(points), 2)} points of each other; "
        f"the time to get there differs {findings.span(times)} times"
    )


def _apart(values: Iterable[float]) -> float:
    listed = list(values)
    return max(listed) - min(listed)


def _ends(panel: Comparison) -> list[tuple[float, float]]:
    """The last validation accuracy (%) and its training seconds, a framework; means over seeds."""
    lasts = ([measured.evaluations[-1] for measured in evaluated(group)] for group in panel.groups)
    return [
        (100 * fmean(each.accuracy for each in last), fmean(each.train_s for each in last))
        for last in lasts
        if last
    ]


ACCURACY = Plot(
    name="accuracy",
    title="Validation accuracy over training time",
    caption=(
        "How fast each framework learns: further left is faster, higher is better. The time to "
        "read the validation set is not counted. With several seeds the thick line is their "
        "mean and each thin line is one seed. Each line is named at the height of its end."
    ),
    needs="a run with goal 'train' that ended well",
    panels=_panels,
    draw=_draw_accuracy,
    finding=_accuracy_finding,
    panels_a_page=2,
)


# Training and validation loss by epoch


def _read_often(panel: Comparison) -> bool:
    """Whether some run read the validation set more than once: one point is no curve."""
    return any(len(each.evaluations) > 1 for group in panel.groups for each in evaluated(group))


def _draw_loss(axes: Axes, panel: Comparison) -> None:
    epoch = panel.data.train_images
    for group, look, label in style.series(panel.groups):
        if measured := evaluated(group):
            validation = [_validation_loss(measurement, epoch) for measurement in measured]
            training = [stretches(measurement, epoch) for measurement in measured]
            draw_mean(axes, validation, look, linestyle="-", label=label)
            draw_mean(axes, training, look, linestyle=":", markersize=5, markerfacecolor="white")
    axes.set_yscale("log")
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("epochs")
    axes.set_ylabel("loss (cross-entropy, nats)")


def _validation_loss(measurement: Measurement, epoch: int) -> Curve:
    """Epochs, of so many images, and validation loss."""
    return [(read.images_seen / epoch, read.loss) for read in measurement.evaluations]


def _loss_finding(panels: Sequence[Comparison]) -> str:
    """Where the validation loss still falls at the end, and where it was lowest before."""
    told: dict[str, list[Comparison]] = {}
    for panel in panels:
        measured = [each for group in panel.groups for each in evaluated(group)]
        curves = [[read.loss for read in each.evaluations] for each in measured]
        means = np.mean([curve for curve in curves if len(curve) == len(curves[0])], axis=0)
        lowest = int(means.argmin())
        epoch = measured[0].evaluations[lowest].images_seen / panel.data.train_images
        whole = wording.counted(panel.experiment.epochs, "epoch")
        falls = lowest == len(means) - 1
        when = "still falls at the end" if falls else f"is lowest after {epoch:.3g} of {whole}"
        told.setdefault(when, []).append(panel)
    claims = [f"{when} with {findings.names(of, panels)}" for when, of in told.items()]
    if findings.fits(said := f"The validation loss {'; it '.join(claims)}"):
        return said
    falling = sum(len(of) for when, of in told.items() if when.startswith("still"))
    return f"The validation loss still falls at the end in {falling} of {len(panels)} panels"


LOSS = Plot(
    name="loss",
    title="Training and validation loss by epoch",
    caption=(
        "Solid: the validation loss. Dotted: the mean training loss of each stretch of training. "
        "The model changes during a stretch and drops units at random, so the training loss can "
        "lie above the validation loss. Where the solid line rises while the dotted one falls, "
        "the network overfits. With several seeds the lines are their means."
    ),
    needs="a run that read the validation set more than once",
    panels=partial(comparisons, varying=FRAMEWORK, keep=_read_often),
    draw=_draw_loss,
    finding=_loss_finding,
    notes=lambda _: ("Solid: validation. Dotted, hollow: training.",),
)


# Training throughput over batch size


def _has_sizes(panel: Comparison) -> bool:
    return len({group.experiment.batch_size for group in panel.measured}) > 1


def _draw_batch_size(axes: Axes, panel: Comparison) -> None:
    lines = by_contender(panel.measured)
    ends = []
    for (_, look, label), line in zip(style.series(line[0] for line in lines), lines, strict=True):
        if curve := _draw_sizes(axes, line, look):
            ends.append(_end(curve, look, label))
    axes.loglog()
    style.log_ticks(axes.yaxis)
    axes.xaxis.set_major_formatter(style.PLAIN)
    axes.xaxis.set_major_locator(FixedLocator(panel.values("batch_size")))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size (images a step, log scale)")
    axes.set_ylabel("training throughput\n(images/s, log scale)")
    layout.label_ends(axes, ends)


def _draw_sizes(
    axes: Axes, groups: Sequence[Replicates], look: Look
) -> tuple[list[float], list[float]] | None:
    """A point a batch size with its deviation, joined; None where none was measured."""
    points = [
        (float(group.experiment.batch_size), throughput)
        for group in groups
        if (throughput := group.summary(runs.throughput_images_per_s))
    ]
    if not points:
        return None
    sizes, means = [size for size, _ in points], [rate.mean for _, rate in points]
    axes.errorbar(
        sizes,
        means,
        # not-a-number draws no whisker: one run has no deviation
        yerr=[math.nan if rate.std is None else rate.std for _, rate in points],
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        capsize=5,
    )
    return sizes, means


BATCH_SIZE = Plot(
    name="batch-size",
    title="Training throughput over batch size",
    caption=(
        "Where a line rises, a larger batch keeps the device busier. Where it is flat, the "
        "device is as busy as it can be. Both axes are logarithmic: equal distances are equal "
        "factors. With several seeds a point is their mean, and its whisker their standard "
        "deviation. A mark without a line was measured at one batch size alone."
    ),
    needs="the same experiments at two or more batch sizes",
    panels=partial(comparisons, varying=(*FRAMEWORK, "batch_size"), keep=_has_sizes),
    draw=_draw_batch_size,
    finding=findings.batch_size,
    panels_a_page=2,
)
