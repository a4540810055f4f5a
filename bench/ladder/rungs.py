"""What rungs there are, read from their source: nothing is imported, so no framework is needed.

A rung is a module ``rung_NN_NAME`` in the folder of a framework. Beside its ``RUNG`` it may say, in
plain values:

    LADDER = "letters"                        which ladder it is of; of itself 'speed'
    DEVICES = ("cpu",)                        where it can be climbed; else where its former can
    SEEDS = 5                                 how many, where 30 would take too long
    COMPILES = True                           it keeps compiled programs in a cache, and so does
                                              what stands on it
    ENVIRONMENT = {"GOMP_SPINCOUNT": "10000"} set before its process starts, as are its formers'

and ``from … import rung_NN_NAME as former`` says what it stands on.
"""

from __future__ import annotations

import ast
import importlib.util
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from bench import UsageError

PACKAGE = "bench.ladder"
FRAMEWORKS = ("pytorch", "jax", "keras-tensorflow")  # that have rungs
SPEED = "speed"
FEW = "few"  # of parameters or FLOP, and not of seconds
LADDERS = {  # -> task, and the accuracy on the test images that is to be reached
    SPEED: ("digits", 0.99),
    "letters": ("letters", 0.95),
    FEW: ("digits", 0.99),
}
DEVICES = ("cpu", "cuda")
SEEDS = 30  # of an entered rung at least


@dataclass(frozen=True, kw_only=True)
class RungFile:
    """One rung, as its source says."""

    module: str  # such as 'bench.ladder.pytorch.rung_03_resident'
    idea: str  # the first line of its docstring
    former: RungFile | None  # what it stands on; None: the ground
    ladder: str
    devices: tuple[str, ...]
    seeds: int
    compiles: bool
    environment: dict[str, str] = field(hash=False)
    sha256: str  # of its source and of all rungs and loops that it imports

    @property
    def name(self) -> str:
        """Such as 'rung_03_resident'."""
        return self.module.rpartition(".")[2]

    @property
    def below(self) -> RungFile | None:
        """Its former, where that is of the same ladder: then it runs beside it."""
        return self.former if self.former and self.former.ladder == self.ladder else None


def find(
    framework: str, device: str, ladder: str = SPEED, package: str | None = None
) -> tuple[RungFile, ...]:
    """The rungs of a ladder for a device, the lowest first.

    Args:
        framework: of FRAMEWORKS.
        device: 'cpu' or 'cuda'.
        ladder: of LADDERS.
        package: where they lie; None: in ours.

    Raises:
        UsageError: where there is none, or a file is no rung.
    """
    package = package or f"{PACKAGE}.{framework.replace('-', '_')}"
    every = [read(module) for module in _modules(package)]
    rungs = tuple(rung for rung in every if rung.ladder == ladder and device in rung.devices)
    if not rungs:
        raise UsageError(f"no rung of {framework} on {device} for the ladder {ladder!r}")
    return rungs


def chosen(rungs: Sequence[RungFile], names: Sequence[str]) -> tuple[RungFile, ...]:
    """Those named, each with the rung below, which has to run beside it.

    ``names``: whole, or as far as they tell: 'rung_03'. Raises UsageError on one that is none.
    """
    picked: list[RungFile] = []
    for name in names:
        of_name = [rung for rung in rungs if rung.name.startswith(name)]
        if len(of_name) != 1:
            known = ", ".join(rung.name for rung in of_name or rungs)
            raise UsageError(f"--rung {name}: wanted one of {known}")
        picked += [rung for rung in (of_name[0].below, of_name[0]) if rung is not None]
    return tuple(dict.fromkeys(picked))


def _modules(package: str) -> Iterator[str]:
    spec = importlib.util.find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    for name in sorted(found.name for found in pkgutil.iter_modules(folders)):
        if name.startswith("rung_"):
            yield f"{package}.{name}"


@cache
def read(module: str) -> RungFile:
    """One rung, and what it stands on. Raises UsageError where the file is no rung."""
    path = _source(module)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = dict(_plain_values(tree))
    former = _former(tree)
    below = read(former) if former else None
    idea = (ast.get_docstring(tree) or "").partition("\n")[0]
    if not idea:
        raise UsageError(f"{path}: its first line has to say the idea, as a docstring")
    return RungFile(
        module=module,
        idea=idea,
        former=below,
        ladder=said.get("LADDER", SPEED),
        devices=tuple(said.get("DEVICES", below.devices if below else DEVICES)),
        seeds=said.get("SEEDS", SEEDS),
        compiles=said.get("COMPILES", bool(below and below.compiles)),
        environment=(below.environment if below else {}) | said.get("ENVIRONMENT", {}),
        sha256=_sha256(module),
    )


def _source(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise UsageError(f"{module}: no such rung")
    return Path(spec.origin)


def _sha256(module: str) -> str:
    """Of a module and of those of a ladder that it imports, and so on down."""
    source = _source(module).read_text(encoding="utf-8")
    imported = (
        name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    )
    parts = {name for name in imported if re.match(r"rung_|loop$", name.rpartition(".")[2])}
    return sha256("\0".join([source, *map(_sha256, sorted(parts))]).encode()).hexdigest()


def _plain_values(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in ("LADDER", "DEVICES", "SEEDS", "COMPILES", "ENVIRONMENT"):
                yield name, ast.literal_eval(node.value)


def _former(tree: ast.Module) -> str | None:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.names[0].asname == "former":
            return f"{node.module}.{node.names[0].name}"
    return None
