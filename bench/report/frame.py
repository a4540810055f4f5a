"""A results folder as a pandas frame, for notebooks and analyses of one's own."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench import results, stats
from bench.report.tables import runs
from bench.report.tables.table import to_frame


def load(folder: str | Path) -> pd.DataFrame:
    """One row a run, one column a quantity; units end the names, fractions are fractions.

    What was not measured is missing (``pandas.isna``). The columns are those of
    ``tables/runs.csv``. Raises ``bench.results.ResultsError`` where there are no records.
    """
    records = results.load(Path(folder))
    return to_frame(runs.build(stats.replicates(records))).convert_dtypes()
