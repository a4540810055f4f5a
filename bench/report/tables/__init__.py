"""The list of tables. To add one: a function ``(groups) -> Table`` in a file here, and a line."""

from __future__ import annotations

from bench.report.tables import (
    axes,
    certificates,
    costs,
    differences,
    frameworks,
    ladder,
    latency,
    power,
    runs,
    scaling,
)

TABLES = (
    frameworks.side_by_side,
    differences.between_frameworks,
    differences.between_models,
    axes.swap,
    axes.hardware,
    axes.precision,
    axes.threads,
    axes.batch_sizes,
    scaling.build,
    latency.build,
    certificates.build,
    power.build,
    ladder.build,
    runs.ledger,
    costs.break_even,
    costs.limits,
    costs.energy,
    runs.all_runs,
)
# Tables that show the rungs of ladders too; the others show the matched runs beside one another.
WITH_RUNGS = (ladder.build, runs.all_runs)
