"""What several replicas give: what was measured, and what was predicted from its parts beforehand.

A step of data-parallel training is each replica's own step on its share of the batch, all at once,
and an exchange in which gradients are averaged. Both are timed apart before training
(``bench.results.observed.Rehearsal``). The prediction adds them up: it supposes that nothing of the
exchange is hidden behind the backward pass. Further machines are reckoned with the same sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, NamedTuple

from bench.experiment import PARALLEL
from bench.results.observed import Exchange, Rehearsal
from bench.results.record import Record
from bench.stats import runs, verdict
from bench.stats.runs import Replicates, Statistic

Kind = Literal["machinery", "strong", "weak"]
AIM = 0.10  # a prediction is to be no farther from what is measured


@dataclass(frozen=True, kw_only=True)
class Link:
    """What joins replicas, as one number to wait for and one rate: T(n) = latency + n / rate.

    Hockney's model of a message, fitted to whole all-reduces (R. Hockney, Parallel Computing 20,
    1994).
    """

    latency_s: float  # of the smallest exchange
    bytes_per_s: float  # of gradients; infinite where size made no difference

    def exchange_s(self, size: float) -> float:
        """Seconds of an exchange of so many bytes."""
        return self.latency_s + size / self.bytes_per_s


def link(exchanges: Sequence[Exchange]) -> Link:
    """The line through the medians that is nearest in relative terms, nothing of it below 0.

    ``exchanges``: of two sizes at least.
    """
    from scipy.optimize import nnls

    seconds = [median(exchange.samples_s) for exchange in exchanges]
    rows = [[1 / s, exchange.bytes / s] for exchange, s in zip(exchanges, seconds, strict=True)]
    (latency_s, s_per_byte), _ = nnls(rows, [1.0] * len(rows))
    rate = 1 / s_per_byte if s_per_byte > 0 else math.inf
    return Link(latency_s=float(latency_s), bytes_per_s=float(rate))


# One run


def rehearsed(record: Record) -> Rehearsal | None:
    """What was timed apart before training; None: nothing was."""
    return record.measurement.rehearsal if record.measurement else None


def own_step_s(record: Record) -> float | None:
    """Seconds of a step that exchanges nothing, all replicas at once."""
    known = rehearsed(record)
    return median(known.samples_s) / known.steps if known else None


def exchange_s(record: Record) -> float | None:
    """Seconds of an exchange of all gradients, alone."""
    known = rehearsed(record)
    return median(known.exchanges[-1].samples_s) if known else None


def predicted_images_per_s(record: Record) -> float | None:
    """Training throughput as its two parts promised before: all of one, then all of the other."""
    own_s, shared_s, images = own_step_s(record), exchange_s(record), runs.images_per_step(record)
    if own_s is None or shared_s is None or images is None:
        return None
    return images / (own_s + shared_s)


# Two groups of runs


@dataclass(frozen=True, kw_only=True)
class Scaled:
    """Runs on several replicas beside those they are judged by.

    ``kind``: 'strong': one replica on the same batch; 'weak': one on as much of the batch as each
    has; 'machinery': one replica beside the same framework without any.
    """

    kind: Kind
    many: Replicates
    one: Replicates

    @property
    def ideal(self) -> int:
        """How many times the throughput of one all would have if nothing were lost.

        Each GPU is more to compute with. On a CPU replicas share out the processors that one of
        them has alone.
        """
        experiment = self.many.experiment
        return 1 if experiment.device == "cpu" else experiment.replicas

    def efficiency(self, statistic: Statistic) -> float | None:
        """What of the ideal a throughput is, 1 for all of it; None where a run lacks it."""
        paired = verdict.compare(self.many, self.one, statistic)
        return paired.ratio / self.ideal if paired else None

    @property
    def measured(self) -> float | None:
        """The efficiency by training throughput."""
        return self.efficiency(runs.throughput_images_per_s)

    @property
    def predicted(self) -> float | None:
        """The efficiency that was predicted; of the machinery none is."""
        return None if self.kind == "machinery" else self.efficiency(predicted_images_per_s)

    @property
    def off(self) -> float | None:
        """How far the prediction is above what is measured, as a share of that."""
        if self.predicted is None or self.measured is None:
            return None
        return self.predicted / self.measured - 1


def scaled(groups: Sequence[Replicates]) -> Iterator[Scaled]:
    """Every group on replicas beside each that it can be judged by, of the same framework.

    ``groups``: alike in all but framework, execution, replicas and batch size.
    """
    for many in groups:
        for one in groups:
            kind = _kind(many, one)
            alike = many.experiment.framework == one.experiment.framework
            if kind and alike and many.versions == one.versions and one.measured:
                yield Scaled(kind=kind, many=many, one=one)


def _kind(many: Replicates, one: Replicates) -> Kind | None:
    ours, theirs = many.experiment, one.experiment
    if ours.execution != PARALLEL or theirs.replicas != 1:
        return None
    if ours.replicas == 1 or theirs.execution != PARALLEL:
        plain = ours.replicas == 1 and theirs.execution != PARALLEL
        return "machinery" if plain and ours.batch_size == theirs.batch_size else None
    if ours.batch_size == theirs.batch_size:
        return "strong"
    return "weak" if ours.batch_size == ours.replicas * theirs.batch_size else None


def why_off(scaled: Scaled) -> str | None:
    """Why a prediction is farther off than AIM, as far as its parts tell; None: it is not."""
    if scaled.off is None or abs(scaled.off) <= AIM:
        return None
    many, one = _parts(scaled.many), _parts(scaled.one)
    if many is None or one is None:
        return None
    if abs(math.log(one.step_s / one.predicted_s)) > abs(math.log(many.step_s / many.predicted_s)):
        way = "longer" if one.step_s > one.predicted_s else "less long"
        return f"one replica's steps took {way} in training than before it"
    if many.step_s > many.predicted_s:
        return (
            "a step took longer than its two parts: replicas waited for one another, or step and "
            "exchange for the same processors"
        )
    if many.step_s >= many.own_s:
        return "a part of the exchange was hidden behind the backward pass"
    return "the steps that were timed before training took longer than those of training"


class _Parts(NamedTuple):
    """Means over the runs of a group, seconds a step."""

    step_s: float
    own_s: float
    predicted_s: float


def _parts(group: Replicates) -> _Parts | None:
    step, own, shared = map(group.summary, (runs.step_s, own_step_s, exchange_s))
    if step is None or own is None or shared is None:
        return None
    return _Parts(step_s=step.mean, own_s=own.mean, predicted_s=own.mean + shared.mean)


# Machines that were not measured


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What is supposed of GPUs and of what joins them. Nothing of it is measured here."""

    flop_per_s: float  # that one GPU reaches in this network's products
    launch_s: float  # of a step, however small: below that no share of a batch gets
    within: Link  # between the GPUs of a node, for a message
    between: Link  # between nodes
    node: int = 8  # GPUs of a node


def all_reduce_s(cluster: Cluster, replicas: int, size: float) -> float:
    """Seconds of an all-reduce of so many bytes, by halves.

    2 log₂ p messages one after the other, in which each gives away and gets back (p - 1)/p of the
    bytes: R. Thakur, R. Rabenseifner and W. Gropp, 'Optimization of Collective Communication
    Operations in MPICH', IJHPCA 19 (2005), section 4.5. All of it over the slower link, where there
    are several nodes.
    """
    if replicas == 1:
        return 0.0
    joined = cluster.within if replicas <= cluster.node else cluster.between
    moved = 2 * (replicas - 1) / replicas * size
    return 2 * math.log2(replicas) * joined.latency_s + moved / joined.bytes_per_s


def reckoned_step_s(cluster: Cluster, flop: float, size: float, batch: int, replicas: int) -> float:
    """Seconds of a step: a replica's share of the batch, and the exchange.

    Args:
        cluster: what is supposed.
        flop: of training on one image.
        size: bytes of the gradients.
        batch: images of all replicas together.
        replicas: GPUs.
    """
    own_s = max(cluster.launch_s, math.ceil(batch / replicas) * flop / cluster.flop_per_s)
    return own_s + all_reduce_s(cluster, replicas, size)
