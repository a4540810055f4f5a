"""How single words of a command line are read, for every command.

Each reader raises argparse.ArgumentTypeError that says what came and what to give instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from bench.machine.devices import DEVICES, NUMBER
from bench.results.sound import MOST_CHARACTERS, WORD
from bench.trainers import FRAMEWORKS


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
    read = one_of(name, known)
    return lambda text: tuple(map(read, words(text)))


def device(text: str) -> str:
    """A device, and which of several: 'cpu', 'cuda', 'cuda:1'."""
    numbered = [name for name, each in DEVICES.items() if each.numbered]
    if text not in DEVICES and (NUMBER.sub("", text) not in numbered or not NUMBER.search(text)):
        raise argparse.ArgumentTypeError(
            f"unknown device {text!r}; choose from {', '.join(DEVICES)}, or by its number such as "
            f"{numbered[0]}:1"
        )
    return text


def devices(text: str) -> tuple[str, ...]:
    """Devices, separated by commas, each once."""
    return tuple(map(device, words(text)))


def words(text: str) -> tuple[str, ...]:
    """Any words, separated by commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in text.split(",")))


def whole(text: str) -> int:
    """A whole number from 1 up."""
    return whole_from(1)(text)


def whole_from(least: int) -> Callable[[str], int]:
    """A whole number from ``least`` up."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(
                f"{text!r} is no whole number from {least} up; give one such as {least + 1}"
            )
        return number

    return read


def wholes(text: str) -> tuple[int, ...]:
    """Whole numbers from 1 up, separated by commas, each once."""
    return tuple(dict.fromkeys(map(whole, text.split(","))))


def positive(text: str) -> float:
    """A finite number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0; give one such as 0.5")
    return number


def positives(text: str) -> tuple[float, ...]:
    """Finite numbers above 0, separated by commas, each once."""
    return tuple(dict.fromkeys(map(positive, text.split(","))))


def share(text: str) -> float:
    """A percentage: '5%' or '5' -> 0.05."""
    return positive(text.removesuffix("%")) / 100


def shares(text: str) -> tuple[float, ...]:
    """Percentages, separated by commas, each once."""
    return tuple(dict.fromkeys(map(share, text.split(","))))


def duration(text: str) -> float:
    """A duration: '90', '90s', '20m', '1.5h' -> seconds."""
    unit_s = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
    return positive(text[:-1] if unit_s else text) * (unit_s or 1.0)


def seed_count(text: str) -> int | str:
    """How many seeds, or 'auto'."""
    return text if text == "auto" else whole(text)


def shard(text: str) -> tuple[int, int]:
    """One of several shares: '3/16' is the third of sixteen."""
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no shard; give one such as 3/16, the third of sixteen"
        )
    return int(number), int(of)


def kind_of_node(text: str) -> str:
    """A name for a kind of node, which becomes part of the names of folders."""
    if not WORD.fullmatch(text) or len(text) > MOST_CHARACTERS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a kind of node; give small letters and digits in words joined "
            "by hyphens, such as a100"
        )
    return text


def path(text: str) -> Path:
    """A path; requests and command lines that name it are kept as UTF-8."""
    surrogate = any("\ud800" <= character <= "\udfff" for character in text)  # no UTF-8 on Linux
    if not text or "\0" in text or surrogate:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no path in UTF-8; give one such as results/new, or rename what it names"
        )
    return Path(text)


def named_interpreters(text: str) -> dict[str, Path]:
    """FRAMEWORK=PATH,...: the interpreter of each framework that is named."""
    return dict(map(_interpreter, text.split(",")))


def _interpreter(text: str) -> tuple[str, Path]:
    framework, separator, name = text.partition("=")
    if not separator or framework not in FRAMEWORKS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not FRAMEWORK=PATH with a framework of {', '.join(FRAMEWORKS)}"
        )
    python = path(name).expanduser()  # the shell leaves a ~ behind = alone
    if not python.is_file():
        raise argparse.ArgumentTypeError(
            f"{name!r} is no Python interpreter; give the path of one for {framework}"
        )
    return framework, python.absolute()  # not resolved: a venv's link is its identity
