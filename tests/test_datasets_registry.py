"""The list of tasks, and what every task must have."""

from __future__ import annotations

import subprocess
import sys

import pytest

import datasets
from datasets.errors import DataError
from datasets.registry import TASKS, source_named, task_named
from datasets.tasks import Task


def test_the_tasks_are_digits_and_letters_with_their_sources_in_order() -> None:
    found = {name: [source.name for source in task.sources] for name, task in TASKS.items()}
    assert found == {"digits": ["mnist", "glyphs"], "letters": ["az", "az-sample", "glyphs"]}


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_task_has_real_sources_before_drawn_ones_and_targets_that_ascend(task: Task) -> None:
    assert [source.drawn for source in task.sources] == sorted(s.drawn for s in task.sources)
    for source in task.sources:
        assert list(source.targets) == sorted(set(source.targets))
        assert all(0 < target < 1 for target in source.targets)


def test_classes_are_named_in_label_order() -> None:
    assert "".join(TASKS["digits"].class_names) == "0123456789"
    assert "".join(TASKS["letters"].class_names) == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    with pytest.raises(DataError, match="unknown task 'digit'; choose from digits, letters"):
        task_named("digit")
    with pytest.raises(DataError, match="unknown source 'az' of digits; choose from mnist, glyphs"):
        source_named(TASKS["digits"], "az")


def test_importing_the_package_imports_nothing_that_downloads_draws_or_locks() -> None:
    code = "import sys, datasets; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    late = {"PIL", "filelock", "matplotlib", "platformdirs", "pooch", "requests", "scipy"}
    assert loaded & late == set()
    assert "numpy" in loaded


def test_every_exported_name_is_there() -> None:
    assert [name for name in datasets.__all__ if not hasattr(datasets, name)] == []
