"""A results folder as a pandas frame, for notebooks and analyses of one's own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench import run_statistics as stats
from bench.report import rungs
from bench.report.tables import TABLES, WITH_RUNGS
from bench.report.tables.table import to_frame
from bench.results import Results


def load(folder: str | Path, table: str = "runs") -> pd.DataFrame:
    """One row a run, one column a quantity; units end the names, fractions are fractions.

    What was not measured is missing (``pandas.isna``). The columns are those of
    ``tables/runs.csv``.

    Args:
        folder: a results folder.
        table: another table of the report instead, by the name of its CSV: 'frameworks',
            'differences' (ratios with interval, p and verdict) and so on.

    Raises:
        bench.results.ResultsError: where there are no records, or audit or certificates are broken.
        ValueError: where there is no table of that name.
    """
    results = Results(Path(folder))
    groups = stats.replicates(results.require_records(), results.evidence())
    plain = rungs.unrestored(groups)
    tables = (build(groups if build in WITH_RUNGS else plain) for build in TABLES)
    made = {one.name: one for one in tables}
    if table not in made:
        raise ValueError(f"unknown table {table!r}; choose from {', '.join(sorted(made))}")
    return to_frame(made[table]).convert_dtypes()
