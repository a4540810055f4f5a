"""Pages drawn here and in a child: the same bytes, and nothing lost where the child is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from bench.report import page as report
from bench.report.plots import drawing
from bench.report.plots.drawing import Message, Picture, Pictures, every_page, pictures
from bench.report.plots.style import Page
from bench.results.folder import Results
from bench.run.processes import Child
from bench.stats import runs
from bench.stats.runs import Replicates
from tests.records import EVIDENCE, make_record


@pytest.fixture
def groups() -> list[Replicates]:
    """Few runs, of which several plots are made."""
    records = [make_record(seed=seed) for seed in range(2)]
    return runs.replicates([*records, make_record(framework="keras-jax")], EVIDENCE)


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which there is a child, however few the pages."""
    monkeypatch.setattr("bench.machine.settings.processors", lambda: [0, 1])
    monkeypatch.setattr(drawing, "FEWEST", 1)


@pytest.mark.usefixtures("two_processors")
def test_a_child_draws_the_same_bytes(groups: list[Replicates]) -> None:
    def not_here() -> Page:
        raise AssertionError("drawn here")

    pages = every_page(groups)
    numbers = range(2)
    with pictures(groups, [[not_here] * len(of_plot) for of_plot in pages], numbers) as wanted:
        wanted._begun.update(numbers)  # as if the child had said so: none is left for us
        by_the_child = dict(wanted)
    draw_page = list(chain.from_iterable(pages))
    assert by_the_child == {number: drawing.draw(draw_page[number]()) for number in numbers}


@pytest.mark.usefixtures("two_processors")
def test_a_child_may_be_started_before_it_is_known_what_to_draw(groups: list[Replicates]) -> None:
    with drawing.ready(drawing.FEWEST_RECORDS) as child:
        assert child
        pages = every_page(groups)
        with pictures(groups, pages, [0], child) as wanted:
            wanted._begun.add(0)  # as if the child had said so: we wait for it
            by_the_child = dict(wanted)
    assert by_the_child == {0: drawing.draw(pages[0][0]())}


@pytest.mark.usefixtures("two_processors")
def test_a_child_that_hears_of_nothing_is_ended_and_few_records_are_worth_none() -> None:
    with drawing.ready(drawing.FEWEST_RECORDS) as child:
        assert child
    assert not any(thread.is_alive() for thread in child._child._threads)
    with drawing.ready(drawing.FEWEST_RECORDS - 1) as none:
        assert none is None


@pytest.mark.usefixtures("two_processors")
def test_an_error_in_a_page_of_the_child_is_raised_here(groups: list[Replicates]) -> None:
    """The child is told to draw pages that there are not, and dies of it."""

    def broken() -> Page:
        raise ValueError("this page cannot be drawn")

    with pictures(groups, [[broken] * 1_000], [999]) as wanted:
        wanted._begun.add(999)  # as if the child had said so: we wait for it
        with pytest.raises(ValueError, match="this page cannot be drawn"):
            list(wanted)


def test_what_a_child_had_begun_when_it_was_lost_is_drawn_here(groups: list[Replicates]) -> None:
    pages = every_page(groups)
    wanted = Pictures(pages, [0, 1, 2])
    first = drawing.draw(pages[0][0]())
    for message in (Message(number=0), Message(number=0, picture=first), Message(number=1), None):
        wanted._heard.put(message)
    pictured = dict(wanted)
    assert sorted(pictured) == [0, 1, 2]
    assert pictured[0] is first


def test_a_page_that_the_child_draws_is_waited_for_and_not_drawn_twice() -> None:
    """While it is at work on the last one, nothing is done here."""

    def twice() -> Page:
        raise AssertionError("drawn twice")

    late = Picture(stem="late", finding="", conditions="", png=b"png", svg=b"svg")
    wanted = Pictures([[twice]], [0])
    wanted._heard.put(Message(number=0))
    threading.Timer(0.05, wanted._heard.put, [Message(number=0, picture=late)]).start()
    assert dict(wanted) == {0: late}


@pytest.mark.parametrize(("processors", "fewest"), [([0], 1), ([0, 1], 1_000)])
def test_one_processor_or_few_pages_are_drawn_without_a_child(
    groups: list[Replicates],
    monkeypatch: pytest.MonkeyPatch,
    processors: list[int],
    fewest: int,
) -> None:
    def refuse(*_: object, **__: object) -> Iterator[None]:
        raise AssertionError("a child was started")

    monkeypatch.setattr("bench.machine.settings.processors", lambda: processors)
    monkeypatch.setattr(drawing, "FEWEST", fewest)
    monkeypatch.setattr(drawing, "Child", refuse)
    pages = every_page(groups)
    with pictures(groups, pages, [0]) as wanted:
        assert [number for number, _ in wanted] == [0]


@pytest.mark.usefixtures("two_processors")
def test_an_interrupt_leaves_no_child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[Child] = []

    class Watched(Child):
        def __enter__(self) -> Child:
            children.append(self)
            return super().__enter__()

    def interrupted(page: object) -> Picture:
        raise KeyboardInterrupt

    monkeypatch.setattr(drawing, "Child", Watched)
    monkeypatch.setattr(drawing, "draw", interrupted)
    results = Results(tmp_path)
    results.save(make_record())
    with pytest.raises(KeyboardInterrupt):
        report.write(results)
    (child,) = children
    assert child.ending.exit_code is not None  # it has been waited for
