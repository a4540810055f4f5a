"""How long work tells how far it is, without knowing who shows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One piece of work whose progress can be counted."""

    name: str  # such as 'reading A_Z Handwritten Data.csv'
    total: int  # how many units it has; 0 where that is not known
    unit: str  # 'B' for bytes, 'images'


Progress = Callable[[Stage, int], None]
"""Called with a stage and how many of its units are done so far."""


def silent(stage: Stage, done: int) -> None:
    """Show nothing."""
