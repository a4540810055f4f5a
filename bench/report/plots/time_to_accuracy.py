"""Training seconds to each target accuracy, as bars; misses are said, never dropped."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from bench import stats
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import bars
from bench.report.plots.plot import Plot
from bench.report.plots.style import Look, Palette
from bench.stats import Replicates

# a shade a target: colours tell frameworks apart elsewhere, and here their names do
LOOKS = (
    Look(colour="#8CB8DC", marker="o", line="-", hatch=""),
    Look(colour="#1F4E79", marker="s", line="-", hatch="//"),
    Look(colour="#4D4D4D", marker="^", line="-", hatch=".."),
)


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    return comparisons(groups, FRAMEWORK, keep=lambda found: bool(found.targets and found.measured))


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    targets = panel.targets
    height = 0.84 / len(targets)
    for place, group in enumerate(panel.groups):
        if not group.measured:
            bars.absent(axes, place, group.failed[0].status)
            continue
        for index, target in enumerate(targets):
            where = place + (index - (len(targets) - 1) / 2) * height
            _target(axes, where, group, target, LOOKS[index % len(LOOKS)], 0.86 * height)
    bars.name_places(axes, wording.distinct_labels(panel.groups))
    axes.set_xlabel("training time to the target (s)")


def _target(
    axes: Axes, where: float, group: Replicates, target: float, look: Look, height: float
) -> None:
    times = stats.times_to_accuracy(group, target)
    if not times.times_s:
        bars.absent(axes, where, f"{wording.target(target)}: {wording.time_to_target(times)}")
        return
    says = f"{wording.target(target)}: {wording.spread(times.hits)}"
    if times.missed:
        says += f", {times.missed} of {times.runs} not reached"
    bars.bar(axes, where, times.times_s, look, says, height)


PLOT = Plot(
    name="time-to-accuracy",
    title="Training time to a target accuracy",
    caption=(
        "Training seconds until the validation set is first read at the target or above; "
        "shorter is faster. A bar is the mean of the seeds that got there; where some did not, "
        "the words say how many."
    ),
    needs="a run with goal 'train' and a target that ended well",
    panels=_panels,
    draw=_draw,
    shows_failures=True,
)
