"""Keeps the benchmarks out of a plain ``pytest``: ``pytest --benchmark-only`` runs them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.machine import hardware
from tests.benchmarks.framework_client import FrameworkProcesses

HERE = Path(__file__).parent
_LEFT_OUT = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect every test of this folder, unless benchmarks were asked for by an option."""
    if config.getoption("benchmark_only") or config.getoption("benchmark_enable"):
        return
    here = [item for item in items if HERE in item.path.parents]
    config.hook.pytest_deselected(items=here)
    items[:] = [item for item in items if HERE not in item.path.parents]
    config.stash[_LEFT_OUT] = len(here)


def pytest_report_collectionfinish(config: pytest.Config) -> str | None:
    left_out = config.stash.get(_LEFT_OUT, 0)
    return f"{left_out} benchmarks left out; --benchmark-only runs them" if left_out else None


def pytest_benchmark_update_machine_info(machine_info: dict[str, Any]) -> None:
    """Add the GPUs, by which ``python -m bench trend`` tells machines apart too."""
    machine_info["gpus"] = [gpu.name for gpu in hardware.gpus()]


@pytest.fixture(scope="session")
def processes() -> Iterator[FrameworkProcesses]:
    """The framework in hand in a process of its own; ended with the session."""
    with FrameworkProcesses() as processes:
        yield processes
