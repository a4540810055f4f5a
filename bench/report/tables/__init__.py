"""One table a file, and their list. To add one: a module with ``build(groups) -> Table`` here."""

from __future__ import annotations

from bench.report.tables import (
    axes,
    batch_size,
    break_even,
    certificates,
    costs,
    differences,
    energy,
    frameworks,
    hardware,
    ladder,
    latency,
    ledger,
    models,
    runs,
    swap,
)

TABLES = (
    frameworks.build,
    differences.build,
    models.build,
    swap.build,
    hardware.build,
    axes.precision,
    axes.threads,
    batch_size.build,
    latency.build,
    certificates.build,
    ladder.build,
    ledger.build,
    break_even.build,
    costs.build,
    energy.build,
    runs.build,
)
# Tables that show the rungs of ladders too; the others show the matched runs beside one another.
WITH_RUNGS = (ladder.build, runs.build)
