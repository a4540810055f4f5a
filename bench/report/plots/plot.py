"""What a plot is made of: panels, each of runs that may be compared, on pages of a few.

A page holds panels of one device, goal, batch size and machine, and of real or of drawn images
alone. Runs that differ in a hyper-parameter nobody asked to compare are in panels of their own.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report import matched, wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK, HEADING, Comparison
from bench.report.plots import style
from bench.run_statistics import Host, Replicates

PANELS_A_PAGE = 4
TITLE_WIDTH = 52  # characters that fit above a panel
NOTE_WIDTH = 130  # and across a page


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A subject, and how one panel of it is drawn."""

    name: str  # its files' names begin with it
    title: str
    caption: str  # how to read it
    needs: str  # what must have been run for it to be drawn
    panels: Callable[[Sequence[Replicates]], list[Comparison]]
    draw: Callable[[Axes, Comparison, style.Palette], None]
    panels_a_page: int = PANELS_A_PAGE
    shows_failures: bool = False  # True: a panel says itself what failed
    note: Callable[[Comparison], str] = lambda _: ""  # to be said of a panel above all of them
    heading: Callable[[Comparison], str] | None = None  # of a panel; None: what it is of


@dataclass(frozen=True, kw_only=True)
class Page:
    """One picture."""

    stem: str  # its files' name without the ending
    title: str
    conditions: str  # what is equal in all its panels
    figure: Figure


def pages(plot: Plot, groups: Sequence[Replicates]) -> Iterator[Page]:
    """Draw a plot of all these runs; nothing where there is nothing to draw."""
    palette = style.palette(groups)
    hosts = sorted({group.host for group in groups})
    panels = sorted(plot.panels(groups), key=_page)
    for _, members in groupby(panels, _page):
        together = list(members)
        for start in range(0, len(together), plot.panels_a_page):
            chosen = together[start : start + plot.panels_a_page]
            stem = "_".join(_name(plot, chosen[0], hosts, start // plot.panels_a_page))
            yield _draw(plot, chosen, palette, stem)


def _page(panel: Comparison) -> tuple[Any, ...]:
    one = panel.experiment
    batch_size = 0 if "batch_size" in panel.varying else one.batch_size
    return (panel.host, panel.data.drawn, one.device, one.goal != "train", batch_size)


def _name(plot: Plot, panel: Comparison, hosts: list[Host], chunk: int) -> Iterator[str]:
    """The parts of a page's file name: all that tells it from other pages of the plot."""
    yield plot.name
    yield panel.experiment.device
    if "batch_size" not in panel.varying:
        yield f"b{panel.experiment.batch_size}"
    if panel.experiment.goal != "train":
        yield panel.experiment.goal
    if panel.data.drawn:
        yield "drawn"
    if len(hosts) > 1:
        yield f"machine{hosts.index(panel.host) + 1}"
    if chunk:
        yield str(chunk + 1)


def _draw(plot: Plot, panels: list[Comparison], palette: style.Palette, stem: str) -> Page:
    shared = _shared(panels)
    conditions = wording.conditions(panels[0].experiment, shared)
    with style.applied():
        figure, grid = style.page(len(panels))
        for axes, panel in zip(grid, panels, strict=True):
            plot.draw(axes, panel, palette)
            axes.set_title(plot.heading(panel) if plot.heading else _title(panel, shared))
        style.frame(figure, grid, plot.title, list(_notes(plot, conditions, panels)))
    return Page(stem=stem, title=plot.title, conditions=conditions, figure=figure)


def _shared(panels: list[Comparison]) -> list[str]:
    """The fields, beside what titles and legends say, that are equal in all runs of a page."""
    experiments = [group.experiment for panel in panels for group in panel.groups]
    return [
        name
        for name in ("goal", *EXPERIMENT_FIELDS)
        if name not in (*HEADING, *FRAMEWORK)
        and len({getattr(experiment, name) for experiment in experiments}) == 1
    ]


def _title(panel: Comparison, shared: list[str]) -> str:
    """What a panel is of, and what is its own among the panels of its page."""
    one = panel.experiment
    own = [name for name in EXPERIMENT_FIELDS if name not in {*shared, *panel.varying, *HEADING}]
    if "architecture" in panel.varying:
        own = [name for name in own if name not in FRAMEWORK]
        what = wording.framework(one)
    else:
        what = wording.subject(one, panel.data)
    return textwrap.fill(", ".join(filter(None, (what, wording.conditions(one, own)))), TITLE_WIDTH)


def _notes(plot: Plot, conditions: str, panels: list[Comparison]) -> Iterator[str]:
    """What a reader has to know of all panels, a line each; a warning comes first."""
    groups = [group for panel in panels for group in panel.groups]
    yield from wording.notices(group.data for group in groups)
    yield ", ".join(filter(None, (conditions, _seeds(groups))))
    yield from dict.fromkeys(line for panel in panels for line in plot.note(panel).splitlines())
    absent = dict.fromkeys(
        f"{wording.framework(group.experiment)} ({group.failed[0].status})"
        for group in groups
        if not group.measured
    )
    if absent and not plot.shows_failures:
        yield f"Not shown: {', '.join(absent)}"
    yield from textwrap.wrap(matched.note(groups), NOTE_WIDTH)


def _seeds(groups: list[Replicates]) -> str:
    counts = sorted({len(group.measured) for group in groups if group.measured})
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} seeds each"
    return f"{wording.counted(counts[0], 'seed')} each" if counts else ""
