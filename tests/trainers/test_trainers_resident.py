"""Executions over data that lie on the device keep the contract, each in a process of its own.

Of the contract only what such an execution may break is run: the rest is the same code.
"""

import pytest

from bench.trainers import FRAMEWORKS
from tests.trainers.test_trainers import TRAINING, run_contract, skip_without

FILES = ("tests/trainer_resident.py", TRAINING)
KEPT = "trainer_resident or nothing_is_compiled or mlp and (warm_up_leaves or adam)"
WITHOUT_FIT = [
    ("keras-jax", "epoch", KEPT),
    ("keras-tensorflow", "epoch", KEPT),
    ("keras-torch", "resident", KEPT),
    ("jax", "compiled", "lowered or small_program"),  # the whole contract is run elsewhere
    ("jax", "epoch", f"{KEPT} or adam-cnn or segments_equals"),
    ("jax", "tuned", "adam-cnn or read_back"),
]
SOON_DONE = ("compiled", "tuned")


@pytest.mark.parametrize(
    ("framework", "execution", "tests"),
    [
        pytest.param(*each, marks=() if each[1] in SOON_DONE else pytest.mark.thorough)
        for each in WITHOUT_FIT
    ],
)
def test_the_execution_is_certified_and_keeps_the_contract(
    framework: str, execution: str, tests: str
) -> None:
    skip_without(framework)
    ended = run_contract(framework, "-k", tests, execution=execution, files=FILES)
    assert ended.returncode == 0, ended.stdout[-8000:]


def test_none_of_them_is_forgotten() -> None:
    offered = {
        (name, execution)
        for name, framework in FRAMEWORKS.items()
        for execution in framework.executions
        if execution in ("epoch", "resident") or name == "jax"
    }
    assert offered == {(framework, execution) for framework, execution, _ in WITHOUT_FIT}
