"""Ensembles: boosting, independent members, and one network of the same size.

``ensemble_tables`` sets them beside the single small MLP, ``ensemble_pictures`` shows accuracy
against training time and parameters, ``ensemble_growth`` against the number of members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from safetensors.numpy import load_file

import datasets
from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import Curve, mean
from bench.report.tables.differences import disagreement
from bench.results.evidence import EnsembleTimes, Ensembling, Way
from bench.results.folder import Results
from bench.results.record import Record
from bench.stats import runs, uncertainty, verdict
from bench.stats.runs import Replicates
from bench.stats.uncertainty import SIGNIFICANCE, holm
from bench.study.artifact import Picture, Sheet, Study
from bench.study.ensembling import FASTER_WAYS, speed_up
from models import members as models_members

# Ensembles against what they cost: training seconds, and parameters.


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
        if record.measurement and (accuracy := runs.test_accuracy(record)) is not None
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


# Accuracy against the number of members: of a saved ensemble's first member, first two, ...
#
# The members are read from the saved model and asked about the test images in NumPy.


GROWING = ("ensemble-mlp", "adaboost-mlp")
ALONE = ("mlp-small", "mlp-wide")  # shown as levels

Weights = Mapping[str, NDArray[np.float32]]


def pictures(
    groups: Sequence[Replicates], dataset: datasets.Dataset, results: Results
) -> Iterator[Picture]:
    """One picture, where a saved model of an ensemble is in the results folder."""
    curves = {
        label(group, groups): (group, found)
        for group in groups
        if group.experiment.architecture in GROWING and (found := _curves(group, dataset, results))
    }
    if curves:
        yield _picture(curves, groups)


def accuracies(
    weights: Weights, images: models_members.Array, labels: NDArray[np.integer]
) -> list[float]:
    """Of the first member alone, of the first two together, ... of all that are fitted.

    Independent members answer with the mean of their probabilities, boosted ones, whose weights
    have ``vote/alphas``, by weighted votes.

    Args:
        weights: in the neutral layout; see ``models.members``.
        images: (n, 28, 28) float32, normalised as in training.
        labels: (n,).
    """
    logits = models_members.logits(weights, images)
    if "vote/alphas" in weights:
        fitted = max(1, int(weights["vote/fitted"][0]))
        answers = models_members.weighted_votes(logits[:fitted], weights["vote/alphas"][:fitted])
    else:
        answers = models_members.mean_probabilities(logits)
    return [float(np.mean(answer.argmax(axis=1) == labels)) for answer in answers]


def _curves(
    group: Replicates, dataset: datasets.Dataset, results: Results
) -> list[list[tuple[float, float]]]:
    """Members and accuracy in percent, of each run whose saved model is there."""
    found = []
    for record in group.measured:
        path = results.model_path(record.run_id, ".safetensors")
        if path.exists():
            of_run = accuracies(load_file(path), _images(record, dataset), dataset.test.labels)
            found.append([(k + 1.0, 100 * accuracy) for k, accuracy in enumerate(of_run)])
    return found


def _images(record: Record, dataset: datasets.Dataset) -> models_members.Array:
    """The test images as that run normalised them."""
    data = record.data
    return datasets.normalise(dataset.test.images, mean=data.pixel_mean, std=data.pixel_std)


def _picture(
    curves: Mapping[str, tuple[Replicates, list[list[tuple[float, float]]]]],
    groups: Sequence[Replicates],
) -> Picture:
    title = f"Accuracy against members: {wording.images(groups[0].data)}"
    with style.applied():
        figure, (axes,) = style.page(1)
        for name, (group, of_runs) in curves.items():
            _line(axes, of_runs, LOOKS[group.experiment.architecture], name)
        for group in groups:
            if group.experiment.architecture in ALONE:
                _level(axes, group, label(group, groups))
        axes.set(xlabel="members", ylabel="test accuracy (%)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        style.frame(figure, (axes,), title, notes(groups))
    return Picture(
        name="ensembles_members",
        title=title,
        caption=(
            "Test accuracy of the first member, of the first two together, and so on to the whole "
            "of the saved model: independent members with averaged probabilities, boosted ones by "
            "weighted votes. Thick: the mean over the seeds; thin: each seed. The levels without "
            "a mark are networks that are one: a single small MLP, and one as large as all "
            "members together. Each member of the ensemble had all epochs; the boosted members "
            "share them, so that the first of them is trained less than the single network."
        ),
        figure=figure,
    )


def _line(
    axes: Axes, of_runs: Sequence[Sequence[tuple[float, float]]], look: style.Look, name: str
) -> None:
    for curve in of_runs if len(of_runs) > 1 else ():
        axes.plot(*zip(*curve, strict=True), color=look.colour, linewidth=0.9, alpha=0.45)
    shortest = min(map(len, of_runs))  # a run may have been best before its last member
    x, y = mean([curve[:shortest] for curve in of_runs])
    axes.plot(x, y, color=look.colour, marker=look.marker, linestyle=look.line, label=name)


def _level(axes: Axes, group: Replicates, name: str) -> None:
    look = LOOKS[group.experiment.architecture]
    found = [a for record in group.measured if (a := runs.test_accuracy(record)) is not None]
    axes.axhline(100 * fmean(found), color=look.colour, linestyle=look.line, label=name)


# Ensembles in tables: beside the single small MLP, error by error, and how fast they train.


SINGLE = "mlp-small"
# What two networks should have in common to be set beside one another, the weightier first.
ALIKE = ("device", "augmentation", "validation_share", "batch_size", "epochs", "optimizer")


def networks(groups: Sequence[Replicates]) -> Sheet:
    """A row a network: its size, its training, its accuracy, and what it gains on the single."""
    return Sheet(
        name="ensembles",
        title=f"Ensembles beside a single network: {wording.images(groups[0].data)}",
        caption=(
            "Test accuracy of the checkpoint with the lowest validation loss: mean over the seeds "
            "with its 95 % interval, which one seed does not have. Gain: test accuracy less that "
            "of the single small MLP with the same seed, paired, with its interval. The boosted "
            "members share the epochs out, every independent member has all of them. Training "
            "seconds are of all optimiser steps."
        ),
        frame=pd.DataFrame([_network(group, single_for(group, groups)) for group in groups]),
        formats={
            "batch_size": ",d",
            "epochs": "g",
            "epochs_a_member": "g",
            "parameters": ",d",
            "train_s": ",.1f",
            **dict.fromkeys(("test_accuracy", "accuracy_low", "accuracy_high"), ".2%"),
            **dict.fromkeys(("gain", "gain_low", "gain_high"), "+.2%"),
        },
    )


def single_for(group: Replicates, groups: Sequence[Replicates]) -> Replicates | None:
    """The single small MLP that has most in common with a group; None where there is none."""
    singles = [one for one in groups if one.experiment.architecture == SINGLE]
    return max(singles, key=lambda one: _alike(one, group), default=None)


def _alike(one: Replicates, other: Replicates) -> tuple[bool, ...]:
    pair = (one.experiment, other.experiment)
    return tuple(getattr(pair[0], name) == getattr(pair[1], name) for name in ALIKE)


def members(record: Record) -> int:
    """How many networks a run trained; 1 where its settings name no number."""
    return int(record.settings.get("members", "1"))


def _network(group: Replicates, single: Replicates | None) -> dict[str, object]:
    one, first = group.experiment, group.measured[0]
    accuracies = [a for record in group.measured if (a := runs.test_accuracy(record)) is not None]
    accuracy, train_s = group.summary(runs.test_accuracy), group.summary(runs.train_s)
    known = uncertainty.of_mean(accuracies)
    compared = single if single is not group else None
    gain = compared and verdict.difference(group, compared, runs.test_accuracy)
    gained = gain.interval if gain else None
    return {
        "network": wording.architecture(one.architecture),
        "device": wording.device(one.device),
        "batch_size": one.batch_size,
        "epochs": one.epochs,
        "augmented": "yes" if one.augmentation else "no",
        "members": members(first),
        "epochs_a_member": float(first.settings.get("epochs a member", one.epochs)),
        "parameters": first.measurement.parameter_count if first.measurement else None,
        "seeds": len(group.measured),
        "train_s": train_s and train_s.mean,
        "test_accuracy": accuracy and accuracy.mean,
        "accuracy_low": known and max(known.low, 0.0),
        "accuracy_high": known and min(known.high, 1.0),
        "gain": gain and gain.mean,
        "gain_low": gained and gained.low,
        "gain_high": gained and gained.high,
    }


def errors(groups: Sequence[Replicates]) -> Iterator[Sheet]:
    """A row a network and seed: images that it or the single small MLP alone gets wrong."""
    rows = [row for group in groups for row in _errors(group, single_for(group, groups))]
    if not rows:
        return
    frame = pd.DataFrame(rows)
    frame["p_holm"] = holm(frame["p"].tolist())
    told = frame["p_holm"] < SIGNIFICANCE
    fewer = frame["single_only_wrong"] > frame["network_only_wrong"]
    frame["verdict"] = [
        ("fewer errors" if less else "more errors") if sure else "not told apart"
        for sure, less in zip(told, fewer, strict=True)
    ]
    yield Sheet(
        name="ensembles_errors",
        title=f"Errors of ensembles and of a single network: {wording.images(groups[0].data)}",
        caption=(
            "Test images that the network alone, or the single small MLP of the same seed alone, "
            "gets wrong. p is McNemar's, exact; p Holm is corrected for all rows of the table."
        ),
        frame=frame,
        formats={"batch_size": ",d", "epochs": "g", "p": ".2g", "p_holm": ".2g"},
    )


def _errors(group: Replicates, single: Replicates | None) -> Iterator[dict[str, object]]:
    if single is None or single is group:
        return
    singles = {record.seed: record for record in single.measured}
    for record in group.measured:
        seen = disagreement(record, singles[record.seed]) if record.seed in singles else None
        if seen is not None:
            yield {
                "network": wording.architecture(group.experiment.architecture),
                "batch_size": group.experiment.batch_size,
                "epochs": group.experiment.epochs,
                "seed": record.seed,
                "network_only_wrong": seen.first_only,
                "single_only_wrong": seen.second_only,
                "p": seen.p,
            }


def at_once(measured: Ensembling) -> Sheet:
    """A row a setting and way of training the members."""
    return Sheet(
        name="ensembles_at_once",
        title="Members trained at once and one after the other",
        caption=(
            "The same optimiser steps (Adam) of the same members on the same batches: one member "
            "after the other, by torch.func.vmap, and as batched products, which is how the "
            "ensemble is trained. Milliseconds of a step of all members, median of the rounds; "
            "how many times as fast as one after the other, geometric mean of the rounds' ratios "
            "with its 95 % interval; and how far the weights are from those trained one after "
            f"the other, as a share of how far they moved. {measured.machine.cpu}, "
            f"{measured.machine.cores} cores."
        ),
        frame=pd.DataFrame([_way(t, arm.way) for t in measured.timed for arm in t.arms]),
        formats={
            "batch_size": ",d",
            "step_ms": ",.3f",
            **dict.fromkeys(("times_as_fast", "low", "high"), ".2f"),
            "deviation": ".0e",
        },
    )


def _way(timed: EnsembleTimes, way: Way) -> dict[str, object]:
    one, arm = timed.setting, timed.arm(way)
    faster = speed_up(timed, way) if way in FASTER_WAYS else None
    known = faster.interval if faster else None
    return {
        "way": way,
        "device": wording.device(one.device),
        "threads": timed.threads,
        "members": one.members,
        "hidden": one.width,
        "batch_size": one.batch_size,
        "rounds": len(arm.rounds_s),
        "step_ms": 1000 * median(arm.rounds_s) / one.steps,
        "times_as_fast": faster and faster.ratio,
        "low": known and known.low,
        "high": known and known.high,
        "deviation": arm.deviation,
    }


TITLE = "Ensembles"
NEEDS = "a run of architecture mlp-small, mlp-wide, ensemble-mlp or adaboost-mlp"

FRAMEWORK = "pytorch"  # the only one that has them all
OWN = ("mlp-small", "mlp-wide", "ensemble-mlp", "adaboost-mlp")
SHOWN = ("mlp", *OWN)


def make(study: Study) -> Iterator[Picture | Sheet]:
    """The tables, then the pictures; nothing where no network of this part ended well."""
    groups = [
        group
        for group in study.groups
        if group.measured
        and group.experiment.framework == FRAMEWORK
        and group.experiment.architecture in SHOWN
    ]
    if not any(group.experiment.architecture in OWN for group in groups):
        return
    groups.sort(key=lambda group: SHOWN.index(group.experiment.architecture))
    yield networks(groups)
    yield from errors(groups)
    yield against_cost(groups)
    yield from pictures(groups, study.dataset, study.results)
    timed = study.results.ensembling()
    if timed is not None:
        yield at_once(timed)
