"""Ensembles in tables: beside the single small MLP, error by error, and how fast they train."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median

import pandas as pd

from bench import run_statistics as stats
from bench import uncertainty, verdict
from bench.ensembling.wording import FASTER_WAYS, speed_up
from bench.evidence import EnsembleTimes, Ensembling, Way
from bench.record import Record
from bench.report import wording
from bench.report.tables.models import disagreement
from bench.run_statistics import Replicates
from bench.study.artifact import Sheet
from bench.uncertainty import SIGNIFICANCE, holm

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
    accuracies = [a for record in group.measured if (a := stats.test_accuracy(record)) is not None]
    accuracy, train_s = group.summary(stats.test_accuracy), group.summary(stats.train_s)
    known = uncertainty.of_mean(accuracies)
    compared = single if single is not group else None
    gain = compared and verdict.difference(group, compared, stats.test_accuracy)
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
