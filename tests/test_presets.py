"""From lists of choices to experiments."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.presets import (
    BATCH_SIZES,
    PRESETS,
    Grid,
    Schedule,
    TaskSource,
    expand,
    for_tasks,
    restrict,
)
from bench.trainers import FRAMEWORKS, restorable
from models import COMPARED
from tests.fakes import an_experiment

SOURCES = [
    TaskSource(task="digits", source="mnist", targets=(0.97, 0.99)),
    TaskSource(task="letters", source="az-sample", targets=(0.85, 0.93)),
]
SCHEDULES = {"mnist": Schedule(epochs=3, evaluations_per_epoch=2), "az-sample": Schedule(epochs=7)}


def test_a_grid_is_every_combination_once() -> None:
    experiments = expand([Grid(), Grid()], SOURCES, SCHEDULES)
    wanted = len(SOURCES) * len(COMPARED) * len(FRAMEWORKS)
    assert len(experiments) == len(set(experiments)) == wanted


def test_epochs_evaluations_and_targets_come_from_the_source() -> None:
    found = expand([Grid(frameworks=("pytorch",), architectures=("mlp",))], SOURCES, SCHEDULES)
    told = [(e.epochs, e.evaluations_per_epoch, e.targets) for e in found]
    assert told == [(3, 2, (0.97, 0.99)), (7, 1, (0.85, 0.93))]


def test_the_default_execution_is_what_the_users_of_a_framework_get() -> None:
    found = expand([Grid(tasks=("digits",), architectures=("mlp",))], SOURCES, SCHEDULES)
    assert {e.framework: e.execution for e in found} == {
        "pytorch": "eager",
        "keras-tensorflow": "graph",
        "keras-jax": "compiled",
        "keras-torch": "eager",
        "jax": "compiled",
        "numpy": "eager",
    }


def test_the_default_of_keras_on_tensorflow_is_xla_on_a_gpu() -> None:
    grid = Grid(devices=("cpu", "cuda"), frameworks=("keras-tensorflow",))
    found = {(e.device, e.execution) for e in expand([grid], SOURCES, SCHEDULES)}
    assert found == {("cpu", "graph"), ("cuda", "compiled")}


@pytest.mark.parametrize(
    ("architecture", "device", "wanted"),
    [
        ("mlp", "cpu", {"compiled", "epoch"}),
        ("mlp", "cuda", {"compiled", "epoch"}),
        ("cnn", "cpu", {"compiled", "epoch", "tuned"}),
        ("cnn", "cuda", {"compiled", "epoch"}),
    ],
)
def test_an_execution_about_convolutions_on_a_cpu_is_for_those_alone(
    architecture: str, device: str, wanted: set[str]
) -> None:
    offered = FRAMEWORKS["jax"].executions_on(device, architecture)
    assert set(offered) == wanted
    assert ("tuned" in FRAMEWORKS["jax"].executions_on(device)) == (device == "cpu")


@pytest.mark.parametrize("framework", ["keras-jax", "keras-tensorflow"])
def test_keras_has_no_loops_over_convolutions_on_a_cpu(framework: str) -> None:
    grid = Grid(frameworks=(framework,), executions=("epoch",), devices=("cpu", "cuda"))
    found = {(e.architecture, e.device) for e in expand([grid], SOURCES, SCHEDULES)}
    assert found == {("mlp", "cpu"), ("mlp", "cuda"), ("cnn", "cuda")}


def test_a_throughput_run_is_never_stopped_to_evaluate() -> None:
    grid = Grid(goal="throughput", evaluations_per_epoch=5)
    assert {e.evaluations_per_epoch for e in expand([grid], SOURCES, SCHEDULES)} == {1}


def test_an_execution_that_a_framework_does_not_offer_is_left_out() -> None:
    executions = ("compiled", "default")
    names = ("pytorch", "keras-torch", "keras-jax")
    grid = Grid(tasks=("digits",), architectures=("mlp",), frameworks=names, executions=executions)
    found = {(e.framework, e.execution) for e in expand([grid], SOURCES, SCHEDULES)}
    assert ("pytorch", "compiled") in found
    assert ("keras-torch", "compiled") not in found
    assert len(found) == 4


def test_a_device_that_a_framework_does_not_offer_is_left_out() -> None:
    found = expand([Grid(devices=("mps",))], SOURCES, SCHEDULES)
    assert {e.framework for e in found} == {"pytorch", "keras-torch"}


def test_tf32_is_a_precision_of_cuda_alone() -> None:
    grid = Grid(devices=("cpu", "cuda"), precisions=("fp32", "tf32"), frameworks=("pytorch",))
    found = {(e.device, e.precision) for e in expand([grid], SOURCES, SCHEDULES)}
    assert found == {("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "tf32")}


def test_of_several_gpus_each_is_offered_what_the_first_is() -> None:
    grid = Grid(
        devices=("cuda", "cuda:1"), precisions=("fp32", "tf32"), executions=("default", "all")
    )
    found = expand([grid], SOURCES, SCHEDULES)
    first = [e for e in found if e.device == "cuda"]
    assert [replace(e, device="cuda") for e in found if e.device == "cuda:1"] == first
    assert {e.precision for e in first} == {"fp32", "tf32"}
    assert {e.framework for e in found} == {*FRAMEWORKS} - {"numpy"}
    assert [restorable(e) for e in found if e.device != "cuda"] == [*map(restorable, first)]


def test_a_precision_that_a_framework_does_not_offer_is_left_out() -> None:
    found = expand([Grid(precisions=("bf16",))], SOURCES, SCHEDULES)
    assert "numpy" not in {e.framework for e in found}
    assert {e.precision for e in found} == {"bf16"}


def test_threads_are_an_axis() -> None:
    grid = Grid(tasks=("digits",), architectures=("mlp",), threads=(1, None))
    found = expand([grid], SOURCES, SCHEDULES)
    assert len(found) == 2 * len(FRAMEWORKS)
    assert len({e.id for e in found}) == len(found)


def test_what_is_left_to_the_frameworks_is_in_every_experiment() -> None:
    found = expand([Grid(native=("kernel-init", "bias-init"))], SOURCES, SCHEDULES)
    assert {e.native for e in found} == {("bias-init", "kernel-init")}


def test_an_unknown_word_of_what_is_left_to_the_frameworks_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown in native"):
        an_experiment(native=("bias",))


def test_a_choice_of_the_user_takes_the_place_of_the_grid_s_own() -> None:
    grid = restrict(Grid(), {"batch_sizes": (20,), "epochs": None, "devices": ("cuda",)})
    assert (grid.batch_sizes, grid.epochs, grid.devices) == ((20,), None, ("cuda",))


def test_a_throughput_grid_times_no_accuracy() -> None:
    (first, *_) = expand([Grid(goal="throughput", epochs=0.2)], SOURCES, SCHEDULES)
    assert (first.targets, first.epochs) == ((), 0.2)


def test_an_architecture_is_run_in_the_frameworks_that_have_it() -> None:
    found = expand([Grid(architectures=("mlp", "gnn"))], SOURCES, SCHEDULES)
    assert {e.framework for e in found if e.architecture == "gnn"} == {"pytorch"}
    assert {e.framework for e in found if e.architecture == "mlp"} == set(FRAMEWORKS)


def test_an_ensemble_has_no_compiled_execution() -> None:
    grid = Grid(architectures=("mlp", "ensemble-mlp"), executions=("all",))
    found = {(e.architecture, e.execution) for e in expand([grid], SOURCES, SCHEDULES)}
    assert ("mlp", "compiled") in found
    assert ("ensemble-mlp", "compiled") not in found


def test_augmentation_is_an_axis_of_networks_that_can_be_given_other_images() -> None:
    grid = Grid(
        tasks=("digits",),
        architectures=("cnn", "gnn"),
        augmentation=(False, True),
        frameworks=("pytorch",),
    )
    found = [(e.architecture, e.augmentation) for e in expand([grid], SOURCES, SCHEDULES)]
    assert found == [("cnn", False), ("cnn", True), ("gnn", False)]


def test_a_tailored_grid_leaves_out_what_it_was_not_made_for() -> None:
    grid = Grid(tasks=("digits",), architectures=("mlp", "cnn"), tailored=True)
    assert restrict(grid, {"tasks": ("letters",)}).tasks == ()
    assert restrict(grid, {"architectures": ("cnn", "gnn")}).architectures == ("cnn",)
    assert restrict(grid, {"frameworks": ("numpy",)}).frameworks == ("numpy",)


def test_a_task_of_one_s_own_is_studied_as_the_letters_are() -> None:
    grids = for_tasks(PRESETS["paper"].grids, ("fruit",))
    own = [grid for grid in grids if grid.tasks == ("fruit",)]
    letters = [grid for grid in PRESETS["paper"].grids if "letters" in grid.tasks]
    assert len(own) == len(letters) > 0
    assert for_tasks(PRESETS["paper"].grids, ("letters",)) == list(PRESETS["paper"].grids)


def test_the_id_of_an_experiment_stays_as_fields_are_added() -> None:
    assert an_experiment().id == "digits-mnist_mlp_pytorch-eager_cpu_b4_train_3c6a80f0"
    assert an_experiment(augmentation=True).id != an_experiment().id


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_knows_the_epochs_of_every_source(name: str) -> None:
    preset = PRESETS[name]
    for source in ("mnist", "glyphs", "az", "az-sample"):
        assert preset.schedules[source].epochs > 0
    assert expand(preset.grids, SOURCES, preset.schedules)


def test_the_id_of_an_experiment_tells_any_two_apart() -> None:
    found = expand(PRESETS["standard"].grids, SOURCES, SCHEDULES)
    assert len({e.id for e in found}) == len(found)


def test_two_epochs_are_one_experiment_however_they_are_written() -> None:
    assert an_experiment(epochs=2).id == an_experiment(epochs=2.0).id


def test_a_sweep_with_a_gpu_has_batches_of_8192_on_every_device() -> None:
    both = replace(BATCH_SIZES, frameworks=("pytorch",), devices=("cpu", "cuda"))
    sizes = {(e.device, e.batch_size) for e in expand([both], SOURCES, SCHEDULES)}
    assert sizes == {(device, n) for device in both.devices for n in (20, 128, 1024, 8192)}
    cpu = replace(both, devices=("cpu",))
    assert {e.batch_size for e in expand([cpu], SOURCES, SCHEDULES)} == {20, 128, 1024}
    chosen = restrict(both, {"batch_sizes": (64,)})
    assert {e.batch_size for e in expand([chosen], SOURCES, SCHEDULES)} == {64}


def test_with_a_gpu_accuracy_is_read_once_an_epoch_unless_asked_otherwise() -> None:
    often = {"mnist": Schedule(epochs=3, evaluations_per_epoch=4)}
    grid = Grid(tasks=("digits",), architectures=("mlp",), frameworks=("pytorch",))

    def evaluations(grid: Grid) -> set[int]:
        return {e.evaluations_per_epoch for e in expand([grid], SOURCES, often)}

    assert evaluations(grid) == {4}
    accelerated = replace(grid, devices=("cpu", "cuda"))
    assert evaluations(accelerated) == {1}  # on both, or they could not be set side by side
    assert evaluations(replace(accelerated, evaluations_per_epoch=8)) == {8}
