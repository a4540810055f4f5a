"""What students predicted before they saw what was measured: files that the page's lessons save.

A file is one student's: of each lesson the range that was predicted, and what was then measured. It
bears no name but its own, and none is written where others read it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report import wording
from bench.report.plots import style
from bench.results.sound import MOST, MOST_CHARACTERS, WORD, RecordError, parse

ENDING = ".json"
KIND = "glyphbench predictions"
VERSION = 1
MOST_BYTES = 2**20
MOST_ANSWERS = 200
MOST_PANELS = 6
EXPLANATION = (
    "A line is a student's range, the dot on it or beside it what was measured: filled, where it "
    "lies in the range."
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One prediction."""

    lesson: str
    low: float
    high: float
    truth: float  # what was measured

    @property
    def holds(self) -> bool:
        """Whether the truth lies in the range."""
        return self.low <= self.truth <= self.high


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """One student's."""

    kind: Literal["glyphbench predictions"]
    version: int
    answers: tuple[Answer, ...]  # one a lesson


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """What a class predicted in one lesson."""

    name: str
    answers: tuple[Answer, ...]  # one a student, by their truths and ranges; at least one

    @property
    def holding(self) -> str:
        """How many had the truth in their range: '12 of 30'."""
        return wording.all_or(sum(answer.holds for answer in self.answers), len(self.answers))

    @property
    def sentence(self) -> str:
        """The same, with the truths."""
        truths = sorted(answer.truth for answer in self.answers)
        low, high = wording.number(truths[0]), wording.number(truths[-1])
        measured = low if low == high else f"{low} to {high}"
        return f"{self.name}: {self.holding} had what was measured ({measured}) in their range."


def are_in(path: Path) -> bool:
    """Whether a file says that it holds predictions; one that cannot be read does not."""
    try:
        if path.stat().st_size > MOST_BYTES:
            return False
        return msgspec.json.decode(path.read_bytes(), type=_Kind).kind == KIND
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):
        return False


class _Kind(msgspec.Struct):
    kind: str


def load(path: Path) -> Predictions:
    """Read a file of predictions.

    Raises RecordError naming the file where it cannot be read, is too large, or no such file.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RecordError(f"{path}: larger than {MOST_BYTES / 2**20:.0f} MiB")
        content = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read: {error.strerror or error}") from error
    read = parse(content, path, Predictions, "a file of predictions, as a lesson saves it")
    for problem in _problems(read):
        raise RecordError(f"{path}: these cannot be predictions: {problem}")
    return read


def _problems(read: Predictions) -> Iterator[str]:
    if read.version != VERSION:
        yield f"version {read.version}, wanted {VERSION}"
    if not 0 < len(read.answers) <= MOST_ANSWERS:
        yield f"{len(read.answers)} answers; wanted 1 to {MOST_ANSWERS}"
    if len({answer.lesson for answer in read.answers}) < len(read.answers):
        yield "a lesson is in it twice"
    for answer in read.answers:
        if not WORD.fullmatch(answer.lesson) or len(answer.lesson) > MOST_CHARACTERS:
            yield "a lesson's name: wanted small letters and digits in words joined by hyphens"
        elif not all(abs(value) <= MOST for value in (answer.low, answer.high, answer.truth)):
            yield f"{answer.lesson}: a number beyond {MOST:g}"
        elif not answer.low <= answer.high:
            yield f"{answer.lesson}: the range ends at {answer.high:g}, below its {answer.low:g}"


def lessons(files: Iterable[Predictions]) -> list[Lesson]:
    """Each lesson by its name, with the answers in an order that tells nothing of the files."""
    by_name: dict[str, list[Answer]] = {}
    for file in files:
        for answer in file.answers:
            by_name.setdefault(answer.lesson, []).append(answer)
    return [
        Lesson(
            name=name,
            answers=tuple(sorted(answers, key=lambda each: (each.truth, each.low, each.high))),
        )
        for name, answers in sorted(by_name.items())
    ]


# The picture


def draw(taught: Sequence[Lesson]) -> Figure:
    """A panel a lesson, of the first ones; ``taught``: at least one."""
    shown = taught[:MOST_PANELS]
    with style.applied():
        figure, grid = style.page(len(shown))
        for axes, lesson in zip(grid, shown, strict=True):
            _draw(axes, lesson)
        style.frame(figure, grid, "What the class predicted, and what was measured", [EXPLANATION])
    return figure


def _draw(axes: Axes, lesson: Lesson) -> None:
    look = style.LOOKS[0]
    for row, answer in enumerate(lesson.answers):
        axes.plot([answer.low, answer.high], [row, row], color=look.colour, linewidth=3, alpha=0.5)
        axes.plot(
            answer.truth,
            row,
            marker="o",
            color="black",
            markerfacecolor="black" if answer.holds else "white",
            linestyle="",
        )
    values = [value for each in lesson.answers for value in (each.low, each.high, each.truth)]
    if min(values) > 0 and math.log10(max(values) / min(values)) > 1:
        axes.set_xscale("log")
        style.log_ticks(axes.xaxis)
    else:
        axes.xaxis.set_major_formatter(style.PLAIN)
    axes.set_yticks([])
    axes.set_ylabel("a student each")
    axes.set_title(f"{lesson.name}: in the range of {lesson.holding}")
