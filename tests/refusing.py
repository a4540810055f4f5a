"""Interpreters that refuse to import some packages, as if these were not installed."""

from __future__ import annotations

from collections.abc import Iterable

# Not by None in sys.modules: to SciPy a name in there says that the package is loaded.
_PROGRAM = """
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"refused: {{name}}", name=name)

sys.meta_path.insert(0, Refusing())
"""


def refusing(packages: Iterable[str]) -> str:
    """The first lines of a program for ``python -c`` that cannot import these packages."""
    return _PROGRAM.format(packages=tuple(packages))
