"""Training throughput by framework, as bars."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from matplotlib.axes import Axes

from bench import run_statistics as stats
from bench import uncertainty
from bench.report import certainty, wording
from bench.report.comparison import Comparison
from bench.report.plots import bars
from bench.report.plots.plot import Plot
from bench.report.plots.style import Palette


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    labels = wording.distinct_labels(panel.groups)
    for place, group in enumerate(panel.groups):
        values = [v for r in group.measured if (v := stats.throughput_images_per_s(r)) is not None]
        if values:
            look = palette[wording.framework(group.experiment)]
            bars.bar(axes, place, values, look, _says(values))
        else:
            bars.absent(axes, place, group.failed[0].status if group.failed else "not measured")
    bars.name_places(axes, labels)
    axes.set_xlabel("training throughput (images/s)")


def _says(values: Sequence[float]) -> str:
    return certainty.estimate(fmean(values), uncertainty.of_mean(values))


PLOT = Plot(
    name="throughput",
    title="Training throughput by framework",
    caption=(
        "Training images per second over all steps after the warm-up; longer is faster. With "
        "several seeds the bar is their mean, the whisker its 95 % interval and each dot one "
        "seed. Two whiskers may overlap where each seed says the same: whether two frameworks "
        "differ is told by their ratio, seed by seed, in the table of differences."
    ),
    needs="a run that ended well",
    panels=bars.panels,
    draw=_draw,
    shows_failures=True,
)
