"""The roofline: what experiments reach, under the most that their machine can do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes

from bench import costs
from bench.costs import EXPLAINED, RooflinePoint
from bench.evidence import Peak
from bench.report import wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons
from bench.report.plots import style
from bench.report.plots.plot import Plot
from bench.report.plots.style import Palette
from bench.run_statistics import Replicates

GIGA = 1e-9
ROOFS = ("-", "--", "-.", ":")  # lines of the roofs of several precisions or numbers of threads
MARGIN = 2.0  # factor of room around the points
APART = 0.009  # of the axis between the points of two frameworks, which have the same intensity

Placed = tuple[Replicates, RooflinePoint]


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    varying = (*FRAMEWORK, "batch_size", "precision", "threads")
    return comparisons(groups, varying, keep=lambda panel: bool(_placed(panel)))


def _placed(panel: Comparison) -> list[Placed]:
    return [(group, place) for group in panel.measured if (place := costs.roofline_point(group))]


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    placed = _placed(panel)
    _scales(axes, [place for _, place in placed])
    _roofs(axes, [place.peak for _, place in placed])
    names = sorted({wording.framework(group.experiment) for group, _ in placed})
    left, right = axes.get_xlim()
    for group, place in placed:
        name = wording.framework(group.experiment)
        aside = APART * (names.index(name) - (len(names) - 1) / 2)
        axes.plot(
            place.intensity * (right / left) ** aside,
            place.flop_per_s * GIGA,
            palette[name].marker,
            color=palette[name].colour,
            markeredgecolor="white",
            markersize=10,
            label=name,
            zorder=3,
        )
    _name_columns(axes, placed)


def _roofs(axes: Axes, peaks: Iterable[Peak]) -> None:
    """A roof a peak, and half of it, below which a point is launch-bound."""
    intensity = np.geomspace(*axes.get_xlim(), 400)
    for number, peak in enumerate(dict.fromkeys(peaks)):
        roof = np.array([costs.roof_flop_per_s(peak, float(one)) for one in intensity]) * GIGA
        axes.plot(intensity, roof, color="black", linestyle=ROOFS[number % len(ROOFS)])
        axes.fill_between(intensity, EXPLAINED * roof, color="0.5", alpha=0.10, linewidth=0)
        axes.annotate(
            _peak(peak),
            (intensity[0], roof[-1]),
            xytext=(4, 4),
            textcoords="offset points",
            fontsize=11,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )


def _peak(peak: Peak) -> str:
    """What a roof is of: '181 GFLOP/s, 14 GB/s (fp32)'."""
    threads = "" if peak.threads is None else f", {wording.counted(peak.threads, 'thread')}"
    return (
        f"{wording.number(peak.flop_per_s * GIGA)} GFLOP/s and "
        f"{wording.number(peak.bytes_per_s * GIGA)} GB/s ({peak.precision}{threads})"
    )


def _name_columns(axes: Axes, placed: Sequence[Placed]) -> None:
    """Name the batch size under the points that have it: all frameworks' lie in one column.

    Intensity follows from the work alone, so a label a column does for any number of points.
    """
    ordered = sorted((place.intensity, _column(group)) for group, place in placed)
    low, _ = axes.get_ylim()
    for name, members in groupby(ordered, lambda one: one[1]):
        at = float(np.mean([intensity for intensity, _ in members]))
        axes.axvline(at, color="0.75", linewidth=1, linestyle=":", zorder=1)
        axes.annotate(
            name,
            (at, low),
            xytext=(3, 5),
            textcoords="offset points",
            rotation=90,
            va="bottom",
            fontsize=11,
        )


def _column(group: Replicates) -> str:
    one = group.experiment
    precision = "" if one.precision == "fp32" else f", {one.precision}"
    return f"batch {one.batch_size:,}{precision}"


def _scales(axes: Axes, places: Sequence[RooflinePoint]) -> None:
    """Both axes over all points with room, and over the corner of every roof."""
    corners = [place.peak.flop_per_s / place.peak.bytes_per_s for place in places]
    across = [*(place.intensity for place in places), *corners]
    reached = [place.flop_per_s * GIGA for place in places]
    top = max(*reached, *(place.peak.flop_per_s * GIGA for place in places))
    axes.loglog()
    axes.set_xlim(min(across) / MARGIN, max(across) * MARGIN)
    axes.set_ylim(min(reached) / MARGIN**2, top * MARGIN)
    style.log_ticks(axes.xaxis)
    style.log_ticks(axes.yaxis)
    axes.set_xlabel("arithmetic intensity (FLOP/byte, log scale)")
    axes.set_ylabel("reached in training\n(GFLOP/s, log scale)")


def _note(panel: Comparison) -> str:
    places = [place for _, place in _placed(panel)]
    libraries = dict.fromkeys(place.peak.by for place in places)
    said = f"Black: the most this machine did, measured by {', '.join(libraries)}."
    too_low = any(place.above_peak for place in places)
    return (
        f"{said}\nA point lies above it: it was measured too low, audit again." if too_low else said
    )


PLOT = Plot(
    name="roofline",
    title="What training reaches of what the machine can do",
    caption=(
        "The black roof is the most that the machine can do: to the left its memory brings too "
        "few bytes, to the right its arithmetic is the limit. A point is an experiment; with "
        "several seeds the mean. Those of one batch size have the same intensity and are set a "
        "little apart to be seen. FLOP are counted from the layers, bytes are those that a step "
        "must move if every product finds its caches empty. In the grey, below half of the "
        "roof, neither explains the time: it is launch-bound, which on a CPU means overhead of "
        "any kind. Points above the roof to the left had their bytes from the caches, and "
        "are judged by computing alone."
    ),
    needs="runs that ended well, and an audit of the same machine (python -m bench audit)",
    panels=_panels,
    draw=_draw,
    note=_note,
)
