"""How small a difference is found, over the number of seeds."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from bench.report import wording
from bench.report.comparison import Comparison
from bench.report.plots import style
from bench.report.plots.style import LOOKS, PLAIN, Plot
from bench.report.tables.power import ALL_PAIRS, FAMILIES, Power, audited, rests_on
from bench.stats.runs import Replicates

BESIDE = (-20, 9)  # points from a mark to its words, of the lower line and of the upper
SEEDS = (3, 4, 5, 7, 10, 14, 20)  # each times the root of 2: equal steps on a logarithmic axis
FEW, MANY = 5, 10  # of the title


def _audit(panel: Comparison) -> Power:
    ((_, audit),) = audited(panel.groups)
    return audit


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """One for each machine whose noise is known, and is not none at all."""
    return [machine for machine, audit in audited(groups) if audit.noise > 0]


def _draw(axes: Axes, panel: Comparison) -> None:
    audit = _audit(panel)
    for (family, name), look, above in zip(FAMILIES.items(), LOOKS, BESIDE, strict=False):
        smallest = [100 * audit.smallest(seeds, family) for seeds in SEEDS]
        axes.plot(
            SEEDS,
            smallest,
            color=look.colour,
            marker=look.marker,
            linestyle=look.line,
            label=name,
        )
        for seeds, percent in zip(SEEDS, smallest, strict=True):
            words = f"{wording.number(percent, 2)} %"
            style.write_beside(
                axes,
                words,
                (seeds, percent),
                (0, above),
                ha="center",
                fontsize=12,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
            )
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
    pair, _ = FAMILIES
    few, many = (wording.about(_audit(panels[0]).smallest(seeds, pair)) for seeds in (FEW, MANY))
    return f"{FEW} seeds find a difference of {few} between two frameworks, {MANY} one of {many}"


POWER = Plot(
    name="power",
    title="How small a difference is found",
    caption=(
        "The smallest difference in training time or throughput for which the report names the "
        "winner in nine of ten suites, over the number of seeds; lower is better. Simulated, by "
        "the report's own rule, with the noise of the audit's equal runs: for two frameworks (one "
        f"pair) and for all ({ALL_PAIRS} pairs, for which p is corrected). No difference below the "
        "noise floor names a winner, however many seeds there are."
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
