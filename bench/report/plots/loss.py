"""Training and validation loss by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from matplotlib.axes import Axes

from bench.record import Measurement
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.curves import Curve, mean
from bench.report.plots.plot import Plot
from bench.report.plots.style import Look, Palette
from bench.run_statistics import Replicates


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    return comparisons(groups, FRAMEWORK, keep=lambda found: any(map(_evaluated, found.groups)))


def _evaluated(group: Replicates) -> list[Measurement]:
    found = (record.measurement for record in group.measured if record.measurement)
    return [measurement for measurement in found if measurement.evaluations]


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    epoch = panel.data.train_images
    for label, group in zip(wording.distinct_labels(panel.groups), panel.groups, strict=True):
        look = palette[wording.framework(group.experiment)]
        measured = _evaluated(group)
        if measured:
            _line(axes, [_validation(m, epoch) for m in measured], look, label)
            _line(axes, [_training(m, epoch) for m in measured], look, None)
    axes.set_yscale("log")
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("epochs")
    axes.set_ylabel("loss (cross-entropy, nats)")


def _validation(measurement: Measurement, epoch: int) -> Curve:
    """Epochs and validation loss."""
    return [(seen.images_seen / epoch, seen.loss) for seen in measurement.evaluations]


def _training(measurement: Measurement, epoch: int) -> Curve:
    """Epochs and mean loss of each stretch, at its middle: it is of a changing model."""
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


PLOT = Plot(
    name="loss",
    title="Training and validation loss by epoch",
    caption=(
        "Solid: the validation loss. Dotted: the mean training loss of each stretch, of a model "
        "that changes and drops units at random, which is why it can lie above the validation "
        "loss. Where solid turns up while dotted falls, the network begins to learn by heart. "
        "With several seeds the lines are their means."
    ),
    needs="a run with goal 'train' that ended well",
    panels=_panels,
    draw=_draw,
    note=lambda _: "Solid: validation. Dotted, hollow: training.",
)
