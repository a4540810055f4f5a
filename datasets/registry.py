"""The list of tasks. To add one: a module like ``datasets.digits``, and one line here."""

from __future__ import annotations

from datasets import digits, letters
from datasets.errors import DataError
from datasets.tasks import Source, Task, TaskModule

_MODULES: tuple[TaskModule, ...] = (digits, letters)

MODULES: dict[str, TaskModule] = {module.TASK.name: module for module in _MODULES}
TASKS: dict[str, Task] = {name: module.TASK for name, module in MODULES.items()}


def task_named(name: str) -> Task:
    """The task of this name. Raises DataError with the names there are."""
    if name not in TASKS:
        raise DataError(
            f"unknown task {name!r}; choose from {', '.join(TASKS)}, or name your own data with "
            "--data-file"
        )
    return TASKS[name]


def source_named(task: Task, name: str) -> Source:
    """The source of this name. Raises DataError with the names there are."""
    for source in task.sources:
        if source.name == name:
            return source
    names = ", ".join(source.name for source in task.sources)
    raise DataError(f"unknown source {name!r} of {task.name}; choose from {names}")
