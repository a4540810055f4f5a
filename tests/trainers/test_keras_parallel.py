"""Keras on several replicas, each backend in a process of its own."""

from __future__ import annotations

import pytest

from bench.experiment import PARALLEL
from bench.run.environment import environment
from bench.trainers import FRAMEWORKS
from tests.fakes import an_experiment
from tests.trainers.test_trainers import run_contract, skip_without

FILES = ("tests/trainer_replicas.py",)


@pytest.mark.thorough
@pytest.mark.parametrize("framework", ["keras-jax", "keras-tensorflow"])
def test_two_replicas_share_the_work_and_mistakes_are_caught(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    skip_without(framework)
    experiment = an_experiment(framework=framework, execution=PARALLEL, replicas=2)
    for name in FRAMEWORKS[framework].flags_of_replicas:
        monkeypatch.setenv(name, environment(experiment, {})[name])
    ended = run_contract(framework, execution=PARALLEL, files=FILES)
    assert ended.returncode == 0, ended.stdout[-8000:]


def test_the_devices_of_jax_are_asked_for_beside_what_the_user_has_set() -> None:
    experiment = an_experiment(framework="keras-jax", execution=PARALLEL, replicas=4)
    given = environment(experiment, {"XLA_FLAGS": "--xla_dump_to=/tmp"})["XLA_FLAGS"]
    assert given == "--xla_dump_to=/tmp --xla_force_host_platform_device_count=4"
    assert "XLA_FLAGS" not in environment(an_experiment(framework="keras-jax"), {})
