"""Many machines that ran the same experiments: how fast each is, and what holds on all of them.

A block, all runs of one seed on one node, is what Fisher calls a block (The Design of Experiments,
1935): whatever the node, the seed and the hour do to all its rows alike drops out of the ratio of
two of them. Two frameworks are therefore compared in two stages, by summary measures (Matthews,
Altman, Campbell and Royston, 'Analysis of serial measurements in medical research', BMJ 300, 1990):
first the geometric mean of the ratios of a machine's blocks, then over machines the geometric mean
of these, with the interval and the paired t test of ``bench.stats.uncertainty``. A machine is one
value however many blocks it ran, so the interval speaks of further machines of these kinds.

A machine is odd where, by the same experiments, it is farther from the median of its kind than the
audits' noise floor explains. Pure functions but for ``read``, which reads each record once, a block
at a time, and keeps the little that is compared.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean, geometric_mean, median

from bench.cluster.grid import Grid
from bench.experiment import Experiment
from bench.results.evidence import Evidence
from bench.results.record import Data, Record
from bench.stats import runs, uncertainty, verdict
from bench.stats.runs import Host
from bench.stats.uncertainty import Interval
from bench.stats.verdict import Outcome, Paired

BASELINE = ("pytorch", "eager")  # beside which the others stand, where it was run
FEWEST = 3  # machines of a kind, of which one can be odd: of two nobody knows which
UNAUDITED = 0.10  # in the place of a noise floor, where no block was audited

Contender = tuple[str, str]  # framework and execution
Subject = tuple[Experiment, str]  # without framework and execution; fingerprint of the images


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """What is kept of a run that ended well."""

    block: str
    experiment: Experiment
    fingerprint: str
    images_per_s: float
    disturbed: bool

    @property
    def contender(self) -> Contender:
        """Which framework, and how."""
        return self.experiment.framework, self.experiment.execution


@dataclass(kw_only=True)
class Machine:
    """One node."""

    kind: str
    node: str
    host: Host
    gpus: str  # empty: none
    blocks: set[str] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    records: int = 0
    matched: int = 0  # of them, for which equal work was certified
    failed: dict[str, None] = field(default_factory=dict)  # how, each once, of those that did
    floors: list[float] = field(default_factory=list)  # the noise floors of its blocks' audits

    @property
    def floor(self) -> float | None:
        """The largest of them; None: no block was audited."""
        return max(self.floors, default=None)

    @property
    def disturbed(self) -> int:
        """How many of its rows other programs, or heat, disturbed."""
        return sum(row.disturbed for row in self.rows)


@dataclass(frozen=True, kw_only=True)
class Read:
    """What all blocks hold."""

    machines: tuple[Machine, ...]  # by kind and name
    data: Mapping[str, Data]  # by fingerprint


def read(grid: Grid, names: Iterable[tuple[str, str]]) -> Read:
    """Read blocks, one at a time.

    Args:
        grid: the folder.
        names: the kind and the name of each block; one that was never begun is left out.

    Raises:
        ResultsError: naming a file that is broken.
    """
    machines: dict[tuple[str, str], Machine] = {}
    data: dict[str, Data] = {}
    known: dict[Experiment, Experiment] = {}  # each once in memory
    for kind, name in names:
        block, results = grid.block(name), grid.results(name)
        records = results.records()
        if block is None or not records:
            continue
        machine = machines.setdefault((kind, block.node), _machine(kind, block.node, records[0]))
        evidence = results.evidence()
        machine.blocks.add(name)
        machine.floors += _floors(evidence, records)
        for record in records:
            data.setdefault(record.data.fingerprint, record.data)
            experiment = known.setdefault(record.experiment, record.experiment)
            _add(machine, name, record, experiment, evidence)
    return Read(machines=tuple(machines[key] for key in sorted(machines)), data=data)


def _machine(kind: str, node: str, record: Record) -> Machine:
    gpus = "; ".join(gpu.name for gpu in record.machine.gpus)
    return Machine(kind=kind, node=node, host=runs.host(record.machine), gpus=gpus)


def _floors(evidence: Evidence, records: Iterable[Record]) -> Iterator[float]:
    for device in dict.fromkeys(record.experiment.device for record in records):
        arms = evidence.audit.arms_on(device) if evidence.audit else None
        floor = verdict.noise_floor(arms) if arms else None
        if floor is not None:
            yield floor


def _add(
    machine: Machine, block: str, record: Record, experiment: Experiment, evidence: Evidence
) -> None:
    machine.records += 1
    certificate = evidence.certificate(experiment, record.versions)
    machine.matched += certificate is not None and certificate.passed
    rate = runs.throughput_images_per_s(record)
    if record.status != "ok" or rate is None:
        framework = f"{experiment.framework} {experiment.execution}"
        machine.failed[f"{framework}: {record.status}"] = None
        return
    machine.rows.append(
        Row(
            block=block,
            experiment=experiment,
            fingerprint=record.data.fingerprint,
            images_per_s=rate,
            disturbed=record.disturbed,
        )
    )


# Frameworks on the same machine, then over machines


@dataclass(frozen=True, kw_only=True)
class Within:
    """Two frameworks on one machine."""

    machine: Machine
    ratio: float  # geometric mean over its blocks
    interval: Interval | None  # over its blocks; None of one
    blocks: int


@dataclass(frozen=True, kw_only=True)
class Across:
    """A framework beside another on all machines that ran both."""

    subject: Subject
    contender: Contender
    baseline: Contender
    within: tuple[Within, ...]  # at least one
    left_out: int  # blocks in which other programs, or heat, disturbed either
    paired: Paired  # over machines
    p: float | None  # corrected by Holm's method for all comparisons; None of one machine
    outcome: Outcome


def compare(machines: Sequence[Machine]) -> list[Across]:
    """Each framework beside the baseline of its subject; none where one ran alone."""
    ratios: dict[tuple[Subject, Contender, Contender], dict[int, list[float]]] = {}
    left_out: dict[tuple[Subject, Contender, Contender], int] = defaultdict(int)
    subjects = [_by_subject(machine) for machine in machines]
    baselines = _baselines(subjects)
    for number, of_machine in enumerate(subjects):
        for subject, block in of_machine:
            baseline = baselines[subject]
            rows = of_machine[subject, block]
            for contender in rows.keys() - {baseline}:
                if baseline not in rows:
                    continue
                pair, key = (rows[contender], rows[baseline]), (subject, contender, baseline)
                if pair[0].disturbed or pair[1].disturbed:
                    left_out[key] += 1
                    continue
                ratio = pair[0].images_per_s / pair[1].images_per_s
                ratios.setdefault(key, {}).setdefault(number, []).append(ratio)
    found = [
        _across(machines, key, by_machine, left_out[key]) for key, by_machine in ratios.items()
    ]
    return sorted(_judged(found, machines), key=_order)


def _order(across: Across) -> tuple[object, ...]:
    experiment = across.subject[0]
    place = (experiment.task, experiment.architecture, experiment.device, experiment.id)
    return (-len(across.within), *place, -across.paired.ratio)


def _by_subject(machine: Machine) -> dict[tuple[Subject, str], dict[Contender, Row]]:
    """Each subject of each block, with the row of each framework."""
    found: dict[tuple[Subject, str], dict[Contender, Row]] = {}
    bare: dict[Experiment, Experiment] = {}
    for row in machine.rows:
        if row.experiment not in bare:
            bare[row.experiment] = replace(row.experiment, framework="", execution="", targets=())
        subject = (bare[row.experiment], row.fingerprint)
        found.setdefault((subject, row.block), {})[row.contender] = row
    return found


def _baselines(
    subjects: Iterable[Mapping[tuple[Subject, str], Mapping[Contender, Row]]],
) -> dict[Subject, Contender]:
    """BASELINE where any machine ran it, else the first by name."""
    ran: dict[Subject, set[Contender]] = defaultdict(set)
    for of_machine in subjects:
        for (subject, _), rows in of_machine.items():
            ran[subject] |= rows.keys()
    return {
        subject: BASELINE if BASELINE in contenders else min(contenders)
        for subject, contenders in ran.items()
    }


def _across(
    machines: Sequence[Machine],
    key: tuple[Subject, Contender, Contender],
    by_machine: Mapping[int, Sequence[float]],
    left_out: int,
) -> Across:
    within = tuple(
        Within(
            machine=machines[number],
            ratio=geometric_mean(ratios),
            interval=uncertainty.of_ratio(ratios),
            blocks=len(ratios),
        )
        for number, ratios in by_machine.items()
    )
    means = [each.ratio for each in within]
    paired = Paired(
        ratio=geometric_mean(means),
        interval=uncertainty.of_ratio(means),
        p=uncertainty.paired_t(means),
        seeds=tuple(range(len(means))),  # of a pair each: here a machine
    )
    subject, contender, baseline = key
    return Across(
        subject=subject,
        contender=contender,
        baseline=baseline,
        within=within,
        left_out=left_out,
        paired=paired,
        p=None,
        outcome="undecided",
    )


def _judged(found: Sequence[Across], machines: Sequence[Machine]) -> Iterator[Across]:
    """Each with what may be said of it: ``bench.stats.verdict`` by the median noise floor."""
    floors = [machine.floor for machine in machines if machine.floor is not None]
    floor = median(floors) if floors else None
    known = [each.paired.p for each in found if each.paired.p is not None]
    corrected = iter(uncertainty.holm(known))
    for each in found:
        p = None if each.paired.p is None else next(corrected)
        yield replace(each, p=p, outcome=verdict.outcome(each.paired, p, floor))


# Which machine is odd


@dataclass(frozen=True, kw_only=True)
class Speed:
    """A machine beside the others of its kind."""

    machine: Machine
    ratio: float  # of throughputs to the medians of its kind, by the same experiments
    interval: Interval | None  # over experiments, or over blocks where there is one; None of one
    floor: float  # a factor less 1: nearer to 1 it is as the others
    odd: bool | None  # None: too few machines, or one value alone


def speeds(machines: Sequence[Machine]) -> list[Speed]:
    """Each machine that ran what another of its kind ran too."""
    by_kind: dict[str, list[Machine]] = defaultdict(list)
    for machine in machines:
        by_kind[machine.kind].append(machine)
    return [speed for of_kind in by_kind.values() for speed in _speeds(of_kind)]


def _speeds(machines: Sequence[Machine]) -> Iterator[Speed]:
    logs = [_logs(machine) for machine in machines]
    means = [{key: fmean(values) for key, values in of_one.items()} for of_one in logs]
    shared: dict[tuple[Experiment, str], list[float]] = defaultdict(list)
    for of_machine in means:
        for key, mean in of_machine.items():
            shared[key].append(mean)
    medians = {key: median(values) for key, values in shared.items() if len(values) > 1}
    floors = [machine.floor for machine in machines if machine.floor is not None]
    usual = median(floors) if floors else UNAUDITED
    for machine, of_one, of_machine in zip(machines, logs, means, strict=True):
        away = [mean - medians[key] for key, mean in of_machine.items() if key in medians]
        if len(away) == 1:
            (key,) = of_machine.keys() & medians.keys()
            away = [log - medians[key] for log in of_one[key]]
        if away:
            yield _speed(machine, away, max(usual, machine.floor or 0.0), len(machines))


def _logs(machine: Machine) -> dict[tuple[Experiment, str], list[float]]:
    """Each experiment's throughputs, as logarithms, a block each."""
    found: dict[tuple[Experiment, str], list[float]] = defaultdict(list)
    for row in machine.rows:
        found[row.experiment, row.fingerprint].append(math.log(row.images_per_s))
    return found


def _speed(machine: Machine, away: Sequence[float], floor: float, of: int) -> Speed:
    interval = uncertainty.of_mean(away)
    near = math.log1p(floor)
    beyond = None if interval is None else interval.low > near or interval.high < -near
    return Speed(
        machine=machine,
        ratio=math.exp(fmean(away)),
        interval=interval and Interval(low=math.exp(interval.low), high=math.exp(interval.high)),
        floor=floor,
        odd=beyond if of >= FEWEST else None,
    )
