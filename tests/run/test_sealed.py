"""The test set is opened once a run, by one function, and by no other way."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.run.measure import SealBroken, SealedTest
from tests import imports

ROOT = Path(__file__).resolve().parents[2]
MAY_OPEN = {
    ("bench/run/measure.py", "_test"),
    ("bench/checks/cheats.py", "renewed"),  # planted, and caught
}
# the split named 'test' of a data set: where it is made, counted, shown or put under its seal
# whoever names an attribute 'test': the split of a data set, its sealed form, or a record's result
MAY_HOLD = {
    ("bench/run/material.py", "setup"),  # puts the split under its seal
    ("bench/run/material.py", "describe"),  # its length alone
    ("bench/checks/data.py", "describe_dataset"),  # counts, for the page about the data
    ("bench/checks/data.py", "describe_collection"),  # the same of other people's files
    ("bench/run/measure.py", "_test"),  # opens the seal
    ("bench/ladder/climb.py", "_ask_test"),  # of a climb that has ended, under a seal of its own
    ("bench/checks/cheats.py", "renewed"),  # breaks it
    ("bench/results/sound.py", "_of_measurement"),  # whether what a run found out can be
    # what a run found out, after it
    ("bench/results/shared.py", "_measurement"),  # leaves out which images were wrong
    ("bench/stats/runs.py", "test_accuracy"),
    ("bench/report/tables/differences.py", "_common"),
    ("bench/report/tables/differences.py", "_wrong"),
    ("bench/report/lessons/measuring.py", "_right"),
    ("bench/saved/predict.py", "_candidates"),  # at which evaluation its weights were kept
}
# They look at data, and ask saved models; nothing is trained by them or after them in a process.
AFTERWARDS = (
    "bench/study/",
    "bench/saved/asking.py",
    "bench/saved/evaluate.py",
    "bench/saved/export_child.py",
)


def sealed() -> SealedTest:
    return SealedTest(np.zeros((3, 28, 28), np.float32), np.array([0, 1, 2]))


def test_the_test_set_can_be_opened_once_and_is_counted() -> None:
    test = sealed()
    assert (test.size, test.reads) == (3, 0)
    images, labels = test.open()
    assert (images.shape, list(labels), test.reads) == ((3, 28, 28), [0, 1, 2], 1)
    with pytest.raises(SealBroken, match="once"):
        test.open()
    assert test.reads == 1


def test_the_images_have_no_other_name() -> None:
    public = [name for name in dir(sealed()) if not name.startswith("_")]
    assert public == ["open", "reads", "size"]


def test_no_other_function_opens_it() -> None:
    assert _uses(_opens_the_test) == MAY_OPEN


def test_no_other_function_holds_the_test_split() -> None:
    found = {use for use in _uses(_holds_the_test) if not use[0].startswith(AFTERWARDS)}
    assert found == MAY_HOLD


def test_no_run_imports_what_looks_at_the_test_set_afterwards() -> None:
    reached = imports.read().reached({"bench.run.worker"}, at_import_only=False)
    paths = [f"{module.replace('.', '/')}/" for module in reached]
    assert [path for path in paths if path.startswith(AFTERWARDS)] == []


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("subject.test.open()", "_opens_the_test"),
        ("images, labels = test.open()", "_opens_the_test"),
        ("data.test.images", "_holds_the_test"),
        ("datasets.open_cached(folder).test.labels.sum()", "_holds_the_test"),
    ],
)
def test_a_way_around_the_seal_is_seen(line: str, rule: str) -> None:
    seen = {"_opens_the_test": _opens_the_test, "_holds_the_test": _holds_the_test}[rule]
    assert any(seen(node) for node in ast.walk(ast.parse(line)))


def _uses(rule: Callable[[ast.AST], bool]) -> set[tuple[str, str]]:
    """Path and function of every use; '' where it is in none."""
    found = set()
    for path in (ROOT / "run_all.py", *sorted((ROOT / "bench").rglob("*.py"))):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        inside = {id(node): one.name for one in functions for node in ast.walk(one)}
        for node in filter(rule, ast.walk(tree)):
            found.add((path.relative_to(ROOT).as_posix(), inside.get(id(node), "")))
    return found


def _opens_the_test(node: ast.AST) -> bool:
    """A call ``test.open()`` or ``….test.open()``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "open"
        and ast.unparse(node.func.value).split(".")[-1] in ("test", "sealed")
    )


def _holds_the_test(node: ast.AST) -> bool:
    """Any ``….test``, whatever it is of; TensorFlow's module of that name aside."""
    return (
        isinstance(node, ast.Attribute) and node.attr == "test" and ast.unparse(node.value) != "tf"
    )
