"""Reads which modules import which, from the source alone: nothing is imported for it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("bench", "datasets", "models")


@dataclass(frozen=True, kw_only=True)
class Import:
    """One imported name: ``from bench import plan`` imports ``bench.plan``."""

    module: str  # that imports, such as 'bench.run.worker'
    target: str  # that is imported, dotted, as deep as the statement names it
    at_import: bool  # False: inside a function, or for the type checker alone
    for_types: bool  # True: for the type checker alone; nothing is reached by it
    place: str  # such as 'bench/run/worker.py:12'


@dataclass(frozen=True, kw_only=True)
class Tree:
    """The project's modules and all that they import."""

    modules: frozenset[str]
    imports: tuple[Import, ...]

    def of(self, target: str) -> str | None:
        """The project's module that an imported name is or lies in; None for others' packages."""
        while target:
            if target in self.modules:
                return target
            target = target.rpartition(".")[0]
        return None

    def reached(self, starts: set[str], *, at_import_only: bool) -> dict[str, str]:
        """Every module that ``starts`` import, directly or by way of others -> how, in words.

        A module's packages are reached with it, since Python imports them first. What is
        imported for the type checker alone is not.
        """
        ways = {start: start for start in sorted(starts)}
        waiting = list(ways)
        while waiting:
            module = waiting.pop()
            for target in sorted(self._next(module, at_import_only=at_import_only)):
                if target not in ways:
                    ways[target] = f"{ways[module]} → {target}"
                    waiting.append(target)
        return ways

    def _next(self, module: str, *, at_import_only: bool) -> set[str]:
        found = {module.rpartition(".")[0]} & self.modules
        for each in self.imports:
            if each.module != module or each.for_types:
                continue
            if each.at_import or not at_import_only:
                found |= {self.of(each.target)} - {None}  # type: ignore[arg-type]
        return found


def read(root: Path = ROOT) -> Tree:
    """Parse every module of the project under ``root``."""
    paths = {_name(path, root): path for package in PACKAGES for path in _sources(root / package)}
    imports = [found for name, path in paths.items() for found in _imports(name, path, root)]
    return Tree(modules=frozenset(paths), imports=tuple(imports))


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _name(path: Path, root: Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(module: str, path: Path, root: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    typed = set(_for_types(tree))
    late = typed | set(_inside_functions(tree))
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        for target in _targets(node, package):
            place = f"{path.relative_to(root).as_posix()}:{node.lineno}"  # type: ignore[attr-defined]
            yield Import(
                module=module,
                target=target,
                at_import=node not in late,
                for_types=node in typed,
                place=place,
            )


def _for_types(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything that never runs, since only a type checker reads it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (below for child in node.body for below in ast.walk(child))


def _inside_functions(tree: ast.Module) -> Iterator[ast.AST]:
    """Everything that runs when a function is called, not when the module is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from ast.walk(node)


def _targets(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    return []
