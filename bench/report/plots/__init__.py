"""The list of plots. To add one: a ``Plot`` in the file of its kind, and its name here.

Those of the appendix come last.
"""

from __future__ import annotations

from bench.report.plots import bars, break_even, costs, curves, power, scaling

PLOTS = (
    bars.THROUGHPUT,
    curves.ACCURACY,
    bars.TIME_TO_ACCURACY,
    curves.BATCH_SIZE,
    scaling.SCALING,
    bars.SWAP,
    bars.START_UP,
    break_even.BREAK_EVEN,
    curves.LOSS,
    costs.ROOFLINE,
    costs.STEADINESS,
    power.POWER,
)
