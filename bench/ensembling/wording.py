"""What was found of training members at once, for a reader. Reads the record alone."""

from __future__ import annotations

from statistics import median

from bench.evidence import EnsembleTimes, Way
from bench.verdict import Paired, compare_arms

FASTER_WAYS: tuple[Way, ...] = ("vmap", "batched")
# Deviations of weights below it are rounding's: 1e-6 is usual, another order of batches is 1.
SAME_WEIGHTS = 1e-3


def speed_up(timed: EnsembleTimes, way: Way) -> Paired:
    """How many times as fast as one after the other, round by round."""
    return compare_arms(timed.arm("one by one").rounds_s, timed.arm(way).rounds_s)


def same_work(timed: EnsembleTimes) -> bool:
    """Whether all arms came to the same weights but for rounding."""
    return all(arm.deviation < SAME_WEIGHTS for arm in timed.arms)


def sentences(timed: EnsembleTimes) -> list[str]:
    """One setting: what was trained, what each way took, and how much faster it was."""
    one = timed.setting
    lines = [
        f"{one.members} members of 784-{one.width}-{one.classes}, batch size "
        f"{one.batch_size:,}, {one.device.upper()}, {timed.threads} threads, Adam; a step of all "
        f"members, median of {len(timed.arms[0].rounds_s)} rounds of {one.steps} steps:"
    ]
    for arm in timed.arms:
        step_ms = 1000 * median(arm.rounds_s) / one.steps
        lines.append(f"  {arm.way:12}{step_ms:9.3f} ms{_beside(timed, arm.way)}")
    if not same_work(timed):
        lines.append("  The arms did NOT come to the same weights: these times mean nothing.")
    return lines


def _beside(timed: EnsembleTimes, way: Way) -> str:
    if way not in FASTER_WAYS:
        return ""
    paired, deviation = speed_up(timed, way), timed.arm(way).deviation
    interval = paired.interval
    known = f" (95 %: {interval.low:.2f} to {interval.high:.2f})" if interval else ""
    return f", {paired.ratio:.2f} times as fast{known}; weights agree to {deviation:.0e}"
