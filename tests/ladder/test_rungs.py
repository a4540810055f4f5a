"""Rungs are read from their source: what they say, what they stand on, who changed them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bench import UsageError
from bench.ladder import rungs
from tests.ladder import own_rungs


def test_every_rung_stands_on_one_of_its_device_and_ladder_or_on_the_ground() -> None:
    for framework in rungs.FRAMEWORKS:
        for ladder in rungs.LADDERS:
            for device in rungs.DEVICES:
                try:
                    found = rungs.find(framework, device, ladder)
                except UsageError:
                    continue
                for rung in found:
                    assert rung.former is None or device in rung.former.devices, rung.name


def test_what_a_rung_replaces_is_told_in_its_first_line_alone() -> None:
    for rung in rungs.find("pytorch", "cpu"):
        assert 10 < len(rung.idea) <= 100
        assert rung.idea.endswith(".")


def test_a_newcomer_s_rung_is_found_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = own_rungs.write(tmp_path, rung_90_newcomer=own_rungs.HONEST)
    monkeypatch.syspath_prepend(tmp_path)
    (rung,) = rungs.find("pytorch", "cpu", package=package)
    assert rung.idea == "A newcomer's idea: one layer."
    assert rung.former is not None
    assert rung.former.name == "rung_06_one_cycle"
    assert (rung.seeds, rung.devices, rung.environment) == (2, ("cpu",), {"NEWCOMER": "1"})
    with pytest.raises(UsageError, match="no rung of pytorch on cuda"):
        rungs.find("pytorch", "cuda", package=package)


def test_a_change_below_changes_the_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upper = '"""An idea."""\nfrom NEWCOMERS import rung_90_lower as former\n'
    package = own_rungs.write(tmp_path, rung_90_lower='"""One."""\n', rung_91_upper=upper)
    monkeypatch.syspath_prepend(tmp_path)
    before = rungs.read(f"{package}.rung_91_upper").sha256
    (tmp_path / package / "rung_90_lower.py").write_text('"""One."""\nx = 1\n')
    rungs.read.cache_clear()
    assert rungs.read(f"{package}.rung_91_upper").sha256 != before


def test_an_environment_is_handed_upwards() -> None:
    kept = rungs.read("bench.ladder.pytorch.rung_15_memory")
    assert kept.former is not None
    assert kept.environment == kept.former.environment | {"GOMP_SPINCOUNT": "10000"}


def test_a_rung_is_climbed_with_the_one_below_it() -> None:
    every = rungs.find("pytorch", "cpu")
    names = [rung.name for rung in rungs.chosen(every, ["rung_06"])]
    assert names == ["rung_05_network", "rung_06_one_cycle"]
    with pytest.raises(UsageError, match="wanted one of rung_00_published"):
        rungs.chosen(every, ["rung_99"])


def test_a_file_without_an_idea_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = own_rungs.write(tmp_path, rung_90_mute="RUNG = None\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UsageError, match="first line has to say the idea"):
        rungs.find("pytorch", "cpu", package=package)


def test_cheats_in_the_tests_are_python() -> None:
    for name in ("SEES_THE_TEST", "LEAVES_STEPS_OUT", "SEES_LESS", "LEARNS_IN_THE_WARM_UP"):
        ast.parse(own_rungs.HONEST + getattr(own_rungs, name))
