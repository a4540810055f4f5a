"""The committed tables of the reference runs are what the code makes of their records."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from bench.report.tables import TABLES, WITH_RUNGS
from bench.report.tables.ladder import unrestored
from bench.report.tables.table import Table, to_frame, to_markdown
from bench.results.folder import Results
from bench.stats import runs
from tests.imports import ROOT

REFERENCES = sorted(path.parent for path in (ROOT / "results/reference").glob("*/records"))
# Libraries of other versions and processors round the last digits otherwise.
RELATIVE, ABSOLUTE = 1e-6, 1e-12


@pytest.fixture(scope="module", params=REFERENCES, ids=lambda folder: folder.name)
def reference(request: pytest.FixtureRequest) -> tuple[Path, dict[str, Table]]:
    """A folder, and its tables made anew."""
    results = Results(request.param)
    groups = runs.replicates(results.require_records(), results.evidence())
    plain = unrestored(groups)
    tables = [build(groups if build in WITH_RUNGS else plain) for build in TABLES]
    return request.param, {table.name: table for table in tables if table.sections}


def test_there_are_references() -> None:
    assert REFERENCES


def test_every_table_is_committed_and_none_besides(
    reference: tuple[Path, dict[str, Table]],
) -> None:
    folder, tables = reference
    assert {path.stem for path in (folder / "tables").iterdir()} == set(tables)


def test_what_is_shown_is_what_the_records_say(reference: tuple[Path, dict[str, Table]]) -> None:
    folder, tables = reference
    for name, table in tables.items():
        committed = (folder / "tables" / f"{name}.md").read_text(encoding="utf-8")
        assert committed == to_markdown(table), name


def test_what_is_computed_with_is_what_the_records_say(
    reference: tuple[Path, dict[str, Table]], tmp_path: Path
) -> None:
    folder, tables = reference
    for name, table in tables.items():
        to_frame(table).to_csv(tmp_path / "made.csv", index=False)
        made, committed = (
            pd.read_csv(path, dtype={"native": str})
            for path in (tmp_path / "made.csv", folder / "tables" / f"{name}.csv")
        )
        pd.testing.assert_frame_equal(
            made, committed, check_dtype=False, rtol=RELATIVE, atol=ABSOLUTE, obj=name
        )
