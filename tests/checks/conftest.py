"""What several tests of the checks run on."""

from __future__ import annotations

from pathlib import Path

import pytest

import datasets
from bench.checks import arms
from bench.machine import hardware
from bench.results.folder import Results
from bench.run import versions
from bench.run.material import describe
from bench.run.scheduler import Site
from tests.suite_process import PATIENCE_S


@pytest.fixture(scope="module")
def site() -> Site:
    """A thousand drawn digits, and the framework that starts fastest."""
    prepared = datasets.prepare("digits", source="glyphs", glyphs_images=1000)
    data = describe(datasets.open_cached(prepared.folder))
    return Site(
        results=Results(Path()),
        data={("digits", "glyphs"): (prepared.folder, data)},
        machine=hardware.observe(),
        timeout_s=PATIENCE_S,
        pythons={},
        versions={"numpy": versions.installed(["numpy"])},
    )


@pytest.fixture
def each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run of an arm is repeated: other tests beside it disturb every one."""
    monkeypatch.setattr(arms, "REPEATS", 0)
