"""An entry is all that a framework or a device needs outside its own trainer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.trainers import FRAMEWORKS
from tests.imports import ROOT

# What is read when a module is imported, such as the choices of the command line, is read after
# the entries are planted: hence a process of its own.
PLANTED = """
from dataclasses import replace

from bench.machine import devices
from bench.trainers import FRAMEWORKS

FRAMEWORKS["planted"] = replace(
    FRAMEWORKS["numpy"],
    devices=("cpu", "npu"),
    rates={"eager": (1_000.0, 100.0), "lazy": (10.0, 1.0)},
    default="lazy",
    environment={"PLANTED": "1"},
    out_of_memory=("the plant pot is full",),
    colour="#123456",
    marker="*",
)
devices.DEVICES["npu"] = replace(
    devices.DEVICES["cuda"], label="Neural", absent="this is {system}", environment={"NPU": "all"},
    present=lambda here: "npu" in here.system, precisions=("fp32",), speed_up=100.0,
)
"""
CHECKED = """
from bench.cli import parse
from bench.machine.devices import choose_devices
from bench.run.estimate import expected_s
from bench.presets import Grid, TaskSource, expand
from bench.report import wording
from bench.report.plots import style
from bench.run.environment import environment
from bench.run.leaving import classify
from bench import UsageError
from tests.records import MACHINE, make_data

options = parse(
    ["--framework", "planted", "--device", "cpu,npu", "--execution", "lazy", "--dry-run"]
)
assert options.frameworks == ("planted",) and options.devices == ("cpu", "npu")

there = replace(MACHINE, system="npu OS")
assert choose_devices(None, there) == ("cpu", "npu") and choose_devices(None, MACHINE) == ("cpu",)
try:
    choose_devices(("npu",), MACHINE)
except UsageError as error:
    assert str(error) == f"--device npu: this is {MACHINE.system}"

grid = Grid(frameworks=("planted",), devices=("cpu", "npu"), architectures=("mlp",),
            tasks=("digits",), precisions=("fp32", "tf32"))
on_cpu, on_npu = expand([grid], [TaskSource(task="digits", source="glyphs", targets=())], {})
assert (on_cpu.device, on_npu.device, on_npu.execution) == ("cpu", "npu", "lazy")
data = make_data(on_cpu)
assert expected_s(on_cpu, data) > 10 * expected_s(on_npu, data)

assert wording.device("npu") == "Neural" and wording.framework(on_npu) == "planted lazy"
eager, lazy = style.look_of(replace(on_cpu, execution="eager")), style.look_of(on_cpu)
assert eager.colour == "#123456" and eager.marker == lazy.marker == "*"
assert eager.colour != lazy.colour and eager.line != lazy.line

given = environment(on_npu, {})
assert given["PLANTED"] == "1" and given["NPU"] == "all"
assert classify(RuntimeError("the plant pot is full"))[0] == "out of memory"
"""


def test_a_planted_framework_and_device_are_known_everywhere() -> None:
    command = [sys.executable, "-c", PLANTED + CHECKED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_without_its_entries_the_same_is_refused() -> None:
    command = [sys.executable, "-c", "from dataclasses import replace\n" + CHECKED]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "unknown framework 'planted'" in done.stderr


@pytest.mark.parametrize("field", ["colour", "marker"])
def test_no_two_frameworks_look_alike(field: str) -> None:
    assert len({getattr(framework, field) for framework in FRAMEWORKS.values()}) == len(FRAMEWORKS)
