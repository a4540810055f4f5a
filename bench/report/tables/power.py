"""How small a difference the runs of a folder would show, by the noise that their audit found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.report import wording
from bench.report.comparison import Comparison, by_machine
from bench.report.tables import columns
from bench.report.tables.table import Cell, Column, Row, Section, Table
from bench.results.evidence import Arms
from bench.stats import power, verdict
from bench.stats.runs import Replicates
from bench.trainers import FRAMEWORKS

SEEDS = (3, 5, 10)
ALL_PAIRS = math.comb(len(FRAMEWORKS), 2)
COMPARED = {2: "one pair", len(FRAMEWORKS): f"{ALL_PAIRS} pairs"}  # so many frameworks


@dataclass(frozen=True, kw_only=True)
class Power:
    """What an audit allows to be found."""

    arms: Arms
    noise: float  # standard deviation of a pair's log-ratio
    floor: float  # the noise floor, a factor less 1

    def smallest(self, seeds: int, frameworks: int) -> float:
        """The smallest difference that nine of ten suites find, as a factor less 1."""
        return power.smallest_difference(self.noise, self.floor, seeds, frameworks)


def of_arms(arms: Arms | None) -> Power | None:
    """None where there were fewer than two rounds, which show no noise."""
    if arms is None:
        return None
    noise, floor = power.noise(arms), verdict.noise_floor(arms)
    if noise is None or floor is None:
        return None
    return Power(arms=arms, noise=noise, floor=floor)


def audited(groups: Iterable[Replicates]) -> list[tuple[Comparison, Power]]:
    """What was measured on a machine and device whose noise is known; one for each of both."""
    known = [g for g in groups if g.measured and verdict.noise_floor_of(g) is not None]
    devices = dict.fromkeys(group.experiment.device for group in known)
    return [
        (machine, audit)
        for device in devices
        for machine in by_machine([g for g in known if g.experiment.device == device])
        if (evidence := machine.groups[0].evidence.audit)
        and (audit := of_arms(evidence.arms_on(device)))
    ]


def rests_on(audit: Power) -> str:
    """What was simulated with: '24 rounds of numpy eager, about 0.67 s each, on CPU: ...'."""
    arms, device = audit.arms, wording.device(audit.arms.experiment.device)
    mean_s = wording.number(sum(arms.a_s) / len(arms.a_s), 2)
    return (
        f"By {len(arms.a_s)} rounds of {wording.framework(arms.experiment)} on {device}, about "
        f"{mean_s} s a run: two equal runs differ by {wording.about(audit.noise)} (one standard "
        f"deviation), the noise floor is {wording.about(audit.floor)}."
    )


@dataclass(frozen=True, kw_only=True)
class PowerRow(Row):
    """One number of seeds."""

    seeds: int
    audit: Power


def build(groups: Sequence[Replicates]) -> Table:
    """A section a machine; a row a number of seeds, a column a number of pairs."""
    return Table(
        name="power",
        title="How small a difference is found",
        explanation=(
            "The smallest difference in training time or throughput for which this report names "
            "the winner in nine of ten suites: simulated, by its own rule, with the noise of the "
            "audit's equal runs. "
            f"{len(FRAMEWORKS)} frameworks are {ALL_PAIRS} pairs: p is corrected for all of them, "
            "and takes their noise together. A smaller difference may be real and remain "
            "undecided; more seeds find it."
        ),
        needs="an audit of the same machine with two rounds or more (python -m bench audit)",
        sections=tuple(_section(*machine) for machine in audited(groups)),
    )


def _section(machine: Comparison, audit: Power) -> Section:
    notices = wording.notices(group.data for group in machine.groups)
    longer = "Runs that train longer may be quieter, two different frameworks noisier."
    device = audit.arms.experiment.device
    where = "" if device == "cpu" else f", {wording.device(device)}"
    return Section(
        heading=f"{machine.host.cpu}, {machine.host.cores} cores{where}",
        note=" ".join((*notices, rests_on(audit), longer)),
        columns=COLUMNS,
        rows=[PowerRow(groups=machine.groups, seeds=seeds, audit=audit) for seeds in SEEDS],
    )


def _about(row: PowerRow) -> Cell:
    """What the audit was of; in the CSV only."""
    arms = row.audit.arms
    machine = wording.machine(row.first.host)
    device = arms.experiment.device
    return Cell(shown="", raw=(machine, device, len(arms.a_s), row.audit.noise, row.audit.floor))


def _smallest(frameworks: int, words: str) -> Column:
    def difference(row: PowerRow) -> float:
        return row.audit.smallest(row.seeds, frameworks)

    name = f"smallest_difference_{words.replace(' ', '_')}_fraction"
    return columns.number(f"{words} (%)", name, difference, scale=100, digits=2)


ABOUT = ("machine", "device", "audit_rounds_n", "noise_log_std", "noise_floor_fraction")
COLUMNS = (
    Column(header="", names=ABOUT, cell=_about),
    Column(
        header="seeds",
        names=("seeds",),
        cell=lambda row: Cell(shown=str(row.seeds), raw=(row.seeds,)),
    ),
    *(_smallest(frameworks, words) for frameworks, words in COMPARED.items()),
)
