"""Curves of learning, by epoch: read from records, and drawn seed by seed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.record import Evaluation, Record
from bench.report.plots import style
from bench.report.plots.curves import Curve, mean
from bench.report.plots.style import Look

Reading = Callable[[Evaluation], float | None]


def evaluated(records: Sequence[Record]) -> list[Record]:
    """Those that ended well and read the validation set."""
    return [one for one in records if one.measurement and one.measurement.evaluations]


def evaluations(record: Record) -> tuple[Evaluation, ...]:
    """Of a record; none where the run did not end well."""
    return record.measurement.evaluations if record.measurement else ()


def curves(records: Sequence[Record], reading: Reading) -> list[Curve]:
    """A curve a record."""
    return [curve(record, reading) for record in records]


def curve(record: Record, reading: Reading) -> Curve:
    """Epochs and what was read at each evaluation; empty where any lacks it."""
    points = [(epoch(record, seen), reading(seen)) for seen in evaluations(record)]
    known = [(x, y) for x, y in points if y is not None]
    return known if len(known) == len(points) else []


def stretches(record: Record) -> Curve:
    """Epochs at the middle of each stretch of training, and its mean loss.

    At the middle, since it is a mean over a network that changes meanwhile.
    """
    segments = record.measurement.segments if record.measurement else ()
    ends = accumulate(segment.images for segment in segments)
    return [
        ((end - segment.images / 2) / record.data.train_images, segment.train_loss)
        for end, segment in zip(ends, segments, strict=True)
    ]


def epoch(record: Record, seen: Evaluation) -> float:
    """Epochs trained when an evaluation was made."""
    return seen.images_seen / record.data.train_images


def best(record: Record) -> Evaluation | None:
    """The evaluation whose weights were kept and tested: the lowest validation loss."""
    test = record.measurement.test if record.measurement else None
    return evaluations(record)[test.evaluation] if test else None


def draw(axes: Axes, curves: Sequence[Curve], look: Look, label: str) -> None:
    """Each seed thin, their mean bold; nothing of no curves."""
    listed = [one for one in curves if one]
    if not listed:
        return
    for one in listed if len(listed) > 1 else ():
        axes.plot(*zip(*one, strict=True), color=look.colour, linewidth=0.9, alpha=0.5)
    axes.plot(
        *mean(listed),
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markevery=1 + len(listed[0]) // style.MARKERS,
        label=label,
    )


def epochs(axes: Axes) -> None:
    """The horizontal axis: whole epochs, unless there are only parts of one."""
    axes.set_xlabel("epochs")
    if axes.get_xlim()[1] > 2:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def mark_best(axes: Axes, records: Sequence[Record], reading: Reading) -> None:
    """A star where each seed's checkpoint was kept."""
    kept = [(record, seen) for record in records if (seen := best(record))]
    values = [reading(seen) for _, seen in kept]
    if not kept or None in values:
        return
    axes.plot(
        [epoch(record, seen) for record, seen in kept],
        values,  # type: ignore[arg-type]  # none of them is None
        linestyle="none",
        marker="*",
        markersize=19,
        color="white",
        markeredgecolor="black",
        label="kept checkpoint: the lowest validation loss",
        zorder=5,
    )
