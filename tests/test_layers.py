"""The imports point one way: reads those of every module and holds the rules of the house.

Each rule is a function from the tree of imports to its violations, in words; each is shown to
catch a file planted against it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from bench.trainers import FRAMEWORKS
from tests import imports
from tests.imports import Import, Tree

# What a run may load besides its framework: a machine with a GPU may have little more.
CORE_PACKAGES = frozenset({"numpy", "msgspec", "psutil", "safetensors"})
CORE = (
    "bench.checks.first_step",
    "bench.run.worker",
    "bench.run.measure",
    "bench.trainers*",
    "bench.results.record",
    "bench.machine.hardware",
)
# Model files, ARCHITECTURE_FAMILY, build networks; models.cost is arithmetic on their layers.
LIVE = (
    "bench.run.worker",
    "bench.run.scheduler",
    "bench.run.measure",
    "bench.trainers.*",
    "models.*_*",
)
# Facts of frameworks, as data; so is ``bench.trainers`` itself, but for its ``load``.
FACTS = frozenset({"bench.trainers.frameworks", "bench.trainers.native"})
# Where a framework may be imported, by its package's name.
HOMES = (
    "bench.trainers.*{}*",
    "bench.saved.export_*{}*",
    "models.*_*{}",
    "bench.ladder.*{}*.*",  # a framework's loop and rungs
)
# Where ONNX may be: who asks an exported model, and who makes one.
ONNX_HOMES = ("bench.saved.onnx", "bench.saved.export*")
# The parts of the study that join it to the harness; all others look at what was left.
JOINING = ("bench.study.page", "bench.study.ensembling")
# The rooms of the house from the ground up: each may import those before it, and none after it.
FLOORS = (
    "datasets",
    "models",
    "bench",  # the package itself: one exception, and nothing imported
    "bench.experiment",
    "bench.results",
    "bench.machine",
    "bench.stats",
    "bench.trainers",
    "bench.presets",
    "bench.run",
    "bench.report",
    "bench.cli",
    "bench.plan",
    "bench.saved",
    "bench.checks",
    "bench.study",
    "bench.ladder",
    "bench.suite",
    "bench.cluster",
    "bench.front",
    "bench.__main__",
)
MOST_LOOSE_FILES = 8  # in bench/ itself: the rest has a room

# NumPy is a framework, and also what the core computes with: it may be imported anywhere.
FRAMEWORK_PACKAGES = (
    frozenset(package for framework in FRAMEWORKS.values() for package in framework.packages)
    - CORE_PACKAGES
)

ONNX_PACKAGES = frozenset({"onnx", "onnxruntime", "onnxscript"})

Rule = Callable[[Tree], list[str]]


def data_and_models_know_nothing_of_the_harness(tree: Tree) -> list[str]:
    """``datasets/`` and ``models/`` import neither ``bench/`` nor each other."""
    return [
        _said(each)
        for each in tree.imports
        if (own := _top(each.module)) in ("datasets", "models")
        and _top(each.target) in imports.PACKAGES
        and _top(each.target) != own
    ]


def a_framework_stays_in_modules_of_its_name(tree: Tree) -> list[str]:
    """Only ``bench/trainers/*torch*``, ``bench/saved/export_*torch*``, ``models/*_*torch`` and the
    rungs of ``bench/ladder/*torch*/`` import torch; others alike.
    """
    return [
        _said(each)
        for each in tree.imports
        if (package := _top(each.target)) in FRAMEWORK_PACKAGES
        and not any(fnmatchcase(each.module, home.format(package)) for home in HOMES)
    ]


def onnx_stays_with_the_export(tree: Tree) -> list[str]:
    """Only ``bench/saved/onnx.py`` and ``bench/saved/export*`` import ONNX and its runtime."""
    return [
        _said(each)
        for each in tree.imports
        if _top(each.target) in ONNX_PACKAGES
        and not any(fnmatchcase(each.module, home) for home in ONNX_HOMES)
    ]


def the_clock_sees_no_framework(tree: Tree) -> list[str]:
    """``measure.py`` reaches no framework by any way."""
    reached = tree.reached({"bench.run.measure"}, at_import_only=False)
    return _framework_imports(tree, reached)


def reports_see_records_and_statistics_only(tree: Tree) -> list[str]:
    """Nothing that reports or computes on records reaches a live object by any way."""
    ours = ("bench.stats.runs", "bench.ladder.page")
    starts = {name for name in tree.modules if name in ours or _in_report(name)}
    reached = tree.reached(starts, at_import_only=False)
    return _live_objects(tree, reached) + _framework_imports(tree, reached)


def the_measuring_core_imports_little(tree: Tree) -> list[str]:
    """What is imported before a run begins needs only CORE_PACKAGES and the framework."""
    starts = {name for name in tree.modules if any(fnmatchcase(name, it) for it in CORE)}
    reached = tree.reached(starts, at_import_only=True)
    known = CORE_PACKAGES | FRAMEWORK_PACKAGES | sys.stdlib_module_names | {*imports.PACKAGES}
    return [
        f"{_said(each)} (by way of {reached[each.module]})"
        for each in tree.imports
        if each.at_import and each.module in reached and _top(each.target) not in known
    ]


def the_study_sees_no_framework(tree: Tree) -> list[str]:
    """Its steps reach data, records and predictions, and no framework or live object."""
    starts = {name for name in tree.modules if _is_step(name)}
    reached = tree.reached(starts, at_import_only=False)
    return _live_objects(tree, reached) + _framework_imports(tree, reached)


def imports_run_down_the_floors(tree: Tree) -> list[str]:
    """No room imports one that stands above it, at import or late; every room has its floor."""
    heights = {room: height for height, room in enumerate(FLOORS)}
    homeless = [f"{module} has no floor" for module in tree.modules if _room(module) not in heights]
    return homeless or [
        _said(each)
        for each in tree.imports
        if (target := tree.of(each.target)) is not None
        and not each.for_types
        and heights[_room(target)] > heights[_room(each.module)]
    ]


def no_two_files_need_one_another(tree: Tree) -> list[str]:
    """No file reaches itself by way of others, not even late."""
    needs = {
        module: {
            target
            for each in tree.imports
            if each.module == module
            and not each.for_types
            and (target := tree.of(each.target)) not in (None, module)
        }
        for module in tree.modules
    }
    try:
        tuple(TopologicalSorter(needs).static_order())
    except CycleError as error:
        return [" → ".join(error.args[1])]
    return []


def few_files_lie_loose(tree: Tree) -> list[str]:
    """At most MOST_LOOSE_FILES files lie in ``bench/`` itself."""
    loose = sorted(
        module
        for module in tree.modules
        if module.startswith("bench.")
        and module.count(".") == 1
        and not any(other.startswith(f"{module}.") for other in tree.modules)
    )
    packages = {module.split(".")[1] for module in tree.modules if module.count(".") > 1}
    loose = [module for module in loose if module.split(".")[1] not in packages]
    return loose if len(loose) + 1 > MOST_LOOSE_FILES else []  # and bench/__init__.py


RULES: tuple[Rule, ...] = (
    data_and_models_know_nothing_of_the_harness,
    a_framework_stays_in_modules_of_its_name,
    the_clock_sees_no_framework,
    reports_see_records_and_statistics_only,
    the_measuring_core_imports_little,
    the_study_sees_no_framework,
    onnx_stays_with_the_export,
    imports_run_down_the_floors,
    no_two_files_need_one_another,
    few_files_lie_loose,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_holds_its_rule(rule: Rule) -> None:
    assert rule(imports.read()) == []


@pytest.mark.parametrize(
    ("rule", "path", "line"),
    [
        (RULES[0], "datasets/digits.py", "from bench.results.record import Data"),
        (RULES[0], "datasets/digits.py", "import models"),
        (RULES[0], "models/mlp_keras.py", "    import datasets.digits"),
        (RULES[1], "bench/run/worker.py", "import torch"),
        (RULES[1], "bench/trainers/pytorch.py", "from keras import layers"),
        (RULES[1], "bench/trainers/__init__.py", "    import jax.numpy as jnp"),
        (RULES[1], "models/mlp_keras.py", "from torch import nn"),
        (RULES[1], "bench/saved/model.py", "import keras"),
        (RULES[1], "bench/saved/model.py", "    from torch import nn"),
        (RULES[1], "datasets/digits.py", "import tensorflow as tf"),
        (RULES[2], "bench/experiment.py", "    import torch"),
        (RULES[3], "bench/report/tables.py", "from bench.run import worker"),
        (RULES[3], "bench/stats/runs.py", "from ..trainers import load"),
        (RULES[3], "bench/results/folder.py", "    import bench.run.scheduler"),
        (RULES[3], "bench/stats/runs.py", "from models import mlp_keras"),
        (RULES[3], "bench/stats/runs.py", "    from bench.trainers import pytorch"),
        (RULES[4], "bench/run/worker.py", "import pandas"),
        (RULES[4], "datasets/digits.py", "import pandas as pd"),
        (RULES[4], "bench/experiment.py", "from scipy import stats"),
        (RULES[5], "bench/study/errors.py", "import torch"),
        (RULES[5], "bench/study/errors.py", "    from bench.run import worker"),
        (RULES[1], "bench/saved/export.py", "    import torch"),
        (RULES[6], "bench/run/worker.py", "    import onnxruntime"),
        (RULES[7], "bench/trainers/pytorch.py", "    from bench.run import measure"),
        (RULES[7], "bench/results/record.py", "from bench.machine import clock"),
        (RULES[7], "bench/stats/runs.py", "    from bench.report import page"),
        (RULES[1], "bench/ladder/page.py", "    import torch"),
        (RULES[3], "bench/ladder/page.py", "from bench.run import worker"),
        (RULES[8], "bench/results/record.py", "    from bench.results import folder"),
    ],
)
def test_a_file_against_a_rule_is_caught(rule: Rule, path: str, line: str, tmp_path: Path) -> None:
    _small_house(tmp_path)
    assert rule(imports.read(tmp_path)) == []
    indented = f"def late():\n{line}\n" if line.startswith(" ") else f"{line}\n"
    with (tmp_path / path).open("a") as file:
        file.write(indented)
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert any(path in words or module in words for words in rule(imports.read(tmp_path)))


def test_an_import_for_the_type_checker_alone_is_no_import_of_the_core(tmp_path: Path) -> None:
    _small_house(tmp_path)
    (tmp_path / "bench/experiment.py").write_text("if TYPE_CHECKING:\n    import pandas\n")
    assert the_measuring_core_imports_little(imports.read(tmp_path)) == []


def test_an_import_for_the_type_checker_alone_reaches_nothing(tmp_path: Path) -> None:
    _small_house(tmp_path)
    stats = tmp_path / "bench/stats/runs.py"
    stats.write_text("if TYPE_CHECKING:\n    import models.mlp_keras\n")
    assert reports_see_records_and_statistics_only(imports.read(tmp_path)) == []
    stats.write_text("if TYPE_CHECKING:\n    pass\nelse:\n    import models.mlp_keras\n")
    assert reports_see_records_and_statistics_only(imports.read(tmp_path)) != []


def _small_house(root: Path) -> None:
    """A house of the real one's shape with nothing in it against any rule."""
    files = {
        "bench/__init__.py": "",
        "bench/experiment.py": "import numpy\n",
        "bench/ladder/__init__.py": "",
        "bench/ladder/page.py": "",
        "bench/ladder/pytorch/rung_01.py": "import torch\n",
        "bench/machine/__init__.py": "",
        "bench/machine/clock.py": "import time\n",
        "bench/report/__init__.py": "",
        "bench/report/page.py": "",
        "bench/report/tables.py": "import pandas\nfrom bench.stats import runs\n",
        "bench/results/__init__.py": "",
        "bench/results/folder.py": "from bench.results.record import Record\n",
        "bench/results/record.py": "import msgspec\n",
        "bench/run/__init__.py": "",
        "bench/run/measure.py": "from bench import experiment\n",
        "bench/run/scheduler.py": "from bench.results import folder\n",
        "bench/run/worker.py": "import datasets, models\nfrom bench import trainers\n"
        "from bench.run import measure\n",
        "bench/saved/__init__.py": "",
        "bench/saved/export_child.py": "import onnx\n",
        "bench/saved/export.py": "",
        "bench/saved/model.py": "import numpy\n",
        "bench/stats/__init__.py": "",
        "bench/stats/runs.py": "from bench.results.folder import Results\n",
        "bench/study/__init__.py": "",
        "bench/study/errors.py": "import pandas\n",
        "bench/study/page.py": "from bench.run import scheduler\n",
        "bench/trainers/__init__.py": "",
        "bench/trainers/pytorch.py": "import torch\n",
        "datasets/__init__.py": "from datasets import digits\n",
        "datasets/digits.py": "import numpy\n",
        "models/__init__.py": "",
        "models/mlp_keras.py": "import keras\n",
    }
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)


def _live_objects(tree: Tree, reached: dict[str, str]) -> list[str]:
    """What trains or measures, and the function that gets at it."""
    modules = [
        way
        for name, way in reached.items()
        if name not in FACTS and any(fnmatchcase(name, live) for live in LIVE)
    ]
    loads = [
        _said(each)
        for each in tree.imports
        if each.module in reached
        and each.target in ("bench.trainers.load", "bench.trainers.load_restorer")
    ]
    return modules + loads


def _framework_imports(tree: Tree, reached: dict[str, str]) -> list[str]:
    return [
        f"{_said(each)} (by way of {reached[each.module]})"
        for each in tree.imports
        if each.module in reached and _top(each.target) in FRAMEWORK_PACKAGES
    ]


def _in_report(module: str) -> bool:
    return module == "bench.report" or module.startswith("bench.report.")


def _is_step(module: str) -> bool:
    """Whether it is a part of the study that looks."""
    return module.startswith("bench.study.") and module not in JOINING


def _room(module: str) -> str:
    """A package of ``bench/``, a loose file of it, or another top-level package."""
    return ".".join(module.split(".")[:2]) if _top(module) == "bench" else _top(module)


def _said(each: Import) -> str:
    return f"{each.place} imports {each.target}"


def _top(name: str) -> str:
    return name.partition(".")[0]


def test_a_ninth_loose_file_is_caught(tmp_path: Path) -> None:
    _small_house(tmp_path)  # with two: __init__.py and experiment.py
    for number in range(MOST_LOOSE_FILES - 2):
        (tmp_path / f"bench/loose_{number}.py").touch()
    assert few_files_lie_loose(imports.read(tmp_path)) == []
    (tmp_path / "bench/one_more.py").touch()
    assert few_files_lie_loose(imports.read(tmp_path)) != []


def test_the_evening_s_reading_is_twelve_files_and_2500_lines() -> None:
    """As docs/code.md lists it: one run, from the command line to a cell of a table."""
    page = (imports.ROOT / "docs/code.md").read_text(encoding="utf-8")
    chapter = page.partition("## The code, in an evening")[2].partition("## The rooms")[0]
    files = re.findall(r"^\| `([a-z_/]+\.py)` \|", chapter, re.MULTILINE)
    lines = sum(len((imports.ROOT / file).read_text("utf-8").splitlines()) for file in files)
    assert len(files) == 12
    assert lines <= 2500
