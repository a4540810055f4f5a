"""PyTorch's executions beside the referee, and what of CUDA graphs can be shown without a GPU.

A tape stands in for a graph (``tests/tape.py``): it replays operations with the addresses and plain
numbers of the recording, as a graph does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.checks import trial
from bench.checks.examine import examine
from bench.experiment import Experiment
from bench.machine import heap
from bench.results.evidence import Check
from bench.trainers import FRAMEWORKS, Setup, Trainer, Weights
from tests.checks.test_examine import CLEARLY, QUIET, drawn
from tests.fakes import an_experiment
from tests.trainers.test_trainers import TRAINING, run_contract

torch = pytest.importorskip("torch")

from bench.trainers import pytorch, torch_device, torch_executions  # noqa: E402
from tests.tape import TapeRecorder  # noqa: E402

# TorchInductor's own code, when it is first imported
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.:DeprecationWarning")


def assert_same(one: Weights, other: Weights) -> None:
    for name, array in one.items():
        np.testing.assert_array_equal(other[name], array, err_msg=name)


def certified(execution: str, architecture: str = "mlp") -> dict[str, Check]:
    """The checks from one start at which no rounding decides anything."""
    subject = trial.of(
        an_experiment(framework="pytorch", execution=execution, architecture=architecture)
    )
    checks, _ = examine(pytorch.create, subject, drawn(), starts=QUIET[:1])
    return {check.quantity: check for check in checks}


def a_trainer(execution: str, **changes: Any) -> Trainer:
    """Of 101 images of noise in batches of 32, its data in place."""
    random = np.random.default_rng(0)
    experiment = an_experiment(framework="pytorch", execution=execution, batch_size=32)
    images = random.standard_normal((101, 28, 28), dtype=np.float32)
    trainer = pytorch.create(
        Setup(
            experiment=replace(experiment, **changes),
            seed=0,
            classes=10,
            train_images=images,
            train_labels=random.integers(0, 10, 101),
            validation_images=images[:40],
            test_size=30,
        )
    )
    trainer.build()
    trainer.transfer()
    trainer.arrange(np.arange(101))
    return trainer


@pytest.fixture
def tapes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_executions, "Recorder", TapeRecorder)


# Every execution


def test_pytorch_has_a_way_for_each_execution_it_offers() -> None:
    for word in FRAMEWORKS["pytorch"].executions:
        assert torch_executions.compiler(word)
    assert set(FRAMEWORKS["pytorch"].executions_on("cpu")) == {
        "eager",
        "tuned",
        "compiled",
        "compiled-step",
        "data-parallel",
    }


@pytest.mark.thorough
def test_a_step_compiled_whole_is_the_step_of_eager() -> None:
    eager, compiled = (
        a_trainer(word, dropout=False, optimizer="adam") for word in ("eager", "compiled-step")
    )
    for trainer in (eager, compiled):
        trainer.train()
    assert compiled.observed_execution() == "compiled-step"
    assert compiled.mean_loss() == pytest.approx(eager.mean_loss(), rel=1e-6)
    wanted = eager.weights()
    for name, array in compiled.weights().items():
        np.testing.assert_allclose(array, wanted[name], atol=1e-5, err_msg=name)


# Channels last


def test_channels_last_is_another_layout_of_the_same_steps() -> None:
    first = {"architecture": "cnn", "dropout": False, "native": ("memory-layout",)}
    eager, last = (a_trainer(word, **first) for word in ("eager", "channels-last"))
    for trainer in (eager, last):
        trainer.train()
    assert eager.settings()["memory layout"] == "channels first"
    assert last.settings()["memory layout"] == "channels last"
    assert last.observed_execution() == "channels-last"
    wanted = eager.weights()
    for name, array in last.weights().items():
        np.testing.assert_allclose(array, wanted[name], atol=1e-5, err_msg=name)


def test_channels_last_is_for_convolutions_on_a_gpu() -> None:
    pytorch = FRAMEWORKS["pytorch"]
    assert "channels-last" in pytorch.executions_on("cuda", "cnn")
    assert "channels-last" not in pytorch.executions_on("cuda", "mlp")
    assert "channels-last" not in pytorch.executions_on("cpu", "cnn")


# Tuned for a CPU


def test_tuning_changes_no_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "keep", lambda: heap.KEPT)  # this process is not its own
    ended = []
    for word in ("eager", "tuned"):
        trainer = a_trainer(word)
        trainer.train()
        ended.append(trainer.weights())
    assert trainer.observed_execution() == "tuned"
    assert_same(*ended)


def test_answers_in_blocks_are_those_of_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "keep", lambda: heap.KEPT)
    images = np.random.default_rng(1).standard_normal((300, 28, 28), dtype=np.float32)
    whole, blocks = (a_trainer(word, architecture="cnn") for word in ("eager", "tuned"))
    np.testing.assert_allclose(blocks.infer(images), whole.infer(images), atol=1e-5)
    assert blocks.settings()["freed memory"] == heap.KEPT
    assert "freed memory" not in whole.settings()


def test_a_network_without_convolutions_answers_all_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heap, "keep", lambda: heap.KEPT)
    tuned = torch_executions.choose("tuned")
    mlp, cnn = torch.nn.Linear(2, 2), torch.nn.Conv2d(1, 1, 3)
    assert tuned.answers(mlp, mlp) is mlp
    assert tuned.answers(cnn, cnn) is not cnn


# Replayed by torch.compile


def test_what_a_graph_would_copy_before_each_replay_is_the_batch_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied: list[list[tuple[int, ...]]] = []

    def look(graph: Any, _: Any) -> Any:
        inputs = [node for node in graph.graph.nodes if node.op == "placeholder"]
        copied.append(
            [
                tuple(node.meta["example_value"].shape)
                for node in inputs
                if "_dynamo_static_input_type" not in node.meta["tensor_dict"]
            ]
        )
        return graph

    compile_for_real = torch.compile
    monkeypatch.setattr(
        torch, "compile", lambda work, **_: compile_for_real(work, dynamic=False, backend=look)
    )
    trainer = a_trainer("reduce-overhead")
    trainer.train()
    assert copied == [[(32,)], [(5,)]]


def test_images_are_renewed_where_they_lie() -> None:
    for word in ("reduce-overhead", "cuda-graph"):
        held, given = torch.zeros(3), torch.ones(3)
        where = held.data_ptr()
        renewed = torch_executions.choose(word).renewed(held, given)
        assert renewed.data_ptr() == where
        assert renewed.tolist() == [1, 1, 1]


# A recorded step


@pytest.mark.usefixtures("tapes")
def test_a_recorded_step_does_the_work_of_the_referee() -> None:
    checks = certified("cuda-graph")
    assert [check.quantity for check in checks.values() if not check.passed] == []


@pytest.mark.usefixtures("tapes")
def test_an_epsilon_that_is_frozen_in_the_recording_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def frozen(_: Any, network: Any, experiment: Experiment) -> Any:
        """Of Adam PyTorch's own, and the ε of each step set in Python before it, as eager does."""
        if experiment.optimizer == "sgd":
            return torch_executions.recordable_optimizer(network, experiment)
        own = replace(experiment, native=("adam-epsilon",))
        adam = torch_executions.recordable_optimizer(network, own)
        adam.param_groups[0] |= {"epsilon_hat": experiment.adam_epsilon, "steps_begun": 0}
        adam.register_step_pre_hook(torch_device._set_epsilon)
        return adam

    monkeypatch.setattr(torch_executions.CudaGraph, "optimizer", frozen)
    checks = certified("cuda-graph")
    for quantity in ("losses of 20 steps by Adam", "logits after 20 steps by Adam"):
        assert checks[quantity].deviation > CLEARLY * checks[quantity].tolerance, quantity
    assert checks["losses of 20 steps by momentum"].passed


def test_a_recorded_step_keeps_the_contract_of_a_trainer() -> None:
    tests = "adam-mlp or warm_up_leaves or renewed_images_are or dropout_is_on"
    ended = run_contract(
        "pytorch",
        "-p",
        "tests.tape",
        "-k",
        tests,
        execution="cuda-graph",
        files=(TRAINING,),
    )
    assert ended.returncode == 0, ended.stdout[-8000:]


@pytest.mark.usefixtures("tapes")
def test_what_ran_is_told_by_the_replays() -> None:
    trainer = a_trainer("cuda-graph")
    assert trainer.observed_execution() == "eager"
    trainer.train()
    assert trainer.observed_execution() == "cuda-graph"
    assert trainer.steps_done() == 4


@pytest.mark.usefixtures("tapes")
@pytest.mark.parametrize(
    ("optimizer", "native", "name"),
    [
        ("sgd", (), "SGD, fused"),
        ("adam", (), "Adam with epsilon hat, fused"),
        ("adam", ("adam-epsilon",), "Adam, fused"),
    ],
)
def test_a_recorded_optimiser_is_the_one_of_eager(
    optimizer: Any, native: tuple[str, ...], name: str
) -> None:
    ended = []
    for word in ("eager", "cuda-graph"):
        trainer = a_trainer(word, optimizer=optimizer, native=native, momentum=0.9, dropout=False)
        for _ in range(3):
            trainer.train()
        assert trainer.settings()["optimiser"] == name
        assert trainer.steps_done() == 12
        ended.append(trainer.weights())
    for key, array in ended[0].items():
        np.testing.assert_allclose(ended[1][key], array, atol=2e-6, err_msg=key)


def test_the_table_of_rates_ends_where_they_no_longer_change() -> None:
    rates = torch_executions.corrected_rates(1e-3)
    t = np.arange(1, len(rates), dtype=np.float64)
    wanted = 1e-3 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    np.testing.assert_allclose(rates[1:].numpy(), wanted, rtol=1e-7)
    assert rates[-1].item() == np.float32(1e-3)


def test_a_number_read_off_the_device_cannot_be_recorded() -> None:
    with pytest.raises(RuntimeError, match="cannot read a number"):
        TapeRecorder().record(lambda: print(torch.ones(()).item()))
