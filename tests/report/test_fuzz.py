"""A results folder of anybody's: one value changed in one of its files, whatever it is.

Each case is a folder that a report is made of, or that is refused by a sentence which names the
file. ``pytest --hypothesis-profile thorough tests/report/test_fuzz.py`` tries thousands.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report import page, summary, trust
from bench.report.tables.table import to_csv, to_markdown
from bench.results.evidence import Certificate, Check
from bench.results.folder import Results, ResultsError
from bench.stats import runs
from tests.records import EVIDENCE, make_record

VALUES: list[Any] = [
    *(None, True, 0, -1, 10**30, 0.0, -0.0, 1e308, 1e-320, -1e-300),
    *("", "x", "../..", "<b>", "\x00", "\x1b[2J", "\u202e", "a" * 10_000),
    *([], {}, [[]], [0], ["x"], [1e308] * 3),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small results folder with one file of each kind that reports read."""
    results = Results(tmp_path_factory.mktemp("whole"))
    for seed in (0, 1):
        results.save(make_record(seed=seed))
        results.save(make_record(seed=seed, framework="keras-jax", execution="compiled"))
    assert EVIDENCE.audit is not None
    results.save_evidence(EVIDENCE.audit)
    results.save_evidence(EVIDENCE.suite)
    check = Check(quantity="logits at step 0", deviation=1e-7, tolerance=4e-6, reason="rounding")
    record = make_record()
    results.save_certificate(
        Certificate(
            framework=record.experiment.framework,
            execution=record.experiment.execution,
            architecture=record.experiment.architecture,
            device="cpu",
            precision="fp32",
            threads=None,
            versions=record.versions,
            data="drawn",
            checks=(check,),
            made_at=record.started_at,
        )
    )
    return results.folder


def reported(results: Results) -> None:
    """Everything a report says; pictures left out, which take a second each."""
    records = results.records()
    groups = runs.replicates(records, results.evidence())
    assert [*summary.paragraphs(groups), *trust.sentences(groups, records)]
    for table in page.tables_of(groups):
        assert to_markdown(table)
        assert to_csv(table)


def refused(folder: Path) -> str:
    """The sentence by which a folder is refused; of one that is reported all its names."""
    try:
        reported(Results(folder))
    except ResultsError as refusal:
        return str(refusal)
    return " ".join(path.name for path in folder.rglob("*"))


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in JSON; of a long list the first entries."""
    parts = dict(enumerate(value[:5])) if isinstance(value, list) else value
    for key, part in parts.items() if isinstance(parts, dict) else ():
        yield (*path, key)
        yield from places(part, (*path, key))


def test_the_whole_folder_is_reported(whole: Path) -> None:
    reported(Results(whole))


@given(data=st.data())
def test_a_changed_value_is_refused_by_name_or_reported(
    data: st.DataObject, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("changed") / "folder"
    shutil.copytree(whole, folder)
    file = data.draw(st.sampled_from(sorted(folder.rglob("*.json"))))
    content = json.loads(file.read_bytes())
    del content["sha256"]
    *owners, last = data.draw(st.sampled_from(sorted(places(content), key=str)))
    owner = content
    for key in owners:
        owner = owner[key]
    if data.draw(st.booleans()):
        owner[last] = data.draw(st.sampled_from(VALUES))
    else:
        del owner[last]
    file.write_text(json.dumps(content))
    assert file.name in refused(folder)


@given(data=st.data())
def test_damaged_bytes_are_refused_by_name(
    data: st.DataObject, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damaged") / "folder"
    shutil.copytree(whole, folder)
    file = data.draw(st.sampled_from(sorted(folder.rglob("*.json"))))
    content = bytearray(file.read_bytes())
    start = data.draw(st.integers(0, len(content) - 1))
    content[start : start + data.draw(st.integers(1, 50))] = data.draw(st.binary(max_size=50))
    file.write_bytes(bytes(content))
    assert file.name in refused(folder)
