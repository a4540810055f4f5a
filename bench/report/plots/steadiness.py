"""How steady the machine was over a suite: its pulse before each run."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from matplotlib.axes import Axes

from bench.pulse import PRODUCTS, SIZE
from bench.record import Pulse, Record
from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS, Comparison
from bench.report.plots.plot import Plot
from bench.report.plots.style import LOOKS, PLAIN, Palette
from bench.run_statistics import Host, Replicates

PRODUCT, BUSY = LOOKS[0], LOOKS[1]
MIN_S = 60.0


def _panels(groups: Sequence[Replicates]) -> list[Comparison]:
    """One for each machine, of everything that was run there, on real or on drawn images."""
    ordered = sorted(groups, key=_place)
    found = (
        Comparison(varying=frozenset(EXPERIMENT_FIELDS), groups=tuple(members))
        for _, members in groupby(ordered, _place)
    )
    return [panel for panel in found if panel.measured and _beats(panel)]


def _place(group: Replicates) -> tuple[Host, bool]:
    return group.host, group.data.drawn


def _beats(panel: Comparison) -> list[tuple[Record, Pulse]]:
    """Runs with their pulses, in the order in which they were started."""
    records = [record for group in panel.groups for record in group.records]
    ordered = sorted(records, key=lambda record: (record.started_at, record.run_id))
    return [(record, record.pulse) for record in ordered if record.pulse is not None]


def _draw(axes: Axes, panel: Comparison, palette: Palette) -> None:
    """One point a run; the palette is of frameworks, and a pulse is of none of them."""
    beats = _beats(panel)
    minutes = _minutes([record for record, _ in beats])
    products_ms = [1e3 * statistics.median(pulse.product_s) for _, pulse in beats]
    typical = statistics.median(products_ms)
    axes.plot(minutes, products_ms, PRODUCT.marker, color=PRODUCT.colour, label="product")
    axes.axhline(typical, color=PRODUCT.colour, linestyle="--", label="its median")
    axes.set_ylim(0, 1.25 * max(products_ms))
    axes.yaxis.set_major_formatter(PLAIN)
    axes.set_xlabel("time since the first run began (min)")
    axes.set_ylabel("one product (ms)")
    _draw_busy(axes, minutes, [pulse.busy for _, pulse in beats])


def _draw_busy(axes: Axes, minutes: Sequence[float], busy: Sequence[float | None]) -> None:
    """What others took, as bars from below on an axis of its own, up to all there is."""
    known = [
        (at, 100 * share) for at, share in zip(minutes, busy, strict=True) if share is not None
    ]
    if not known:
        return
    beside = axes.twinx()
    beside.vlines(
        [at for at, _ in known], 0, [share for _, share in known], color=BUSY.colour, linewidth=5
    )
    beside.set_ylim(0, 100)
    beside.set_ylabel("processors' time taken by others (%)")
    beside.grid(visible=False)
    beside.spines["right"].set_visible(True)
    axes.set_zorder(beside.get_zorder() + 1)  # the points before the bars
    axes.patch.set_visible(False)
    axes.plot([], [], color=BUSY.colour, linewidth=5, label="taken by others (right)")


def _minutes(records: Sequence[Record]) -> list[float]:
    starts = [datetime.fromisoformat(record.started_at) for record in records]
    return [(start - starts[0]).total_seconds() / MIN_S for start in starts]


def _heading(panel: Comparison) -> str:
    images = dict.fromkeys(wording.images(group.data) for group in panel.groups)
    return f"{panel.host.cpu}, {panel.host.cores} cores; runs on {', '.join(images)}"


PLOT = Plot(
    name="steadiness",
    title="Steadiness of the machine",
    caption=(
        f"The same small matrix product ({SIZE} × {SIZE}, float32, NumPy), timed just before each "
        f"run: a point is the median of {PRODUCTS}. On a steady machine the points lie on the "
        "dashed line; a climb is heat or a tired battery, a jump is another program. The bars are "
        "the share of the processors' time that other programs took meanwhile. It says nothing of "
        "any framework."
    ),
    needs="a run whose machine's pulse was taken",
    panels=_panels,
    draw=_draw,
    shows_failures=True,
    heading=_heading,
)
