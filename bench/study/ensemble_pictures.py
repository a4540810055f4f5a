"""Ensembles against what they cost: training seconds, and parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from matplotlib.axes import Axes

from bench import run_statistics as stats
from bench.record import Record
from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import Curve, mean
from bench.run_statistics import Replicates
from bench.study.artifact import Picture

# The same look for a network in all pictures of this part.
LOOKS: Mapping[str, style.Look] = dict(
    zip(("mlp-small", "ensemble-mlp", "mlp-wide", "adaboost-mlp", "mlp"), style.LOOKS, strict=False)
)
# From this share of its last value on a curve is shown: the first epochs would flatten the rest.
SHOWN_FROM = 0.9


def against_cost(groups: Sequence[Replicates]) -> Picture:
    """Validation accuracy against training seconds; test accuracy against parameters."""
    title = f"What ensembles cost: {wording.images(groups[0].data)}"
    with style.applied():
        figure, (seconds, parameters) = style.page(2)
        for group in groups:
            _over_seconds(seconds, group, label(group, groups))
            _over_parameters(parameters, group)
        _finish(seconds, parameters)
        style.frame(figure, (seconds, parameters), title, notes(groups))
    return Picture(
        name="ensembles_cost",
        title=title,
        caption=(
            "Left: validation accuracy after every stretch against the seconds of training so "
            "far, mean over the seeds; values below 90 % of the last one are left out. The "
            "boosted network's accuracy changes only where a member is finished. Right: test "
            "accuracy of the best checkpoint against trainable parameters, a small mark a run and "
            "a large one their mean. Both horizontal axes are logarithmic."
        ),
        figure=figure,
    )


def label(group: Replicates, groups: Sequence[Replicates]) -> str:
    """The network's name, with what tells it from others of that name where there are any."""
    one = group.experiment
    name = wording.architecture(one.architecture)
    namesakes = [g for g in groups if g.experiment.architecture == one.architecture]
    if len(namesakes) == 1:
        return name
    told = wording.conditions(one, ("device", "batch_size", "epochs", "augmentation"))
    return f"{name}, {told}"


def notes(groups: Sequence[Replicates]) -> list[str]:
    """What stands below the title of every picture of this part."""
    seeds = sorted({record.seed for group in groups for record in group.measured})
    said = f"Seeds {', '.join(map(str, seeds))}." if len(seeds) > 1 else f"Seed {seeds[0]}, alone."
    return [*wording.notices(group.data for group in groups), f"PyTorch. {said}"]


def _over_seconds(axes: Axes, group: Replicates, name: str) -> None:
    look = LOOKS[group.experiment.architecture]
    curves = [_validation(record) for record in group.measured]
    x, y = mean(curves)
    shown = [point for point in zip(x, y, strict=True) if point[1] >= SHOWN_FROM * y[-1]]
    axes.plot(
        *zip(*shown, strict=True),
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markevery=1 + len(shown) // style.MARKERS,
        label=name,
    )


def _validation(record: Record) -> Curve:
    """Training seconds and validation accuracy in percent."""
    evaluations = record.measurement.evaluations if record.measurement else ()
    return [(seen.train_s, 100 * seen.accuracy) for seen in evaluations]


def _over_parameters(axes: Axes, group: Replicates) -> None:
    look = LOOKS[group.experiment.architecture]
    points = [
        (record.measurement.parameter_count, 100 * accuracy)
        for record in group.measured
        if record.measurement and (accuracy := stats.test_accuracy(record)) is not None
    ]
    centre = (fmean(x for x, _ in points), fmean(y for _, y in points))
    axes.plot(*zip(*points, strict=True), look.marker, color=look.colour, alpha=0.5, markersize=6)
    axes.plot(
        *centre,
        look.marker,
        color=look.colour,
        markersize=15,
        markeredgecolor="black",
        markeredgewidth=1,
    )


def _finish(seconds: Axes, parameters: Axes) -> None:
    seconds.set(
        xscale="log",
        xlabel="training time (seconds)",
        ylabel="validation accuracy (%)",
        title="Against training time",
    )
    parameters.set(
        xscale="log",
        xlabel="trainable parameters",
        ylabel="test accuracy (%)",
        title="Against size",
    )
    parameters.margins(x=0.15)
    for axes in (seconds, parameters):
        style.log_ticks(axes.xaxis)
    parameters.xaxis.set_major_formatter("{x:,.0f}")  # a million in full
