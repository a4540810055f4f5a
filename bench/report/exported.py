"""Exports of a group's saved models: ONNX Runtime's inference, beside the framework's own."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench import run_statistics as stats
from bench import uncertainty
from bench.evidence import Export
from bench.record import Inference
from bench.run_statistics import Replicates
from bench.uncertainty import Interval


@dataclass(frozen=True, kw_only=True)
class Beside:
    """How many times as fast ONNX Runtime answers, round by round of the two in turn."""

    ratio: float  # geometric mean over the rounds
    interval: Interval | None  # of that mean over such rounds; None of one round
    rounds: int


def exports(group: Replicates) -> tuple[Export, ...]:
    """Those of its runs, made on the machine that the runs were measured on."""
    found = (group.evidence.export(record.run_id) for record in group.measured)
    return tuple(one for one in found if one and stats.host(one.machine) == group.host)


def in_onnxruntime(group: Replicates) -> Replicates | None:
    """Its exported runs, with ONNX Runtime's inference in place of their own; None: of none."""
    made = {export.run_id: export for export in exports(group)}
    records = tuple(
        replace(
            record,
            measurement=replace(record.measurement, inference=made[record.run_id].inference),
        )
        for record in group.measured
        if record.run_id in made and record.measurement
    )
    return replace(group, records=records) if records else None


def beside(group: Replicates, *, one_image: bool) -> Beside | None:
    """The ratio of the medians of each round: the framework's own seconds over ONNX Runtime's.

    ``one_image``: True for batch 1, False for the large batch. None where nothing was exported.
    """
    ratios = [
        statistics.median(each.own.samples_s) / statistics.median(each.exported.samples_s)
        for export in exports(group)
        for each in export.rounds
        if _is_of(each.own, one_image)
    ]
    if not ratios:
        return None
    return Beside(
        ratio=math.exp(statistics.fmean(map(math.log, ratios))),
        interval=uncertainty.of_ratio(ratios),
        rounds=len(ratios),
    )


def _is_of(inference: Inference, one_image: bool) -> bool:
    return (inference.batch_size == 1) == one_image


def worst(found: Sequence[Export]) -> Export | None:
    """The one that is furthest from its model: most images told otherwise, then deviation."""
    return max(found, key=lambda one: (one.differing, one.logits.deviation), default=None)
