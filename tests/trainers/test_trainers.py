"""Every trainer keeps the contract of ``trainer_contract*.py``, each in a process of its own."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench import trainers
from bench.trainers import FRAMEWORKS, Setup
from bench.trainers.batches import inference_batches, warm_up_length
from tests.fakes import an_experiment

ROOT = Path(__file__).parents[2]
TRAINING = "tests/trainer_contract_training.py"
CONTRACT = (
    "tests/trainer_contract.py",
    "tests/trainer_contract_saved.py",
    TRAINING,
    "tests/trainer_axes.py",
)
IMPORTED = {
    "pytorch": ["torch"],
    "keras-tensorflow": ["keras", "tensorflow"],
    "keras-jax": ["keras", "jax"],
    "keras-torch": ["keras", "torch"],
    "jax": ["jax"],
    "numpy": ["numpy"],
}


MARKS = {
    "numpy": pytest.mark.kernel,  # run again with the kernels of an older processor
    "pytorch": pytest.mark.kernel,
    "keras-jax": pytest.mark.thorough,  # but for what the next test runs
    "keras-torch": pytest.mark.thorough,
}


@pytest.mark.parametrize(
    "framework", [pytest.param(name, marks=MARKS.get(name, ())) for name in FRAMEWORKS]
)
def test_the_trainer_keeps_the_contract(framework: str) -> None:
    skip_without(framework)
    ended = run_contract(framework)
    assert ended.returncode == 0, ended.stdout[-8000:]


@pytest.mark.parametrize("framework", ["keras-jax", "keras-torch"])
def test_keras_on_another_backend_computes_and_learns_the_same(framework: str) -> None:
    skip_without(framework)
    ended = run_contract(
        framework, "-k", "logits_are_those or logits_it_had or adam or warm_up or no_other"
    )
    assert ended.returncode == 0, ended.stdout[-8000:]


@pytest.mark.thorough
@pytest.mark.parametrize("framework", ["pytorch", "keras-tensorflow"])
def test_the_compiled_trainer_is_compiled_once_and_computes_the_same(framework: str) -> None:
    skip_without(framework)
    tests = "mlp and logits_are_those or nothing_is_compiled"  # few, since each compiles anew
    ended = run_contract(framework, "-k", tests, execution="compiled")
    assert ended.returncode == 0, ended.stdout[-8000:]
    assert "2 passed" in ended.stdout


def skip_without(framework: str) -> None:
    for package in IMPORTED[framework]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")


def run_contract(
    framework: str,
    *options: str,
    execution: str | None = None,
    files: tuple[str, ...] = CONTRACT,
) -> subprocess.CompletedProcess[str]:
    """Run the tests of these files for a framework in a child process.

    What is compiled is kept for all that run here: half the time where XLA compiles.
    """
    compiled = os.environ["GLYPHBENCH_TEST_COMPILED"]  # of this run of the tests alone
    environment = os.environ | {
        "GLYPHBENCH_TEST_FRAMEWORK": framework,
        "GLYPHBENCH_TEST_EXECUTION": execution or FRAMEWORKS[framework].default,
        # The referee's products are small: on a busy machine two threads wait for each other.
        "OPENBLAS_NUM_THREADS": "1",
        "JAX_COMPILATION_CACHE_DIR": compiled,
        "JAX_COMPILATION_CACHE_MAX_SIZE": str(2**30),  # with a bound it is locked while in use
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        # PyTorch's cache hands a processor's code to another, and then computes something else.
        "TORCHINDUCTOR_CACHE_DIR": compiled,
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    return subprocess.run(
        [*command, *files],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_trainer_that_is_named_like_the_package_computes_with_the_package() -> None:
    module = trainers.load("numpy")
    assert vars(module)["np"] is np


@pytest.mark.parametrize(
    ("images", "batch_size", "wanted"),
    [(101, 32, 69), (96, 32, 64), (32, 32, 32), (40, 32, 40), (20, 32, 20), (5, 1, 2)],
)
def test_a_warm_up_meets_every_batch_shape_with_few_images(
    images: int, batch_size: int, wanted: int
) -> None:
    assert warm_up_length(images, batch_size) == wanted
    assert shapes(wanted, batch_size) == shapes(images, batch_size)


def shapes(images: int, batch_size: int) -> set[int]:
    return {min(batch_size, images - start) for start in range(0, images, batch_size)}


def test_inference_batches_repeat_the_images_where_there_are_too_few() -> None:
    images = np.arange(30 * 784, dtype=np.float32).reshape(30, 28, 28)
    labels = np.zeros(30, np.int64)
    setup = Setup(
        experiment=an_experiment(),
        seed=0,
        classes=10,
        train_images=images,
        train_labels=labels,
        validation_images=images,
        test_size=30,
    )
    large, single = inference_batches(setup)
    assert large.shape == (1024, 28, 28)
    assert single.shape == (1, 28, 28)
    np.testing.assert_array_equal(large[30], large[0])
