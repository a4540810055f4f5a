"""Ensembles: boosting, independent members, and one network of the same size.

Tables set them beside the single small MLP; pictures show accuracy against training time, against
parameters, and against the number of members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean, median
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from safetensors.numpy import load_file

import datasets
from bench.report import wording
from bench.report.plots import style
from bench.report.plots.curves import Curve, draw_mean, mean
from bench.report.tables.differences import disagreement
from bench.report.tables.table import Table, fact_table
from bench.results.evidence import EnsembleTimes, Ensembling, Way
from bench.results.record import Record
from bench.stats import runs, uncertainty, verdict
from bench.stats.runs import Replicates
from bench.stats.uncertainty import SIGNIFICANCE, holm
from bench.stats.verdict import Paired, compare_arms
from bench.study.artifact import (
    Artifact,
    Picture,
    Study,
    Tables,
    facts,
    known,
    seeds_sentence,
)
from bench.study.pictures import chart
from models import members

TITLE = "Ensembles"
NEEDS = "a run of architecture mlp-small, mlp-wide, ensemble-mlp or adaboost-mlp"

FRAMEWORK = "pytorch"  # the only one that has them all
OTHER, SINGLE = "mlp", "mlp-small"  # the MLP is shown beside the networks of this part
# The networks in the order of the tables, and the look of each in all pictures of this part.
LOOKS: Mapping[str, style.Look] = {
    OTHER: style.LOOKS[4],
    SINGLE: style.LOOKS[0],
    "mlp-wide": style.LOOKS[2],
    "ensemble-mlp": style.LOOKS[1],
    "adaboost-mlp": style.LOOKS[3],
}
GROWING = ("ensemble-mlp", "adaboost-mlp")  # shown member by member
ALONE = ("mlp-small", "mlp-wide")  # shown beside them as levels


def make(study: Study) -> Iterator[Artifact]:
    """The tables, then the pictures; nothing where no network of this part ended well."""
    groups = [
        group
        for group in study.groups
        if group.measured
        and group.experiment.framework == FRAMEWORK
        and group.experiment.architecture in LOOKS
    ]
    if all(group.experiment.architecture == OTHER for group in groups):
        return
    groups.sort(key=lambda group: list(LOOKS).index(group.experiment.architecture))
    yield _networks(study, groups)
    yield from _errors(study, groups)
    yield _against_cost(study, groups)
    yield from _against_members(study, groups)
    timed = study.results.ensembling()
    if timed is not None:
        yield _at_once(timed)


def finding(tables: Tables) -> str:
    """What each network gains on the single small MLP, and how much sooner members are trained."""
    gains = [row for row in facts(tables, "ensembles") if known(row["gain"])]
    batched = [
        row["times_as_fast"]
        for row in facts(tables, "ensembles_at_once")
        if row["way"] == "batched"
    ]
    sentences = []
    if gains:
        listed = "; ".join(map(_gained, gains))
        sentences.append(f"Test accuracy beside the single small MLP: {listed}.")
    if batched:
        least, most = (wording.number(pick(batched)) for pick in (min, max))
        times = least if least == most else f"{least} to {most}"
        sentences.append(
            f"As batched products members train {times} times as fast as one after the other."
        )
    return " ".join(sentences)


def _gained(row: Mapping[str, Any]) -> str:
    low, high = row["gain_low"], row["gain_high"]
    interval = f" (95 % interval {100 * low:+.2f} to {100 * high:+.2f})" if known(low) else ""
    augmented = ", augmented," if row["augmented"] == "yes" else ""
    return f"{row['network']}{augmented} {100 * row['gain']:+.2f} points{interval}"


def _accuracies(group: Replicates) -> list[float]:
    """Test accuracy of each run that has one."""
    return [a for record in group.measured if (a := runs.test_accuracy(record)) is not None]


# Tables: beside the single small MLP, error by error, and how fast members train

# What two networks should have in common to be set beside one another, the weightier first.
ALIKE = ("device", "augmentation", "validation_share", "batch_size", "epochs", "optimizer")


def _networks(study: Study, groups: Sequence[Replicates]) -> Table:
    """A row a network: its size, its training, its accuracy, and what it gains on the single."""
    return fact_table(
        name="ensembles",
        title=f"Ensembles beside a single network: {study.subject}",
        explanation=(
            "Test accuracy of the checkpoint with the lowest validation loss: mean over the seeds "
            "with its 95 % interval; one seed has none. Gain: test accuracy less that of the "
            "single small MLP with the same seed, paired, with its interval. The boosted members "
            "share the epochs; every independent member has all of them. Training seconds are of "
            "all optimiser steps."
        ),
        rows=[_network(group, _single_for(group, groups)) for group in groups],
        formats={
            ",d": ("batch_size", "parameters"),
            "g": ("epochs", "epochs_a_member"),
            ",.1f": ("train_s",),
            ".2%": ("test_accuracy", "accuracy_low", "accuracy_high"),
            "+.2%": ("gain", "gain_low", "gain_high"),
        },
    )


def _single_for(group: Replicates, groups: Sequence[Replicates]) -> Replicates | None:
    """The single small MLP that has most in common with a group; None where there is none."""

    def alike(single: Replicates) -> list[bool]:
        pair = single.experiment, group.experiment
        return [getattr(pair[0], name) == getattr(pair[1], name) for name in ALIKE]

    singles = [other for other in groups if other.experiment.architecture == SINGLE]
    return max(singles, key=alike, default=None)


def _network(group: Replicates, single: Replicates | None) -> dict[str, object]:
    experiment, first = group.experiment, group.measured[0]
    accuracy, train_s = group.summary(runs.test_accuracy), group.summary(runs.train_s)
    interval = uncertainty.of_mean(_accuracies(group))
    compared = single if single is not group else None
    gain = compared and verdict.difference(group, compared, runs.test_accuracy)
    gain_interval = gain.interval if gain else None
    return {
        "network": wording.architecture(experiment.architecture),
        "device": wording.device(experiment.device),
        "batch_size": experiment.batch_size,
        "epochs": experiment.epochs,
        "augmented": "yes" if experiment.augmentation else "no",
        "members": int(first.settings.get("members", "1")),
        "epochs_a_member": float(first.settings.get("epochs a member", experiment.epochs)),
        "parameters": first.measurement.parameter_count if first.measurement else None,
        "seeds": len(group.measured),
        "train_s": train_s and train_s.mean,
        "test_accuracy": accuracy and accuracy.mean,
        "accuracy_low": interval and max(interval.low, 0.0),
        "accuracy_high": interval and min(interval.high, 1.0),
        "gain": gain and gain.mean,
        "gain_low": gain_interval and gain_interval.low,
        "gain_high": gain_interval and gain_interval.high,
    }


def _errors(study: Study, groups: Sequence[Replicates]) -> Iterator[Table]:
    """A row a network and seed: images that it or the single small MLP alone gets wrong."""
    compared = [row for group in groups for row in _error_rows(group, _single_for(group, groups))]
    if not compared:
        return
    corrected = holm([row["p"] for row in compared])
    yield fact_table(
        name="ensembles_errors",
        title=f"Errors of ensembles and of a single network: {study.subject}",
        explanation=(
            "Test images that the network alone, or the single small MLP of the same seed alone, "
            "gets wrong. p is McNemar's, exact; p Holm is corrected for all rows of the table."
        ),
        rows=[
            {**row, "p_holm": p, "verdict": _verdict(row, p)}
            for row, p in zip(compared, corrected, strict=True)
        ],
        formats={",d": ("batch_size",), "g": ("epochs",), ".2g": ("p", "p_holm")},
    )


def _verdict(row: Mapping[str, Any], p: float) -> str:
    if p >= SIGNIFICANCE:
        return "not told apart"
    fewer = row["single_only_wrong"] > row["network_only_wrong"]
    return "fewer errors" if fewer else "more errors"


def _error_rows(group: Replicates, single: Replicates | None) -> Iterator[dict[str, Any]]:
    if single is None or single is group:
        return
    singles = {record.seed: record for record in single.measured}
    for record in group.measured:
        other = singles.get(record.seed)
        apart = other and disagreement(record, other)
        if apart:
            yield {
                "network": wording.architecture(group.experiment.architecture),
                "batch_size": group.experiment.batch_size,
                "epochs": group.experiment.epochs,
                "seed": record.seed,
                "network_only_wrong": apart.first_only,
                "single_only_wrong": apart.second_only,
                "p": apart.p,
            }


def _at_once(measured: Ensembling) -> Table:
    """A row a setting and way of training the members."""
    return fact_table(
        name="ensembles_at_once",
        title="Members trained at once and one after the other",
        explanation=(
            "The same optimiser steps (Adam) of the same members on the same batches: one member "
            "after the other, by torch.func.vmap, and as batched products, which is how the "
            "ensemble is trained. Milliseconds of a step of all members, median of the rounds; "
            "how many times as fast as one after the other, geometric mean of the rounds' ratios "
            "with its 95 % interval; and how far the weights are from those trained one after "
            f"the other, as a share of how far they moved. {measured.machine.cpu}, "
            f"{measured.machine.cores} cores."
        ),
        rows=[_way(t, arm.way) for t in measured.timed for arm in t.arms],
        formats={
            ",d": ("batch_size",),
            ",.3f": ("step_ms",),
            ".2f": ("times_as_fast", "low", "high"),
            ".0e": ("deviation",),
        },
    )


FASTER_WAYS: tuple[Way, ...] = ("vmap", "batched")


def speed_up(timed: EnsembleTimes, way: Way) -> Paired:
    """How many times as fast as one after the other, round by round."""
    return compare_arms(timed.arm("one by one").rounds_s, timed.arm(way).rounds_s)


def _way(timed: EnsembleTimes, way: Way) -> dict[str, object]:
    setting, arm = timed.setting, timed.arm(way)
    faster = speed_up(timed, way) if way in FASTER_WAYS else None
    interval = faster.interval if faster else None
    return {
        "way": way,
        "device": wording.device(setting.device),
        "threads": timed.threads,
        "members": setting.members,
        "hidden": setting.width,
        "batch_size": setting.batch_size,
        "rounds": len(arm.rounds_s),
        "step_ms": 1000 * median(arm.rounds_s) / setting.steps,
        "times_as_fast": faster and faster.ratio,
        "low": interval and interval.low,
        "high": interval and interval.high,
        "deviation": arm.deviation,
    }


# Pictures: accuracy against training seconds and parameters

# From this share of its last value on a curve is shown: the first epochs would flatten the rest.
SHOWN_FROM = 0.9


def _against_cost(study: Study, groups: Sequence[Replicates]) -> Picture:
    """Validation accuracy against training seconds; test accuracy against parameters."""
    figure, (seconds, parameters) = style.page(2)
    for group in groups:
        _over_seconds(seconds, group, _label(group, groups))
        _over_parameters(parameters, group)
    _finish(seconds, parameters)
    return chart(
        figure,
        _notes(groups),
        name="ensembles_cost",
        title=f"What ensembles cost: {study.subject}",
        caption=(
            "Left: validation accuracy after every stretch against the seconds of training so "
            "far, mean over the seeds; values below 90 % of the last one are left out. The "
            "boosted network's accuracy changes only where a member is finished. Right: test "
            "accuracy of the best checkpoint against trainable parameters, a small mark a run and "
            "a large one their mean. Both horizontal axes are logarithmic."
        ),
        main=True,
    )


def _label(group: Replicates, groups: Sequence[Replicates]) -> str:
    """The network's name, with what tells it from others of that name where there are any."""
    experiment = group.experiment
    name = wording.architecture(experiment.architecture)
    if [g.experiment.architecture for g in groups].count(experiment.architecture) == 1:
        return name
    conditions = ("device", "batch_size", "epochs", "augmentation")
    return f"{name}, {wording.conditions(experiment, conditions)}"


def _notes(groups: Sequence[Replicates]) -> list[str]:
    """What stands below the title of every picture of this part."""
    return [*wording.notices(group.data for group in groups), f"PyTorch. {seeds_sentence(groups)}"]


def _over_seconds(axes: Axes, group: Replicates, name: str) -> None:
    x, y = mean([_validation(record) for record in group.measured])
    shown = [point for point in zip(x, y, strict=True) if point[1] >= SHOWN_FROM * y[-1]]
    draw_mean(axes, [shown], LOOKS[group.experiment.architecture], label=name)


def _validation(record: Record) -> Curve:
    """Training seconds and validation accuracy in percent."""
    evaluations = record.measurement.evaluations if record.measurement else ()
    return [(evaluation.train_s, 100 * evaluation.accuracy) for evaluation in evaluations]


def _over_parameters(axes: Axes, group: Replicates) -> None:
    look = LOOKS[group.experiment.architecture]
    points = [
        (record.measurement.parameter_count, 100 * accuracy)
        for record in group.measured
        if record.measurement and (accuracy := runs.test_accuracy(record)) is not None
    ]
    axes.plot(*zip(*points, strict=True), look.marker, color=look.colour, alpha=0.5, markersize=6)
    axes.plot(
        *np.mean(points, axis=0),
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


# Pictures: accuracy of a saved ensemble's first member, first two, ... asked in NumPy

Weights = Mapping[str, NDArray[np.float32]]


def _against_members(study: Study, groups: Sequence[Replicates]) -> Iterator[Picture]:
    """One picture, where a saved model of an ensemble is in the results folder."""
    figure, (axes,) = style.page(1)
    for group in groups:
        if group.experiment.architecture in GROWING:
            _draw_growth(axes, _growth(study, group), group, _label(group, groups))
    if not axes.lines:
        return
    for group in groups:
        if group.experiment.architecture in ALONE:
            look = LOOKS[group.experiment.architecture]
            level = 100 * fmean(_accuracies(group))
            label = _label(group, groups)
            axes.axhline(level, color=look.colour, linestyle=look.line, label=label)
    axes.set(xlabel="members", ylabel="test accuracy (%)")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    yield chart(
        figure,
        _notes(groups),
        name="ensembles_members",
        title=f"Accuracy against members: {study.subject}",
        caption=(
            "Test accuracy of the first member, of the first two together, and so on to the whole "
            "of the saved model: independent members with averaged probabilities, boosted ones by "
            "weighted votes. Thick: the mean over the seeds; thin: each seed. The levels without "
            "a mark are networks that are one: a single small MLP, and one as large as all "
            "members together. Each member of the ensemble had all epochs; the boosted members "
            "share them, so that the first of them is trained less than the single network."
        ),
    )


def _growth(study: Study, group: Replicates) -> list[Curve]:
    """Members and accuracy in percent, of each run whose saved model is there."""
    curves: list[Curve] = []
    for record in group.measured:
        path = study.results.model_path(record.run_id, ".safetensors")
        if path.exists():
            test, data = study.dataset.test, record.data
            images = datasets.normalise(test.images, mean=data.pixel_mean, std=data.pixel_std)
            shares = accuracies(load_file(path), images, test.labels)
            curves.append([(k, 100 * share) for k, share in enumerate(shares, start=1)])
    return curves


def accuracies(weights: Weights, images: members.Array, labels: NDArray[np.integer]) -> list[float]:
    """Of the first member alone, of the first two together, ... of all that are fitted.

    Independent members answer with the mean of their probabilities, boosted ones, whose weights
    have ``vote/alphas``, by weighted votes.

    Args:
        weights: in the neutral layout; see ``models.members``.
        images: (n, 28, 28) float32, normalised as in training.
        labels: (n,).
    """
    logits = members.logits(weights, images)
    if "vote/alphas" in weights:
        fitted = max(1, int(weights["vote/fitted"][0]))
        answers = members.weighted_votes(logits[:fitted], weights["vote/alphas"][:fitted])
    else:
        answers = members.mean_probabilities(logits)
    return [float(np.mean(answer.argmax(axis=1) == labels)) for answer in answers]


def _draw_growth(axes: Axes, curves: Sequence[Curve], group: Replicates, label: str) -> None:
    """Each run thin, their mean bold; nothing of a group without saved models."""
    if not curves:
        return
    look = LOOKS[group.experiment.architecture]
    for curve in curves if len(curves) > 1 else ():
        axes.plot(*zip(*curve, strict=True), color=look.colour, linewidth=0.9, alpha=0.45)
    shortest = min(map(len, curves))  # a run may have been best before its last member
    draw_mean(axes, [curve[:shortest] for curve in curves], look, label=label)
