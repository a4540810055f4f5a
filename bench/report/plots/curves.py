"""Curves of training, seed by seed and their mean: validation accuracy, and loss."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.style import Look, Plot
from bench.results.record import Measurement
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


def draw_seeds(axes: Axes, curves: Sequence[Curve], look: Look, label: str) -> None:
    """Each seed thin, their mean bold; seeds without points are left out, and so may be all."""
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


def _evaluated(group: Replicates) -> list[Measurement]:
    """The measurements of the runs whose validation accuracy was read."""
    measurements = (record.measurement for record in group.measured)
    return [each for each in measurements if each and each.evaluations]


_panels = partial(
    comparisons, varying=FRAMEWORK, keep=lambda panel: any(map(_evaluated, panel.groups))
)

# Validation accuracy over training seconds


def _draw_accuracy(axes: Axes, panel: Comparison) -> None:
    for group, look, label in style.series(panel.groups):
        curves = [
            [(read.train_s, 100 * read.accuracy) for read in measurement.evaluations]
            for measurement in _evaluated(group)
        ]
        draw_seeds(axes, curves, look, label)
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


ACCURACY = Plot(
    name="accuracy",
    title="Validation accuracy over training time",
    caption=(
        "How fast each framework learns: further left is faster, higher is better. The time to "
        "read the validation set is not counted. With several seeds the thick line is their "
        "mean and each thin line is one seed."
    ),
    needs="a run with goal 'train' that ended well",
    panels=_panels,
    draw=_draw_accuracy,
)


# Training and validation loss by epoch


def _draw_loss(axes: Axes, panel: Comparison) -> None:
    epoch = panel.data.train_images
    for group, look, label in style.series(panel.groups):
        if measured := _evaluated(group):
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


LOSS = Plot(
    name="loss",
    title="Training and validation loss by epoch",
    caption=(
        "Solid: the validation loss. Dotted: the mean training loss of each stretch of training. "
        "The model changes during a stretch and drops units at random, so the training loss can "
        "lie above the validation loss. Where the solid line rises while the dotted one falls, "
        "the network overfits. With several seeds the lines are their means."
    ),
    needs="a run with goal 'train' that ended well",
    panels=_panels,
    draw=_draw_loss,
    note=lambda _: "Solid: validation. Dotted, hollow: training.",
)
