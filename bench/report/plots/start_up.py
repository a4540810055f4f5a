"""Start-up phases as stacked bars."""

from __future__ import annotations

from functools import partial

from matplotlib.axes import Axes

from bench import run_statistics as stats
from bench.report import wording
from bench.report.comparison import Comparison
from bench.report.plots import bars
from bench.report.plots.plot import Plot
from bench.report.plots.style import LOOKS, Palette
from bench.run_statistics import Replicates


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    for place, group in enumerate(panel.groups):
        if group.measured:
            _stack(axes, place, group)
        else:
            bars.absent(axes, place, group.failed[0].status)
    bars.name_places(axes, wording.distinct_labels(panel.groups))
    axes.set_xlabel("time before the first step that counts (s)")


def _stack(axes: Axes, place: int, group: Replicates) -> None:
    end = 0.0
    for name, look in zip(stats.START_UP_PHASES, LOOKS, strict=False):
        phase = group.summary(partial(stats.phase_s, name=name))
        if phase is None:
            continue
        axes.barh(
            place,
            phase.mean,
            left=end,
            height=0.62,
            color=look.colour,
            hatch=look.hatch,
            edgecolor="white",
            label=name.removesuffix("_s").replace("_", "-"),
        )
        end += phase.mean
    bars.say(axes, place, end, f"{wording.spread(group.summary(stats.start_up_s))}")


PLOT = Plot(
    name="start-up",
    title="Start-up phases",
    caption=(
        "Seconds before the first step that counts, from the start of the process on, in the order "
        "in which they pass; with several seeds the means. Warm-up is where a compiled execution "
        "compiles. The number at the end is the sum."
    ),
    needs="a run that ended well",
    panels=bars.panels,
    draw=_draw,
    shows_failures=True,
)
