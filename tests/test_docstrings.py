"""Every public name of the project says what it is."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.imports import PACKAGES, ROOT

Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

SOURCES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}


def test_every_public_module_class_and_function_has_a_docstring() -> None:
    said_by_protocol = {name for tree in SOURCES.values() for name in _protocol_methods(tree)}
    bare = [
        name
        for path, tree in SOURCES.items()
        for name, node in _public(tree, path)
        if ast.get_docstring(node) is None and name.rpartition(".")[2] not in said_by_protocol
    ]
    assert bare == []


def test_what_is_public_is_found_inside_classes_and_not_inside_functions() -> None:
    source = (
        "class A:\n def b(self):\n  def c(): ...\n def _d(self): ...\n"
        "class _E:\n def f(self): ...\ndef g(): ..."
    )
    assert [name for name, _ in _public(ast.parse(source), "m")] == ["m", "m:A", "m:A.b", "m:g"]


def _public(node: Documented, name: str) -> Iterator[tuple[str, Documented]]:
    yield name, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    separator = ":" if isinstance(node, ast.Module) else "."
    named = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for child in (each for each in node.body if isinstance(each, named)):
        if not child.name.startswith("_") and not _is_overload(child):
            yield from _public(child, f"{name}{separator}{child.name}")


def _is_overload(node: ast.AST) -> bool:
    """Whether it is one of several signatures, whose function says what it does."""
    return any(ast.unparse(it) == "overload" for it in getattr(node, "decorator_list", ()))


def _protocol_methods(tree: ast.Module) -> set[str]:
    """Methods documented by a Protocol: whoever implements one need not say it again."""
    return {
        method.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and "Protocol" in map(ast.unparse, node.bases)
        for method in node.body
        if isinstance(method, ast.FunctionDef) and ast.get_docstring(method)
    }
