"""How small a difference is found, over the number of seeds."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from bench.report import wording
from bench.report.comparison import Comparison
from bench.report.plots import style
from bench.report.plots.style import LOOKS, PLAIN, Plot
from bench.report.tables.power import ALL_PAIRS, Power, audited, rests_on
from bench.stats.runs import Replicates
from bench.trainers import FRAMEWORKS

SEEDS = (3, 4, 5, 7, 10, 14, 20)  # each times the root of 2: equal steps on a logarithmic axis
FEW, MANY = 3, 10  # of the title


def _audit(panel: Comparison) -> Power:
    ((_, audit),) = audited(panel.groups)
    return audit


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """One for each machine whose noise is known, and is not none at all."""
    return [machine for machine, audit in audited(groups) if audit.noise > 0]


def _draw(axes: Axes, panel: Comparison) -> None:
    audit = _audit(panel)
    smallest = [100 * audit.smallest(seeds, len(FRAMEWORKS)) for seeds in SEEDS]
    look = LOOKS[0]
    axes.plot(
        SEEDS,
        smallest,
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        label=f"{ALL_PAIRS} pairs",
    )
    for seeds, percent in zip(SEEDS, smallest, strict=True):
        words = f"{wording.number(percent, 2)} %"
        style.write_beside(axes, words, (seeds, percent), (0, 9), ha="center", fontsize=12)
    floor = 100 * audit.floor
    axes.axhline(floor, color="0.35", linewidth=1, linestyle=(0, (4, 4)), label="noise floor")
    axes.loglog()
    style.log_ticks(axes.yaxis)
    axes.margins(x=0.08, y=0.12)
    axes.xaxis.set_major_formatter(PLAIN)
    axes.xaxis.set_major_locator(FixedLocator(SEEDS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("seeds (log scale)")
    axes.set_ylabel("smallest difference found\nin 9 of 10 suites (%, log scale)")


def _heading(panel: Comparison) -> str:
    return f"{panel.host.cpu}, {panel.host.cores} cores"


def _finding(panels: Sequence[Comparison]) -> str:
    audit, of = _audit(panels[0]), len(FRAMEWORKS)
    few, many = (wording.about(audit.smallest(seeds, of)) for seeds in (FEW, MANY))
    return f"Of {of} frameworks {FEW} seeds tell apart two that differ by {few}, {MANY} by {many}"


POWER = Plot(
    name="power",
    title="How small a difference is found",
    caption=(
        "The smallest difference in training time or throughput for which the report names the "
        "winner in nine of ten suites, over the number of seeds; lower is better. Simulated, by "
        f"the report's own rule, with the noise of the audit's equal runs, for {len(FRAMEWORKS)} "
        f"frameworks: p is corrected for their {ALL_PAIRS} pairs, and takes their noise together. "
        "No difference below the noise floor names a winner, however many seeds there are."
    ),
    needs="an audit of the same machine with two rounds or more (python -m bench audit)",
    panels=_panels,
    draw=_draw,
    finding=_finding,
    appendix=True,
    of_runs=False,
    heading=_heading,
    notes=lambda panels: (rests_on(_audit(panel)) for panel in panels),
)
