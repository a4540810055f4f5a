"""Validation accuracy over training seconds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean

from matplotlib.axes import Axes

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.style import Look, Palette, Plot
from bench.results.record import Measurement
from bench.stats.runs import Replicates

# Curves of several seeds, and their mean.


Curve = Sequence[tuple[float, float]]


def mean(curves: Sequence[Curve]) -> tuple[list[float], list[float]]:
    """The mean of the curves, point by point, as lists of x and of y.

    All seeds of an experiment are read at the same steps, so their points belong together.
    """
    together = list(zip(*curves, strict=True))
    x = [fmean(point[0] for point in points) for points in together]
    y = [fmean(point[1] for point in points) for points in together]
    return x, y


def draw_seeds(axes: Axes, curves: Sequence[Curve], look: Look, label: str) -> None:
    """Each seed thin, their mean bold; seeds without points are left out, and so may be all."""
    curves = [curve for curve in curves if curve]
    if not curves:
        return
    for curve in curves if len(curves) > 1 else ():
        axes.plot(*zip(*curve, strict=True), color=look.colour, linewidth=0.9, alpha=0.45)
    axes.plot(
        *mean(curves),
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markevery=1 + len(curves[0]) // style.MARKERS,
        label=label,
    )


def _accuracy_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    return comparisons(groups, FRAMEWORK, keep=lambda found: any(map(_curves, found.groups)))


def _curves(group: Replicates) -> list[Curve]:
    """Training seconds and validation accuracy in percent, of each run that was evaluated."""
    found = (record.measurement.evaluations for record in group.measured if record.measurement)
    return [[(seen.train_s, 100 * seen.accuracy) for seen in run] for run in found if run]


def _draw_accuracy(axes: Axes, panel: Comparison, palette: Palette) -> None:
    for label, group in zip(wording.distinct_labels(panel.groups), panel.groups, strict=True):
        draw_seeds(axes, _curves(group), palette[wording.framework(group.experiment)], label)
    _accuracy_scales(axes, panel)


def _accuracy_scales(axes: Axes, panel: Comparison) -> None:
    axes.set_xscale("log")  # frameworks differ by factors, and a factor is a distance here
    style.log_ticks(axes.xaxis)
    axes.set_xlabel("training time (s, log scale)")
    axes.set_ylabel("validation accuracy (%)")
    axes.margins(y=0.12)  # the words on the highest target stay inside
    for target in panel.targets:
        axes.axhline(100 * target, color="0.35", linewidth=1, linestyle=(0, (4, 4)))
        axes.annotate(
            f"target {wording.target(target)}",
            (0, 100 * target),
            xycoords=("axes fraction", "data"),
            xytext=(6, 3),
            textcoords="offset points",
            color="0.25",
            fontsize=11,
        )


ACCURACY = Plot(
    name="accuracy",
    title="Validation accuracy over training time",
    caption=(
        "How soon each framework is how good: further left is faster, higher is better. Reading "
        "the validation set is not on this clock. With several seeds the thick line is their "
        "mean and each thin line is one seed."
    ),
    needs="a run with goal 'train' that ended well",
    panels=_accuracy_panels,
    draw=_draw_accuracy,
)


# Training and validation loss by epoch.


def _loss_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    return comparisons(groups, FRAMEWORK, keep=lambda found: any(map(_evaluated, found.groups)))


def _evaluated(group: Replicates) -> list[Measurement]:
    found = (record.measurement for record in group.measured if record.measurement)
    return [measurement for measurement in found if measurement.evaluations]


def _draw_loss(axes: Axes, panel: Comparison, palette: Palette) -> None:
    epoch = panel.data.train_images
    for label, group in zip(wording.distinct_labels(panel.groups), panel.groups, strict=True):
        look = palette[wording.framework(group.experiment)]
        measured = _evaluated(group)
        if measured:
            _line(axes, [_validation(m, epoch) for m in measured], look, label)
            _line(axes, [stretches(m, epoch) for m in measured], look, None)
    axes.set_yscale("log")
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("epochs")
    axes.set_ylabel("loss (cross-entropy, nats)")


def _validation(measurement: Measurement, epoch: int) -> Curve:
    """Epochs and validation loss."""
    return [(seen.images_seen / epoch, seen.loss) for seen in measurement.evaluations]


def stretches(measurement: Measurement, epoch: int) -> Curve:
    """Epochs and mean loss of each stretch, at its middle: it is of a changing model.

    ``epoch``: its images.
    """
    ends = list(accumulate(segment.images for segment in measurement.segments))
    return [
        ((end - segment.images / 2) / epoch, segment.train_loss)
        for end, segment in zip(ends, measurement.segments, strict=True)
    ]


def _line(axes: Axes, curves: Sequence[Curve], look: Look, label: str | None) -> None:
    """The mean of the seeds' curves: solid if it has a label, else dotted with hollow markers."""
    axes.plot(
        *mean(curves),
        color=look.colour,
        marker=look.marker,
        markersize=8 if label else 5,
        markerfacecolor=look.colour if label else "white",
        markevery=1 + len(curves[0]) // style.MARKERS,
        linestyle="-" if label else ":",
        label=label,
    )


LOSS = Plot(
    name="loss",
    title="Training and validation loss by epoch",
    caption=(
        "Solid: the validation loss. Dotted: the mean training loss of each stretch, of a model "
        "that changes and drops units at random, which is why it can lie above the validation "
        "loss. Where solid turns up while dotted falls, the network begins to learn by heart. "
        "With several seeds the lines are their means."
    ),
    needs="a run with goal 'train' that ended well",
    panels=_loss_panels,
    draw=_draw_loss,
    note=lambda _: "Solid: validation. Dotted, hollow: training.",
)
