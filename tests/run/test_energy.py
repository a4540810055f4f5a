"""Energy: the window is long enough, and where nothing can be measured the reason is right."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from bench.results.record import Energy
from bench.run import energy
from tests.fakes import TRAIN_S_PER_IMAGE, FakeTrainer
from tests.machine.test_visible_gpus import PINNED, fake_driver

WATTS = 40.0


class FakeMeter:
    """Counts so many watts of the trainer's own clock."""

    name = "a meter"

    def __init__(self, trainer: FakeTrainer, update_s: float, watts: float = WATTS) -> None:
        self.trainer, self.update_s, self.watts = trainer, update_s, watts
        self.began_s = 0.0

    def begin(self) -> None:
        assert not self.trainer.queued_s, "opened while the device was at work"
        self.began_s = self.trainer.now_s

    def end(self) -> float:
        assert not self.trainer.queued_s, "closed while the device was at work"
        return (self.trainer.now_s - self.began_s) * self.watts


def a_trainer(images: int) -> FakeTrainer:
    """One that has arranged so many images, and is still at work on something."""
    trainer = FakeTrainer([0], [0.5])
    trainer.arrange(np.arange(images))
    return trainer


def measured(images: int, update_s: float = 0.001, watts: float = WATTS) -> Energy:
    trainer = a_trainer(images)
    return energy.measure(trainer, images, FakeMeter(trainer, update_s, watts), trainer.clock)


def test_training_is_repeated_until_the_window_is_long_enough() -> None:
    found = measured(images=2000)  # 2 s a call
    assert found.window_s == pytest.approx(6)
    assert found.images == 6000
    assert found.joules == pytest.approx(6 * WATTS)
    assert found.unavailable is None


def test_the_window_holds_a_hundred_updates_of_a_slow_counter() -> None:
    found = measured(images=2000, update_s=0.1)
    assert found.window_s == pytest.approx(10)
    assert found.images == 10_000


def test_work_given_before_the_window_is_not_in_it() -> None:
    found = measured(images=5000)
    assert found.joules == pytest.approx(5000 * TRAIN_S_PER_IMAGE * WATTS)


def test_a_counter_that_stands_still_is_no_zero_joules() -> None:
    found = measured(images=5000, watts=0.0)
    assert found.joules is None
    assert found.images is None
    assert found.unavailable == "the counter stood still for 5.0 s"


def a_counter(root: Path) -> Path:
    """RAPL's files for one processor package, as the system lays them out."""
    zone = root / "intel-rapl" / "intel-rapl:0"
    zone.mkdir(parents=True)
    (zone / "name").write_text("package-0\n")
    (zone / "max_energy_range_uj").write_text("262143328850\n")
    (zone / "energy_uj").write_text("1000\n")
    return zone / "energy_uj"


def test_a_machine_without_counters_says_where_it_looked(tmp_path: Path) -> None:
    found = energy.find("cpu", tmp_path / "powercap" / "intel-rapl")
    assert isinstance(found, str)
    assert found.startswith(f"no RAPL counters under {tmp_path / 'powercap'} ")


@pytest.mark.skipif(energy.RAPL.exists(), reason="this machine has RAPL")
def test_this_machine_has_no_rapl_and_the_record_says_so() -> None:
    found = energy.read("cpu", a_trainer(1), 1)
    assert found.joules is None
    assert found.unavailable is not None
    assert found.unavailable.startswith("no RAPL counters under /sys/class/powercap ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_counters_for_root_alone_name_the_file_and_what_to_do(tmp_path: Path) -> None:
    counter = a_counter(tmp_path)
    counter.chmod(0)
    found = energy.find("cpu", tmp_path / "intel-rapl")
    assert found == (f"no permission to read {counter}: run as root, or sudo chmod a+r {counter}")


def test_a_counter_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    counter = a_counter(tmp_path)
    counter.unlink()
    counter.mkdir()
    found = energy.find("cpu", tmp_path / "intel-rapl")
    assert isinstance(found, str)
    assert found.startswith(f"{counter} cannot be read: ")


def test_readable_counters_without_zeus_say_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_counter(tmp_path)
    monkeypatch.setitem(sys.modules, "zeus.monitor", None)  # as if not installed
    monkeypatch.setitem(sys.modules, "zeus", None)
    found = energy.find("cpu", tmp_path / "intel-rapl")
    assert isinstance(found, str)
    assert "pip install -c requirements-optional.txt zeus" in found


def test_a_device_without_a_known_counter_is_named() -> None:
    assert energy.find("mps") == "this project knows no counter of energy for the device mps"


@pytest.fixture
def seen_by_zeus(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str | None, list[int]]]:
    """A zeus that keeps the variable as it found it, and the GPUs that it was to count."""
    seen: list[tuple[str | None, list[int]]] = []

    class Monitor:
        gpus = types.SimpleNamespace(supports_get_total_energy_consumption=lambda number: True)
        cpu_indices = ()

        def __init__(self, gpu_indices: list[int], cpu_indices: list[int] | None) -> None:
            seen.append((os.environ.get("CUDA_VISIBLE_DEVICES"), gpu_indices))

    fake = types.ModuleType("zeus.monitor")
    fake.ZeusMonitor = Monitor  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "zeus", types.ModuleType("zeus"))
    monkeypatch.setitem(sys.modules, "zeus.monitor", fake)
    return seen


@pytest.mark.parametrize(("visible", "number"), [(None, "0"), (PINNED, "2"), ("1,0", "1")])
def test_the_gpu_that_is_used_is_the_one_that_is_metered(
    monkeypatch: pytest.MonkeyPatch,
    seen_by_zeus: list[tuple[str | None, list[int]]],
    visible: str | None,
    number: str,
) -> None:
    fake_driver(monkeypatch, visible=visible)
    assert not isinstance(energy.find("cuda:1"), str)
    assert seen_by_zeus == [(number, [0])]
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == visible


def test_of_a_mig_instance_no_energy_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_driver(monkeypatch, visible="MIG-2")
    found = energy.find("cuda")
    assert isinstance(found, str)
    assert "MIG instance" in found


def test_a_run_on_the_cpu_shows_zeus_no_gpu(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    seen_by_zeus: list[tuple[str | None, list[int]]],
) -> None:
    fake_driver(monkeypatch, visible="-1")  # which zeus would take for the number of one
    a_counter(tmp_path)
    energy.find("cpu", tmp_path / "intel-rapl")
    assert seen_by_zeus == [("", [])]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"


def test_zeus_reads_what_the_counters_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rapl = pytest.importorskip("zeus.device.cpu.rapl", reason="zeus is an optional package")
    counter = a_counter(tmp_path)
    monkeypatch.setattr(rapl, "RAPL_DIR", str(tmp_path / "intel-rapl"))
    monkeypatch.setattr(energy, "SETTLE_S", 0.0)
    rapl.rapl_is_available.cache_clear()
    meter = energy.find("cpu", tmp_path / "intel-rapl")
    assert not isinstance(meter, str), meter
    meter.begin()
    counter.write_text("3501000\n")  # microjoules
    assert meter.end() == pytest.approx(3.5)
