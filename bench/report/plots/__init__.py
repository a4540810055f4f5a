"""One plot a file, and their list. To add one: a module with a ``PLOT`` here."""

from __future__ import annotations

from bench.report.plots import (
    accuracy,
    batch_size,
    break_even,
    loss,
    roofline,
    start_up,
    steadiness,
    swap,
    throughput,
    time_to_accuracy,
)

PLOTS = (
    accuracy.PLOT,
    loss.PLOT,
    throughput.PLOT,
    batch_size.PLOT,
    time_to_accuracy.PLOT,
    swap.PLOT,
    start_up.PLOT,
    break_even.PLOT,
    roofline.PLOT,
    steadiness.PLOT,
)
