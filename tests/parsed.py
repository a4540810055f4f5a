"""Counts how often each file of a results folder is parsed, in this process."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.results import evidence, folder


def parsed_files(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """How often each file has been parsed from here on; it goes on counting."""
    counts: Counter[Path] = Counter()
    for module in (folder, evidence):
        monkeypatch.setattr(module, "decode", _counting(module.decode, counts))
    return counts


def _counting(decode: Any, counts: Counter[Path]) -> Any:
    def counted(content: bytes, path: Path, **kind: Any) -> Any:
        counts[path] += 1
        return decode(content, path, **kind)

    return counted
