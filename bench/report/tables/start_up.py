"""Start-up: the seconds of each phase before the first training step that counts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bench import stats
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.tables import columns
from bench.report.tables.table import Column, Section, Table, equal_in_all_rows
from bench.stats import Replicates


def build(groups: Sequence[Replicates]) -> Table:
    """A section for each set of experiments that differ in framework and execution alone."""
    return Table(
        name="start-up",
        title="Start-up phases",
        explanation=(
            "Seconds before the first step that counts: importing the framework and "
            "finding its device, normalising the data, building the network, bringing the data to "
            "the device, and the warm-up, in which a compiled execution compiles. Training follows "
            "to compare."
        ),
        needs="a run that ended well",
        sections=tuple(
            map(_section, comparisons(groups, FRAMEWORK, keep=lambda found: bool(found.measured)))
        ),
    )


def _section(comparison: Comparison) -> Section:
    experiment = comparison.experiment
    place = wording.conditions(experiment, ("device", "batch_size", "goal"))
    return Section(
        heading=f"{wording.subject(experiment, comparison.data)}, {place}",
        note=equal_in_all_rows(comparison),
        columns=(
            *columns.experiment(),
            columns.framework((group,) for group in comparison.groups),
            columns.outcome(),
            *(_phase(name) for name in stats.START_UP_PHASES),
            columns.quantity("start-up in all (s)", "start_up", "s", stats.start_up_s),
            columns.quantity("training (s)", "train", "s", stats.train_s),
        ),
        rows=tuple((group,) for group in comparison.groups),
    )


def _phase(name: str) -> Column:
    subject = name.removesuffix("_s")
    return columns.quantity(
        f"{subject.replace('_', '-')} (s)", subject, "s", partial(stats.phase_s, name=name)
    )
