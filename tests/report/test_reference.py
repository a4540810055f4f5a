"""The committed tables of the reference runs are what the code makes of their records."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from bench.report.page import tables_of
from bench.report.tables.table import to_frame, to_markdown
from bench.results import made
from bench.results.folder import Results
from bench.stats import runs
from tests.imports import ROOT

REFERENCES = sorted(path.parent for path in (ROOT / "results/reference").glob("*/records"))
# Libraries of other versions and processors round the last digits otherwise.
RELATIVE, ABSOLUTE = 1e-6, 1e-12


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The tables of a folder made anew, by name."""

    folder: Path  # of the committed tables
    shown: dict[str, str]  # Markdown
    computed: dict[str, pd.DataFrame] = field(repr=False)


@pytest.fixture(scope="module", params=REFERENCES, ids=lambda folder: folder.name)
def reference(request: pytest.FixtureRequest) -> Reference:
    """A folder, and its tables made anew."""
    results = Results(request.param)
    tables = tables_of(runs.replicates(results.require_records(), results.evidence()))
    filled = [table for table in tables if table.sections]
    return Reference(
        folder=request.param / "tables",
        shown={table.name: to_markdown(table) for table in filled},
        computed={table.name: to_frame(table) for table in filled},
    )


def test_there_are_references() -> None:
    assert REFERENCES


def test_every_table_is_committed_and_none_besides(reference: Reference) -> None:
    tables = {path.stem for path in reference.folder.iterdir()}
    assert tables - {made.LIST} == set(reference.shown)  # which a report leaves, and git ignores


def test_what_is_shown_is_what_the_records_say(reference: Reference) -> None:
    for name, shown in reference.shown.items():
        committed = (reference.folder / f"{name}.md").read_text(encoding="utf-8")
        assert committed.splitlines() == shown.splitlines(), name


def test_what_is_computed_with_is_what_the_records_say(
    reference: Reference, tmp_path: Path
) -> None:
    for name, frame in reference.computed.items():
        frame.to_csv(tmp_path / "made.csv", index=False)
        computed, committed = (
            pd.read_csv(path) for path in (tmp_path / "made.csv", reference.folder / f"{name}.csv")
        )
        pd.testing.assert_frame_equal(computed, committed, rtol=RELATIVE, atol=ABSOLUTE, obj=name)
