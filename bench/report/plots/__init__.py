"""The list of plots. To add one: a ``Plot`` in the file of its kind, and its name here."""

from __future__ import annotations

from bench.report.plots import axes, bars, costs, curves, power

PLOTS = (
    curves.ACCURACY,
    curves.LOSS,
    bars.THROUGHPUT,
    axes.BATCH_SIZE,
    bars.TIME_TO_ACCURACY,
    axes.SWAP,
    bars.START_UP,
    costs.BREAK_EVEN,
    costs.ROOFLINE,
    costs.STEADINESS,
    power.POWER,
)
