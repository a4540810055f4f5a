"""The report of a grid: ratios within blocks, then over machines; and which machine is odd."""

from __future__ import annotations

import csv
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import front
from bench.cluster import machines
from bench.cluster.grid import Block, Grid, Kind
from bench.cluster.machines import Machine, Row, Speed
from bench.stats import runs
from tests.parsed import parsed_files
from tests.records import EVIDENCE, EXPERIMENT, MACHINE, make_record

NODES, SEEDS = 5, 10
SLOW = "n3"  # at everything, by SLOWNESS
SLOWNESS, RATIO = 1.8, 2.0
EXPERIMENTS: tuple[dict[str, Any], ...] = (
    {"architecture": "mlp"},
    {"architecture": "cnn"},
    {"architecture": "mlp", "batch_size": 1024},
)


def fill(folder: Path, *, nodes: int = NODES, seeds: int = SEEDS, audited: bool = True) -> Grid:
    """Blocks of two frameworks, the second RATIO times as fast; noise of 1 % on every run."""
    grid, random = Grid(folder), np.random.default_rng(0)
    grid.announce(Kind(name="cpu", seeds=seeds, runs=2 * len(EXPERIMENTS)))
    for seed, name in enumerate(grid.names(grid.kinds()[0])):
        node = f"n{seed % nodes}"
        slowness = SLOWNESS if node == SLOW else 1.0
        for fields in EXPERIMENTS:
            for framework, execution, factor in (
                ("pytorch", "eager", 1.0),
                ("keras-jax", "compiled", 1 / RATIO),
            ):
                train_s = slowness * factor * math.exp(random.normal(0, 0.01))
                record = make_record(
                    seed=seed,
                    train_s=(train_s,),
                    accuracies=(0.9,),
                    framework=framework,
                    execution=execution,
                    **fields,
                )
                grid.results(name).save(record)
        if audited and EVIDENCE.audit is not None:
            grid.results(name).save_evidence(EVIDENCE.audit)
        at = "2026-01-01T00:00:00+00:00"
        block = Block(node=node, runs=6, state="done", began_at=at, ended_at=at)
        grid.save_block(name, block)
    return grid


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Grid:
    return fill(tmp_path_factory.mktemp("grid"))


@pytest.fixture(scope="module")
def content(grid: Grid) -> machines.Read:
    return machines.read(grid, [("cpu", name) for name in grid.names(grid.kinds()[0])])


def test_a_slow_machine_is_odd_and_no_other(content: machines.Read) -> None:
    speeds = {each.machine.node: each for each in machines.speeds(content.machines)}
    assert {node: each.odd for node, each in speeds.items()} == {
        f"n{number}": f"n{number}" == SLOW for number in range(NODES)
    }
    assert speeds[SLOW].ratio == pytest.approx(1 / SLOWNESS, rel=0.02)
    interval = speeds[SLOW].interval
    assert interval is not None
    assert interval.includes(speeds[SLOW].ratio)


def test_a_slow_machine_changes_no_ratio(content: machines.Read) -> None:
    found = machines.compare(content.machines)
    assert len(found) == len(EXPERIMENTS)
    for across in found:
        assert (across.contender, across.baseline) == (("keras-jax", "compiled"), machines.BASELINE)
        assert across.paired.ratio == pytest.approx(RATIO, rel=0.02)
        assert [within.blocks for within in across.within] == [SEEDS // NODES] * NODES
        assert across.outcome == "higher"


def a_machine(node: str, rates: dict[str, float], floors: tuple[float, ...] = ()) -> Machine:
    """One that ran one experiment in some blocks, each at a rate."""
    made = Machine(kind="cpu", node=node, host=runs.host(MACHINE), gpus="", floors=[*floors])
    made.rows = [
        Row(
            block=block,
            experiment=EXPERIMENT,
            fingerprint="",
            images_per_s=rate,
            disturbed=False,
        )
        for block, rate in rates.items()
    ]
    return made


def speeds_of(*listed: Machine) -> dict[str, Speed]:
    return {each.machine.node: each for each in machines.speeds(listed)}


def test_a_machine_within_the_noise_floor_is_not_odd() -> None:
    quick = {"x": 100.0, "y": 101.0}
    slower = {"x": 80.0, "y": 80.5}
    others = [a_machine(node, quick, (0.01,)) for node in "abc"]
    assert speeds_of(*others, a_machine("d", slower, (0.01,)))["d"].odd is True
    assert speeds_of(*others, a_machine("d", slower, (0.30,)))["d"].odd is False


def test_of_two_machines_and_of_one_value_none_is_called_odd() -> None:
    fast, slow = a_machine("a", {"x": 100.0, "y": 101.0}), a_machine("b", {"x": 50.0, "y": 51.0})
    assert {each.odd for each in speeds_of(fast, slow).values()} == {None}
    single = [a_machine(node, {"x": rate}) for node, rate in zip("abc", (9, 9, 1), strict=True)]
    assert {each.odd for each in speeds_of(*single).values()} == {None}
    assert speeds_of(fast) == {}


def of_jax(machine: Machine, *rates: float) -> Machine:
    """The same with the other framework in its blocks."""
    other = replace(EXPERIMENT, framework="jax", execution="compiled")
    machine.rows += [
        replace(row, experiment=other, images_per_s=rate)
        for row, rate in zip([*machine.rows], rates, strict=True)
    ]
    return machine


def test_a_machine_with_many_blocks_is_one_value() -> None:
    many = of_jax(a_machine("a", dict.fromkeys("uvwxyz", 10.0)), *(20.0,) * 6)
    one = of_jax(a_machine("b", {"x": 10.0}), 80.0)
    (across,) = machines.compare([many, one])
    assert across.paired.ratio == pytest.approx(4.0)  # of 2 and 8
    assert across.paired.n == 2


def test_a_block_that_was_disturbed_is_left_out_and_counted() -> None:
    machine = of_jax(a_machine("a", {"x": 10.0, "y": 10.0}), 20.0, 90.0)
    machine.rows[-1] = replace(machine.rows[-1], disturbed=True)
    (across,) = machines.compare([machine])
    assert across.paired.ratio == pytest.approx(2.0)
    assert across.left_out == 1
    assert across.outcome == "undecided"  # of one machine nothing is known of others


def test_rows_are_compared_within_their_blocks_alone() -> None:
    machine = of_jax(a_machine("a", {"x": 10.0}), 20.0)
    other = replace(machine.rows[1], block="y")
    machine.rows[1] = other
    assert machines.compare([machine]) == []


def test_frameworks_without_pytorch_stand_beside_the_first_of_them() -> None:
    machine = of_jax(a_machine("a", {"x": 10.0}), 20.0)
    numpy = replace(EXPERIMENT, framework="numpy", execution="eager")
    machine.rows[0] = replace(machine.rows[0], experiment=numpy)
    (across,) = machines.compare([machine])
    assert across.baseline == ("jax", "compiled")
    assert across.paired.ratio == pytest.approx(0.5)


def test_the_page_says_what_was_found_and_each_record_is_read_once(
    grid: Grid, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parsed = parsed_files(monkeypatch)
    assert front.run_all(["--collect", "--out", str(grid.folder)]) == 0
    records = [*grid.folder.glob("blocks/*/records/*.json")]
    assert {path: parsed[path] for path in records} == dict.fromkeys(records, 1)
    printed, page = capsys.readouterr().out, (grid.folder / "README.md").read_text()
    assert f"{SLOW} is odd: it trains at 0.5" in printed
    assert f"{SLOW} is odd" in page
    assert f"{SEEDS} blocks on {NODES} machines" in page
    heading = r"MLP on digits \(mnist\), CPU, batch size 1,024: keras-jax compiled trains at "
    assert re.search(rf"{heading}(1\.9|2\.0)", page)
    with (grid.folder / "machines.csv").open() as file:
        rows = {row["node"]: row for row in csv.DictReader(file)}
    assert {node: row["odd"] for node, row in rows.items()}[SLOW] == "odd"
    assert rows["n0"]["runs"] == str(len(records) // NODES)
    assert (grid.folder / "machines.png").stat().st_size > 10_000


def test_a_block_that_is_not_done_stands_on_the_page(tmp_path: Path) -> None:
    grid = fill(tmp_path, nodes=1, seeds=1, audited=False)
    grid.announce(Kind(name="cpu", seeds=2, runs=6))
    assert front.run_all(["--collect", "--out", str(tmp_path)]) == 1
    page = (tmp_path / "README.md").read_text()
    assert "- cpu-seed-01: not begun, 0 of 6 runs" in page
    assert "1 block on 1 machine" in page
    assert not (tmp_path / "machines.png").exists()


def test_subjects_that_differ_in_a_recipe_alone_are_told_apart(tmp_path: Path) -> None:
    grid = Grid(tmp_path)
    grid.announce(Kind(name="cpu", seeds=1, runs=4))
    for rate in (0.001, 0.01):
        for framework, execution in (("pytorch", "eager"), ("jax", "compiled")):
            fields: dict[str, Any] = {
                "framework": framework,
                "execution": execution,
                "learning_rate": rate,
            }
            grid.results("cpu-seed-00").save(make_record(**fields))
    block = Block(node="a", runs=4, state="done", began_at="2026-01-01T00:00:00+00:00")
    grid.save_block("cpu-seed-00", block)
    assert front.run_all(["--collect", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "README.md").read_text()
    assert "learning rate 0.001: jax compiled" in page
    assert "learning rate 0.01: jax compiled" in page
