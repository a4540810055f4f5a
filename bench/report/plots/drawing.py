"""All pages of a report, drawn from both ends: here from the last, in a child from the first.

A picture takes a third of a second of one processor, and a report is mostly pictures. The child is
``python -m bench.report.plots.drawing``; it may be started before the records are read, and gets
the runs themselves, so that records that are written meanwhile change nothing. What it does not
deliver, for whatever reason, is drawn here, so an error is raised here, as if there were no child.
The bytes are the same, whoever draws.
"""

from __future__ import annotations

import gc
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import chain
from queue import SimpleQueue

from bench.machine import settings
from bench.report.plots import PLOTS, bars, power, style
from bench.report.plots.style import Page
from bench.run.processes import Child, Parent
from bench.stats.runs import Replicates

DrawPage = Callable[[], Page]

FEWEST = 10  # pages of which a child takes enough to be worth its start, a second
FEWEST_RECORDS = 200  # that take long enough to be read for a child to be started before
SELDOM = (20_000, 10, 10)  # thresholds of the garbage collector: records are many, and stay
LIMIT_S = 600.0  # after which the child is ended
# What these compute, or import for it, the tables need too: it is here already.
AT_HAND = (bars.TIME_TO_ACCURACY, power.POWER)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A page as it is written."""

    stem: str  # its files' name without the ending
    finding: str
    conditions: str  # what is equal in all its panels
    png: bytes
    svg: bytes


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a child is to draw."""

    groups: bytes  # list[Replicates], pickled: a tenth of the time of checking them again
    numbers: tuple[int, ...]  # of the pages of all plots, in the order to be drawn


@dataclass(frozen=True, kw_only=True)
class Message:
    """What a child says of a page: that it begins, then what it has drawn."""

    number: int
    picture: Picture | None = None


def draw(page: Page) -> Picture:
    """The PNG and the SVG of a page."""
    return Picture(
        stem=page.stem,
        finding=page.finding,
        conditions=page.conditions,
        png=style.png(page.figure),
        svg=style.svg(page.figure),
    )


class Pictures:
    """Pages by their numbers; a child, where there is one, draws some of them.

    Args:
        pages: of ``every_page``.
        numbers: of those that are wanted.
    """

    def __init__(self, pages: Sequence[Sequence[DrawPage]], numbers: Sequence[int]) -> None:
        self._draw_page = list(chain.from_iterable(pages))
        plots = [plot for plot, of_plot in zip(PLOTS, pages, strict=False) for _ in of_plot]
        self.numbers = tuple(sorted(numbers, key=lambda number: plots[number] in AT_HAND))
        self._missing = list(self.numbers)
        self._begun: set[int] = set()  # by the child
        self._heard: SimpleQueue[Message | None] = SimpleQueue()  # None: no more come

    def __iter__(self) -> Iterator[tuple[int, Picture]]:
        """Each wanted page once, in the order in which they are done."""
        while self._missing:
            number = next((n for n in reversed(self._missing) if n not in self._begun), None)
            if number is not None and self._heard.empty():
                picture: Picture | None = draw(self._draw_page[number]())
            else:  # all that are left are being drawn
                number, picture = self._hear()
            if picture is not None and number in self._missing:
                self._missing.remove(number)
                yield number, picture

    def _hear(self) -> tuple[int, Picture | None]:
        message = self._heard.get()
        if message is None:  # it has ended: what it had begun is drawn here
            self._begun.clear()
            return -1, None
        self._begun.add(message.number)
        return message.number, message.picture

    def listen(self, child: Child) -> None:
        """Take what the child says, until it ends."""
        try:
            for message in child.messages(Message):
                self._heard.put(message)
        except ValueError:  # ended by us in the middle of a line, for which there is no log by then
            pass
        finally:
            self._heard.put(None)


class Ready:
    """A child that has been started, and waits to hear what to draw.

    Args:
        asked: where it is to be put; None: nothing.
        child: at work.
    """

    def __init__(self, asked: SimpleQueue[Request | None], child: Child) -> None:
        self._asked = asked
        self._child = child

    def draw(self, groups: Sequence[Replicates], wanted: Pictures) -> None:
        """Have it draw these pages of these runs; to be called once."""
        # pickled, and many MB: not kept here
        self._asked.put(Request(groups=pickle.dumps(groups), numbers=wanted.numbers))
        threading.Thread(target=wanted.listen, args=(self._child,), daemon=True).start()


@contextmanager
def ready(records: int) -> Iterator[Ready | None]:
    """A child for the pages of so many records; None where it would not be worth its start.

    That is where they are few, or where this process may run on one processor alone.
    """
    if records < FEWEST_RECORDS or len(settings.processors()) < 2:
        yield None
        return
    asked: SimpleQueue[Request | None] = SimpleQueue()
    with Child(__name__, asked.get, limit_s=LIMIT_S) as child:
        try:
            yield Ready(asked, child)
        finally:
            asked.put(None)  # whoever waits for it goes on


@contextmanager
def pictures(
    groups: Sequence[Replicates],
    pages: Sequence[Sequence[DrawPage]],
    numbers: Sequence[int],
    child: Ready | None = None,
) -> Iterator[Pictures]:
    """The pages ``numbers`` of ``every_page`` of these runs, which a child draws from now on.

    ``child``: None: one is started, unless they are few or there is one processor alone.
    """
    wanted = Pictures(pages, numbers)
    if len(numbers) < FEWEST:
        yield wanted
        return
    with nullcontext(child) if child else ready(FEWEST_RECORDS) as started:
        if started:
            started.draw(groups, wanted)
        yield wanted


def every_page(groups: Sequence[Replicates]) -> list[list[DrawPage]]:
    """What draws each page, plot by plot; their numbers count through all plots."""
    return [style.pages(plot, groups) for plot in PLOTS]


def main() -> None:
    """The child: draws what it is told, in this order."""
    parent = Parent()
    gc.set_threshold(*SELDOM)
    request: Request | None = parent.request(Request | None)  # type: ignore[arg-type]
    if request is None:
        return
    draw_page = list(chain.from_iterable(every_page(pickle.loads(request.groups))))
    gc.freeze()  # the records stay to the end: they need not be looked through again and again
    for number in request.numbers:
        parent.tell(Message(number=number))
        parent.tell(Message(number=number, picture=draw(draw_page[number]())))


if __name__ == "__main__":
    main()
