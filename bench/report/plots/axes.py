"""Two experiments' choices as axes: throughput over batch size, and architecture by task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, NullLocator

from bench.report import wording
from bench.report.comparison import (
    FRAMEWORK,
    Comparison,
    by_contender,
    comparisons,
    differences,
    only,
    swaps,
)
from bench.report.plots import style
from bench.report.plots.style import Look, Plot
from bench.stats import runs
from bench.stats.runs import Replicates

# Throughput over batch size


def _has_sizes(panel: Comparison) -> bool:
    return len({group.experiment.batch_size for group in panel.measured}) > 1


def _draw_batch_size(axes: Axes, panel: Comparison) -> None:
    lines = by_contender(panel.measured)
    for (_, look, label), line in zip(style.series(line[0] for line in lines), lines, strict=True):
        _draw_line(axes, line, look, label)
    axes.loglog()
    style.log_ticks(axes.yaxis)
    axes.xaxis.set_major_formatter(style.PLAIN)
    axes.xaxis.set_major_locator(FixedLocator(panel.values("batch_size")))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("batch size (images a step, log scale)")
    axes.set_ylabel("training throughput\n(images/s, log scale)")


def _draw_line(axes: Axes, groups: Sequence[Replicates], look: Look, label: str) -> None:
    points = [
        (group.experiment.batch_size, throughput)
        for group in groups
        if (throughput := group.summary(runs.throughput_images_per_s))
    ]
    axes.errorbar(
        [size for size, _ in points],
        [throughput.mean for _, throughput in points],
        # not-a-number draws no whisker: one run has no deviation
        yerr=[math.nan if throughput.std is None else throughput.std for _, throughput in points],
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        capsize=5,
        label=label,
    )


BATCH_SIZE = Plot(
    name="batch-size",
    title="Training throughput over batch size",
    caption=(
        "Where a line rises, a larger batch keeps the device busier. Where it is flat, the "
        "device is as busy as it can be. Both axes are logarithmic: equal distances are equal "
        "factors. With several seeds a point is their mean, and its whisker their standard "
        "deviation."
    ),
    needs="the same experiments at two or more batch sizes",
    panels=partial(comparisons, varying=(*FRAMEWORK, "batch_size"), keep=_has_sizes),
    draw=_draw_batch_size,
)


# The architecture swap as a heat map: networks down, tasks across

# light to dark in one hue: the order survives grey print
SHADES = LinearSegmentedColormap.from_list("shades", ["#EAF2FA", "#0B3C6F"]).with_extremes(
    bad="0.94"  # where nothing was measured
)
LIGHTEST, DARKEST = 0.3, 0.004  # errors, fractions; one scale for all panels of all folders
WHITE_WORDS = 0.65  # from this share of the way to the darkest on, words are white


def _swap_panels(groups: Sequence[Replicates]) -> list[Comparison]:
    panels = swaps(groups)
    return panels if any(panel.measured for panel in panels) else []


def _draw_swap(axes: Axes, panel: Comparison) -> None:
    networks = panel.values("architecture")
    tasks = sorted({(g.experiment.task, g.experiment.source) for g in panel.groups})
    shades = np.full((len(networks), len(tasks)), np.nan)
    for (row, network), (column, (task, source)) in product(enumerate(networks), enumerate(tasks)):
        cell = next(iter(only(panel.groups, architecture=network, task=task, source=source)), None)
        shades[row, column] = shade = _shade(cell)
        _write_cell(axes, (column, row), cell, "white" if shade > WHITE_WORDS else "black")
    axes.imshow(shades, cmap=SHADES, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(tasks)), [f"{task}\n({source})" for task, source in tasks])
    axes.set_yticks(range(len(networks)), [wording.architecture(name) for name in networks])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _shade(cell: Replicates | None) -> float:
    """0 to 1 with the logarithm of the error: each halving of it darkens alike."""
    accuracy = cell.summary(runs.test_accuracy) if cell else None
    if accuracy is None:
        return math.nan
    error = min(max(1 - accuracy.mean, DARKEST), LIGHTEST)
    return math.log(LIGHTEST / error) / math.log(LIGHTEST / DARKEST)


def _write_cell(axes: Axes, middle: tuple[int, int], cell: Replicates | None, colour: str) -> None:
    """Accuracy, and throughput beneath it; or why there is neither."""
    write = partial(axes.text, *middle, ha="center", color=colour)
    if cell is None or not cell.measured:
        write(style.why_absent(cell), va="center")
        return
    accuracy = wording.spread(cell.summary(runs.test_accuracy), 100, 2, unit="%")
    throughput = wording.spread(cell.summary(runs.throughput_images_per_s))
    write(accuracy, va="bottom", fontweight="bold")
    write(f"{throughput}\nimages/s", va="top", fontsize=12)


SWAP = Plot(
    name="swap",
    title="Architecture swap: test accuracy, and training throughput",
    caption=(
        "Each network on each task: test accuracy in percent, and below it training images per "
        "second. Darker means fewer errors: half the errors are always one equal step darker, in "
        "all panels. With several seeds: mean ± standard deviation (n)."
    ),
    needs="runs of two architectures with goal 'train', alike in all else",
    panels=_swap_panels,
    draw=_draw_swap,
    panels_a_page=6,
    shows_failures=True,
    note=differences,
)
