"""Readers of single words of a command line.

Each raises argparse.ArgumentTypeError that says what came and what to give instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence


def one_of(name: str, known: Collection[str]) -> Callable[[str], str]:
    """One word of those known."""

    def read(text: str) -> str:
        if text not in known:
            raise argparse.ArgumentTypeError(
                f"unknown {name} {text!r}; choose from {', '.join(known)}"
            )
        return text

    return read


def list_of(name: str, known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Words of those known, separated by commas, each once."""
    one = one_of(name, known)
    return lambda text: tuple(dict.fromkeys(one(word) for word in words(text)))


def words(text: str) -> tuple[str, ...]:
    """Any words, separated by commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",")))


def whole(option: str, least: int) -> Callable[[str], int]:
    """A whole number from ``least`` up."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no whole number from {least} up; give {option} one"
            )
        return number

    return read


def positive(option: str) -> Callable[[str], float]:
    """A finite number above 0."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            raise argparse.ArgumentTypeError(
                f"{text!r} is no number above 0; give {option} one, such as 0.5"
            )
        return number

    return read


def wholes(option: str) -> Callable[[str], tuple[int, ...]]:
    """Whole numbers from 1 up, separated by commas, each once."""
    one = whole(option, 1)
    return lambda text: tuple(dict.fromkeys(one(word) for word in text.split(",")))


def share(option: str) -> Callable[[str], float]:
    """A percentage: '5%' or '5' -> 0.05."""
    return lambda text: positive(option)(text.removesuffix("%")) / 100


def duration(text: str) -> float:
    """A duration: '90', '90s', '20m', '1.5h' -> seconds."""
    unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
    return positive("--budget")(text[:-1] if unit else text) * (unit or 1.0)


def price(text: str) -> float:
    """A price an hour: '2.50/h' -> 2.5."""
    amount, separator, unit = text.partition("/")
    if not separator or unit != "h":
        raise argparse.ArgumentTypeError(f"{text!r} is no price an hour; give one such as 2.50/h")
    return positive("--price")(amount)
