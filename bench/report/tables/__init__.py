"""One table a file, and their list. To add one: a module with ``build(groups) -> Table`` here."""

from __future__ import annotations

from bench.report.tables import batch_size, frameworks, hardware, runs, start_up, swap

TABLES = (
    frameworks.build,
    swap.build,
    hardware.build,
    batch_size.build,
    start_up.build,
    runs.build,
)
