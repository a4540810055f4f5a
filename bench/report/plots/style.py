"""How plots look: sizes for a projector, colours for the colour-blind, shapes for grey print.

Uses matplotlib's objects without pyplot, so that no window system and no state is needed.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from bench.experiment import Experiment, in_file_name
from bench.report import audit, trust, wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK, HEADING, Comparison
from bench.report.plots import layout
from bench.report.plots.layout import width, wrapped
from bench.stats.runs import Host, Replicates
from bench.trainers import FRAMEWORKS

DPI = 120
SETTINGS: dict[Any, Any] = {
    "figure.dpi": DPI,
    "font.family": layout.FAMILY,
    "font.size": 13,
    "axes.titlesize": layout.TITLE_SIZE,
    "axes.labelsize": 13,
    "axes.grid": True,
    "grid.color": "0.88",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2.2,
    "lines.markersize": 8,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "svg.fonttype": "none",  # text stays text: it can be searched and read aloud
    "svg.hashsalt": "glyphbench",  # the same records give the same bytes
}
LINE = 0.029  # height of a line of text, as a share of the page's
TITLE_SIZE, TITLE_LINE = 20, 0.04  # points; height of a line of it
EDGE = 0.4  # inches that stay white left and right of title and notes
LEGEND_COLUMNS = 5
LIGHTER = 0.6  # how far from white each further execution of a framework is, ...
LIGHTEST = 0.36  # ... and the last ones, which differ in line, so that they are seen
MARKERS = 24  # on a line, at most: more would hide it
PLAIN = FuncFormatter(lambda value, _: f"{value:,.9g}")  # thousands apart, no exponent
WIDTH, HEIGHT = 16.0, 9.0  # inches: 1,920 x 1,080 at 120 dots an inch, a projected slide


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one series is told from the others, by more than its colour."""

    colour: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]


# For series that are no frameworks. Okabe and Ito, 'Color Universal Design' (2008), without
# yellow, which is lost on white
LOOKS = (
    Look(colour="#0072B2", marker="o", line="-"),
    Look(colour="#E69F00", marker="s", line="--"),
    Look(colour="#009E73", marker="^", line="-."),
    Look(colour="#D55E00", marker="D", line=":"),
    Look(colour="#56B4E9", marker="v", line=(0, (6, 2, 1, 2, 1, 2))),
    Look(colour="#CC79A7", marker="P", line=(0, (10, 3))),
    Look(colour="#000000", marker="X", line=(0, (1, 1))),
)


def look_of(experiment: Experiment) -> Look:
    """Colour and marker of the framework's entry; executions differ in line and lightness.

    The same in every plot of every folder. Records of an execution that is no longer offered look
    like a further one of the framework.
    """
    framework = FRAMEWORKS[experiment.framework]
    rank = (*framework.executions, experiment.execution).index(experiment.execution)
    strength = max(LIGHTER**rank, LIGHTEST)
    red, green, blue = (1 - strength * (1 - part) for part in to_rgb(framework.colour))
    of_rank = LOOKS[rank % len(LOOKS)]
    return Look(
        colour=to_hex((red, green, blue)),
        marker=framework.marker,
        line=of_rank.line,
    )


def series(groups: Iterable[Replicates]) -> Iterator[tuple[Replicates, Look, str]]:
    """Each group with its look, and with its label, which no other group has."""
    listed = list(groups)
    for group, label in zip(listed, wording.distinct_labels(listed), strict=True):
        yield group, look_of(group.experiment), label


def why_absent(group: Replicates | None) -> str:
    """To stand where a measurement is missing: how a run failed, or that there was none."""
    return group.failed[0].status if group and group.failed else wording.NOT_MEASURED


@contextmanager
def applied() -> Iterator[None]:
    """Within, figures are made and written in this style; the caller's settings come back."""
    with matplotlib.rc_context(SETTINGS):
        yield


def page(panels: int) -> tuple[Figure, list[Axes]]:
    """A slide with so many panels, two to a row, or three from five panels on."""
    columns = _columns(panels)
    rows = -(-panels // columns)
    figure = Figure(figsize=(WIDTH, HEIGHT))
    grid = [figure.add_subplot(rows, columns, 1 + number) for number in range(panels)]
    return figure, grid


def _columns(panels: int) -> int:
    return min(panels, 2) if panels < 5 else 3


def frame(figure: Figure, grid: Sequence[Axes], title: str, notes: Sequence[str]) -> None:
    """Title and notes above the panels, one legend below them, the panels in what is left.

    To be called when all is drawn. What is longer than the slide is wide is broken.
    """
    across = WIDTH - 2 * EDGE
    head = wrapped(title, across, TITLE_SIZE, bold=True)
    lines = list(chain.from_iterable(wrapped(note, across) for note in notes))
    below = 0.945 - TITLE_LINE * (len(head) - 1)
    figure.text(
        0.5,
        0.985,
        "\n".join(head),
        ha="center",
        va="top",
        fontsize=TITLE_SIZE,
        fontweight="bold",
    )
    figure.text(0.5, below, "\n".join(lines), ha="center", va="top", linespacing=1.3)
    bottom = LINE * _legend(figure, grid)
    layout.place(figure, bottom, below - 0.01 - LINE * len(lines))


def _legend(figure: Figure, grid: Sequence[Axes]) -> float:
    """One legend for all panels, each name once; return the lines it takes."""
    named = {}
    for axes in grid:
        handles, labels = axes.get_legend_handles_labels()
        named.update(dict(zip(labels, handles, strict=True)))
    if not named:
        return 0
    rows = -(-len(named) // LEGEND_COLUMNS)
    figure.legend(
        named.values(),
        named.keys(),
        loc="lower center",
        ncols=-(-len(named) // rows),
        frameon=False,
        handlelength=3.5,
    )
    return rows + 0.4


def write_beside(
    axes: Axes, words: str, point: tuple[float, float], offset: tuple[float, float], **text: Any
) -> None:
    """Words beside a point of the plot, so many typographic points to the right and above."""
    axes.annotate(words, point, xytext=offset, textcoords="offset points", **text)


def time_axis(axes: Axes) -> None:
    """Training seconds across, logarithmic: a factor between frameworks is a distance."""
    axes.set_xscale("log")
    log_ticks(axes.xaxis)
    axes.set_xlabel("training time (s, log scale)")


class RoundNumbers(LogLocator):
    """1, 2 and 5 of each power of ten; an axis too short for three has evenly spaced ones."""

    def __init__(self) -> None:
        super().__init__(subs=(1, 2, 5))

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """See ``matplotlib.ticker.Locator``."""
        low, high = sorted((vmin, vmax))
        ticks = super().tick_values(vmin, vmax)
        if sum(low <= tick <= high for tick in ticks) >= 3:
            return ticks
        return [tick for tick in MaxNLocator(4).tick_values(low, high) if tick > 0]


def log_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis at round numbers, written plainly."""
    axis.set_major_locator(RoundNumbers())
    axis.set_major_formatter(PLAIN)
    axis.set_minor_locator(NullLocator())


# By the canvases themselves: ``Figure.savefig`` draws everything twice, to the same bytes.

COMPRESSION = 3  # of a PNG: a tenth larger than at 6, in half the time


def png(figure: Figure) -> bytes:
    """The figure as PNG."""
    out = io.BytesIO()
    with applied():
        figure.dpi = DPI
        canvas = FigureCanvasAgg(figure)
        canvas.print_png(out, pil_kwargs={"compress_level": COMPRESSION})  # type: ignore[no-untyped-call]
    return out.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG, without a date, so that the same records give the same bytes."""
    out = io.BytesIO()
    with applied():
        figure.dpi = DPI
        canvas = FigureCanvasSVG(figure)
        canvas.print_svg(out, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return out.getvalue()


# Plots and their pages: a page holds panels, each of runs that may be compared, of one device,
# goal, batch size and machine, and of real or of drawn images alone. Runs that differ in a
# hyper-parameter nobody asked to compare are in panels of their own.


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A subject, and how one panel of it is drawn."""

    name: str  # its files' names begin with it
    title: str
    caption: str  # how to read it
    needs: str  # what must have been run for it to be drawn
    panels: Callable[[Sequence[Replicates]], list[Comparison]]
    # What it returns is called when the panel has its place and its size.
    draw: Callable[[Axes, Comparison], Callable[[], object] | None]
    finding: Callable[[Sequence[Comparison]], str]  # what a page of panels shows: its title
    # Panels of which it is false are not drawn; what ``notes`` says of them is.
    shown: Callable[[Comparison], bool] = lambda _: True
    appendix: bool = False  # True: of the machine and the method rather than of frameworks
    panels_a_page: int = 4
    shows_failures: bool = False  # True: a panel says itself what failed
    of_runs: bool = True  # False: it shows no run of the folder, and nothing is said of them
    # to be said above all panels, those that are not drawn included
    notes: Callable[[Sequence[Comparison]], Iterable[str]] = lambda _: ()
    heading: Callable[[Comparison], str] | None = None  # of a panel; None: what it is of


@dataclass(frozen=True, kw_only=True)
class Page:
    """One picture."""

    stem: str  # its files' name without the ending
    finding: str
    conditions: str  # what is equal in all its panels
    figure: Figure


def pages(plot: Plot, groups: Sequence[Replicates]) -> list[Callable[[], Page]]:
    """What draws each page of a plot of all these runs; nothing where there is nothing to draw."""
    hosts = sorted({group.host for group in groups})
    drawings: list[Callable[[], Page]] = []
    for _, members in groupby(sorted(plot.panels(groups), key=_page), _page):
        panels: list[Comparison] = []
        hidden: list[Comparison] = []
        for panel in members:
            (panels if plot.shown(panel) else hidden).append(panel)
        for chunk, start in enumerate(range(0, len(panels), plot.panels_a_page)):
            on_page = panels[start : start + plot.panels_a_page]
            name = "_".join(_name(plot, on_page[0], hosts, chunk))
            drawings.append(partial(_draw, plot, on_page, [] if chunk else hidden, name))
    return drawings


def _page(panel: Comparison) -> tuple[Any, ...]:
    """What panels of one page have in common; pages are in this order."""
    experiment = panel.experiment
    batch_size = 0 if "batch_size" in panel.varying else experiment.batch_size
    return (panel.host, panel.data.drawn, experiment.device, experiment.goal != "train", batch_size)


def _name(plot: Plot, panel: Comparison, hosts: list[Host], chunk: int) -> Iterator[str]:
    """The parts of a page's file name: all that tells it from other pages of the plot."""
    yield plot.name
    yield in_file_name(panel.experiment.device)
    if "batch_size" not in panel.varying:
        yield f"b{panel.experiment.batch_size}"
    if panel.experiment.goal != "train" and plot.of_runs:
        yield panel.experiment.goal
    if panel.data.drawn:
        yield "drawn"
    if len(hosts) > 1:
        yield f"machine{hosts.index(panel.host) + 1}"
    if chunk:
        yield str(chunk + 1)


def _draw(plot: Plot, panels: list[Comparison], hidden: Sequence[Comparison], stem: str) -> Page:
    shared = _shared(panels)
    conditions = wording.conditions(panels[0].experiment, shared)
    if plot.heading and not plot.of_runs:
        conditions = "; ".join(map(plot.heading, panels))
    finding = plot.finding(panels) or plot.title
    if finding.split()[0] not in FRAMEWORKS:  # whose names are written small
        finding = finding[0].upper() + finding[1:]
    with applied():
        figure, grid = page(len(panels))
        across = 0.92 * WIDTH / _columns(len(panels))
        placed = []
        for axes, panel in zip(grid, panels, strict=True):
            placed.append(plot.draw(axes, panel))
            axes.set_title("\n".join(_title(plot, panel, shared, across)))
        frame(figure, grid, finding, list(_notes(plot, conditions, panels, hidden)))
        for finish in filter(None, placed):
            finish()
    return Page(stem=stem, finding=finding, conditions=conditions, figure=figure)


def _shared(panels: list[Comparison]) -> list[str]:
    """The fields, beside what titles and legends say, that are equal in all runs of a page."""
    experiments = [group.experiment for panel in panels for group in panel.groups]
    return [
        name
        for name in ("goal", *EXPERIMENT_FIELDS)
        if name not in (*HEADING, *FRAMEWORK)
        and len({getattr(experiment, name) for experiment in experiments}) == 1
    ]


def _title(plot: Plot, panel: Comparison, shared: list[str], across: float) -> list[str]:
    """What a panel is of, and what is its own among the panels of its page, in lines.

    Too long for one line, it breaks between the two: no word is left on a line alone.
    """
    marked = plot.of_runs and any(group.disturbed for group in panel.groups)
    mark = f" {audit.MARK}" if marked else ""
    experiment = panel.experiment
    subject, left_out = wording.subject(experiment, panel.data), {*shared, *panel.varying, *HEADING}
    if plot.heading:
        subject = plot.heading(panel)
    elif "architecture" in panel.varying:
        subject, left_out = wording.framework(experiment), {*left_out, *FRAMEWORK}
    fields = [field for field in EXPERIMENT_FIELDS if field not in left_out]
    own = wording.apart(experiment, fields, panel.apart)
    title = ", ".join(filter(None, (subject, own)))
    if width(title, layout.TITLE_SIZE) <= across:
        return [f"{title}{mark}"]
    lines = [*wrapped(subject, across, layout.TITLE_SIZE), *wrapped(own, across, layout.TITLE_SIZE)]
    return [*lines[:-1], f"{lines[-1]}{mark}"]


def _notes(
    plot: Plot, conditions: str, panels: list[Comparison], hidden: Sequence[Comparison]
) -> Iterator[str]:
    """What a reader has to know of all panels, a line each; a warning comes first."""
    groups = [group for panel in panels for group in panel.groups]
    yield from wording.notices(group.data for group in groups)
    if plot.of_runs:
        yield f"{plot.title}: {', '.join(filter(None, (conditions, _seeds(groups))))}"
    else:
        yield plot.title
    yield from dict.fromkeys(filter(None, plot.notes([*panels, *hidden])))
    if not plot.of_runs:
        return
    absent = dict.fromkeys(
        f"{wording.framework(group.experiment)} ({why_absent(group)})"
        for group in groups
        if not group.measured
    )
    if absent and not plot.shows_failures:
        yield f"Not shown: {', '.join(absent)}"
    yield from filter(None, (trust.unmatched_note(groups), audit.disturbed_note(groups)))


def _seeds(groups: list[Replicates]) -> str:
    counts = sorted({len(group.measured) for group in groups if group.measured})
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} seeds each"
    return f"{wording.counted(counts[0], 'seed')} each" if counts else ""
