"""From options to a plan."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bench import UsageError
from bench.cli import parse
from bench.machine import hardware
from bench.plan import Plan, make_plan
from bench.run.estimate import expected_s
from bench.run.progress import title
from bench.trainers import FRAMEWORKS
from tests.fakes import an_experiment
from tests.machine.test_devices import T4
from tests.records import MACHINE, make_data

SAID_OF_T4 = (
    "Precision tf32 is left out on cuda: Tesla T4 has compute capability 7.5, and tf32 needs 8.0."
)

# The whole plan, on a few drawn images


def a_plan(tmp_path: Path, *words: str) -> Plan:
    drawn = ("--source", "glyphs", "--glyphs-images", "1000", "--task", "digits")
    return make_plan(parse([*drawn, "--device", "cpu", "--out", str(tmp_path / "out"), *words]))


def test_init_native_leaves_the_initial_weights_to_the_frameworks(tmp_path: Path) -> None:
    assert {e.native for e in a_plan(tmp_path).experiments} == {()}
    native = a_plan(tmp_path, "--init", "native")
    assert {e.native for e in native.experiments} == {("bias-init", "kernel-init")}


def test_each_value_of_a_list_is_an_experiment_of_its_own(tmp_path: Path) -> None:
    one = ("--framework", "numpy", "--architecture", "mlp")
    lists = ("--optimizer", "adam,sgd", "--learning-rate", "0.001,0.01", "--epochs", "1,2")
    plan = a_plan(tmp_path, *one, *lists, "--init", "matched,native")
    found = [(e.optimizer, e.learning_rate, e.epochs, bool(e.native)) for e in plan.experiments]
    wanted = itertools.product(("adam", "sgd"), (0.001, 0.01), (1.0, 2.0), (False, True))
    assert sorted(found) == sorted(wanted)
    titles = {title(run) for run in plan.runs}
    assert len(titles) == len(plan.runs)
    assert "digits mlp numpy eager cpu batch 128 epochs 2 sgd 0.01 seed 0" in titles


def test_more_threads_than_processors_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--threads 9999: this process may use \d+ logical"):
        a_plan(tmp_path, "--threads", "1,9999")


def test_a_precision_that_nothing_offers_is_said_to_be_left_out(tmp_path: Path) -> None:
    assert any("tf32 is left out" in n for n in a_plan(tmp_path, "--precision", "fp32,tf32").notes)
    with pytest.raises(UsageError, match="nothing to run"):
        a_plan(tmp_path, "--precision", "tf32")


def test_a_precision_that_the_gpu_lacks_is_said_to_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "observe", lambda: replace(MACHINE, gpus=(T4,)))
    words = ("--device", "cuda", "--precision")
    plan = a_plan(tmp_path, *words, "fp32,tf32")
    assert {experiment.precision for experiment in plan.experiments} == {"fp32"}
    assert [note for note in plan.notes if "tf32" in note] == [SAID_OF_T4]
    with pytest.raises(UsageError, match=f"nothing to run: {re.escape(SAID_OF_T4)}"):
        a_plan(tmp_path, *words, "tf32")


def test_a_comparison_of_what_is_never_run_alike_is_an_error(tmp_path: Path) -> None:
    words = ("--preset", "paper", "--seeds", "auto", "--between", "pytorch,keras-tensorflow")
    drawn = ("--source", "glyphs", "--glyphs-images", "1000", "--device", "cpu")
    with pytest.raises(UsageError, match="differ in framework and execution alone"):
        make_plan(parse([*drawn, *words, "--out", str(tmp_path / "out")]))


def test_a_comparison_with_a_framework_that_is_not_run_is_an_error(tmp_path: Path) -> None:
    words = ("--seeds", "auto", "--between", "numpy,pytorch", "--framework", "numpy")
    with pytest.raises(UsageError, match=r"--between numpy,pytorch: pytorch is not among"):
        a_plan(tmp_path, *words)


# About how long a run takes: in the right order, if not to the second

EXPERIMENT = an_experiment(batch_size=128, epochs=5)
DATA = make_data(EXPERIMENT)


def test_more_epochs_take_longer() -> None:
    assert expected_s(an_experiment(batch_size=128, epochs=50), DATA) > expected_s(EXPERIMENT, DATA)


def test_small_batches_take_longer() -> None:
    assert expected_s(an_experiment(batch_size=2, epochs=5), DATA) > expected_s(EXPERIMENT, DATA)


def test_compiling_takes_longer_to_begin_with() -> None:
    compiled = an_experiment(batch_size=128, epochs=5, execution="compiled")
    assert expected_s(compiled, DATA) > expected_s(EXPERIMENT, DATA)


def test_timing_steps_alone_takes_less_than_training_with_evaluations() -> None:
    assert expected_s(
        an_experiment(batch_size=128, epochs=5, goal="throughput"), DATA
    ) < expected_s(EXPERIMENT, DATA)


def test_every_execution_of_every_framework_has_a_measured_rate() -> None:
    for framework in FRAMEWORKS.values():
        assert framework.default in framework.executions
        assert all(rate > 0 for rates in framework.rates.values() for rate in rates)


# Replicas


def test_replicas_stand_beside_what_users_get_and_weak_ones_have_larger_batches(
    tmp_path: Path,
) -> None:
    words = ("--replicas", "1,2", "--scaling", "strong,weak", "--batch-size", "64")
    plan = a_plan(tmp_path, *words, "--framework", "pytorch", "--architecture", "mlp")
    planned = {(e.execution, e.replicas, e.batch_size) for e in plan.experiments}
    assert planned == {
        ("eager", 1, 64),
        ("data-parallel", 1, 64),
        ("data-parallel", 2, 64),
        ("data-parallel", 2, 128),
    }


def test_frameworks_without_replicas_are_left_to_those_that_have_them(tmp_path: Path) -> None:
    found = {e.framework for e in a_plan(tmp_path, "--replicas", "2").experiments}
    assert found == {"pytorch", "keras-jax", "keras-tensorflow"}
    for name, why in (("keras-torch", "Keras's distribution API"), ("numpy", "knows one process")):
        with pytest.raises(UsageError, match=f"--replicas with {name}: .*{why}.*choose from"):
            a_plan(tmp_path, "--replicas", "2", "--framework", name)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--batch-size", "2"), "a batch of 2 cannot be shared out among so many"),
        (("--framework", "keras-jax", "--batch-size", "126"), "which 126 images cannot be"),
        (("--architecture", "gnn"), "nothing chosen can be shared out"),
    ],
)
def test_what_cannot_be_shared_out_is_an_error(
    words: tuple[str, ...], why: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=why):
        a_plan(tmp_path, "--replicas", "4", *words)


def test_each_replica_needs_a_gpu_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "observe", lambda: replace(MACHINE, gpus=(T4,)))
    with pytest.raises(UsageError, match=r"--replicas 2 on cuda: each needs a GPU of its own"):
        a_plan(tmp_path, "--replicas", "1,2", "--device", "cuda")


def test_more_replicas_than_processors_take_turns_and_the_plan_says_so(tmp_path: Path) -> None:
    plan = a_plan(tmp_path, "--replicas", "128", "--framework", "pytorch")
    assert any(note.startswith("128 replicas share") for note in plan.notes)
