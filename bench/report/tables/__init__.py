"""One table a file, and their list. To add one: a module with ``build(groups) -> Table`` here."""

from __future__ import annotations

from bench.report.tables import axes, certificates, costs, differences, frameworks, ladder, latency

TABLES = (
    frameworks.build_frameworks,
    differences.build_differences,
    differences.build_models,
    axes.build_swap,
    axes.build_hardware,
    axes.precision,
    axes.threads,
    frameworks.build_batch_size,
    latency.build,
    certificates.build,
    ladder.build,
    frameworks.build_ledger,
    costs.build_break_even,
    costs.build_roofline,
    costs.build_energy,
    frameworks.build_runs,
)
# Tables that show the rungs of ladders too; the others show the matched runs beside one another.
WITH_RUNGS = (ladder.build, frameworks.build_runs)
