"""The architecture swap as a heat map: networks down, tasks across."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from bench import run_statistics as stats
from bench.report import wording
from bench.report.comparison import Comparison, differences, only, swaps
from bench.report.plots.plot import Plot
from bench.report.plots.style import Palette
from bench.run_statistics import Replicates

# light to dark in one hue: the order survives grey print
SHADES = LinearSegmentedColormap.from_list("shades", ["#EAF2FA", "#0B3C6F"]).with_extremes(
    bad="0.94"  # where nothing was measured
)
LIGHTEST, DARKEST = 0.3, 0.004  # errors, fractions; one scale for all panels of all folders
WHITE_WORDS = 0.65  # from this share of the way to the darkest on, words are white


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    found = swaps(groups)
    return found if any(panel.measured for panel in found) else []


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    networks = panel.values("architecture")
    tasks = sorted({(g.experiment.task, g.experiment.source) for g in panel.groups})
    shades = np.full((len(networks), len(tasks)), np.nan)
    for (row, network), (column, (task, source)) in product(enumerate(networks), enumerate(tasks)):
        found = only(panel.groups, architecture=network, task=task, source=source)
        shades[row, column] = _shade(found)
        _say(axes, (column, row), found, "white" if shades[row, column] > WHITE_WORDS else "black")
    axes.imshow(shades, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(tasks)), [f"{task}\n({source})" for task, source in tasks])
    axes.set_yticks(range(len(networks)), [wording.architecture(name) for name in networks])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _shade(found: Sequence[Replicates]) -> float:
    """0 to 1 with the logarithm of the error: each halving of it darkens alike."""
    accuracy = found[0].summary(stats.test_accuracy) if found else None
    if accuracy is None:
        return math.nan
    error = min(max(1 - accuracy.mean, DARKEST), LIGHTEST)
    return math.log(LIGHTEST / error) / math.log(LIGHTEST / DARKEST)


def _say(axes: Axes, at: tuple[int, int], found: Sequence[Replicates], colour: str) -> None:
    """Accuracy, and throughput beneath it, in the middle of a cell."""
    if not found or not found[0].measured:
        why = found[0].failed[0].status if found else wording.NOT_MEASURED
        axes.text(*at, why, ha="center", va="center", color=colour)
        return
    accuracy = wording.spread(found[0].summary(stats.test_accuracy), 100, 2, unit="%")
    throughput = wording.spread(found[0].summary(stats.throughput_images_per_s))
    axes.text(*at, accuracy, ha="center", va="bottom", color=colour, fontweight="bold")
    axes.text(*at, f"{throughput}\nimages/s", ha="center", va="top", color=colour, fontsize=12)


PLOT = Plot(
    name="swap",
    title="Architecture swap: test accuracy, and training throughput",
    caption=(
        "Each network on each task: test accuracy in percent, and below it training images per "
        "second. Darker is fewer errors; each halving of the errors darkens alike, on one scale "
        "in all panels. With several seeds: mean ± standard deviation (n)."
    ),
    needs="runs of two architectures with goal 'train', alike in all else",
    panels=_panels,
    draw=_draw,
    panels_a_page=6,
    shows_failures=True,
    note=differences,
)
