"""How steady a machine was, from the pulses taken before its runs. Numbers only."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.record import Pulse

BUSY = 0.10  # share of the processors' time that others take: more is worth a warning
DRIFT = 0.05  # and so is a product that takes longer by this share at the end than at first


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """Pulses in their order, in a few numbers. A share of 0.02 is 2 %."""

    pulses: int
    product_s: float  # median over the pulses, of the median of each
    drift: float | None  # the last quarter over the first, less 1; None of one pulse
    slowest: float  # the slowest pulse over ``product_s``, less 1
    busiest: float | None  # the most that others took of the processors; None: not read
    clock_hz: tuple[float, float] | None  # the processors' lowest and highest; None: not read


def steadiness(pulses: Sequence[Pulse]) -> Steadiness | None:
    """Of all pulses of a suite or an audit; None of none."""
    if not pulses:
        return None
    products = [statistics.median(pulse.product_s) for pulse in pulses]
    typical = statistics.median(products)
    busy = [pulse.busy for pulse in pulses if pulse.busy is not None]
    clocks = [pulse.clock_hz for pulse in pulses if pulse.clock_hz is not None]
    return Steadiness(
        pulses=len(pulses),
        product_s=typical,
        drift=_drift(products),
        slowest=max(products) / typical - 1,
        busiest=max(busy, default=None),
        clock_hz=(min(clocks), max(clocks)) if clocks else None,
    )


def _drift(products: Sequence[float]) -> float | None:
    """By medians of quarters, since a single pulse may be held up by anything."""
    if len(products) < 2:
        return None
    part = max(1, len(products) // 4)
    return statistics.median(products[-part:]) / statistics.median(products[:part]) - 1


def warnings(found: Steadiness, during: str) -> list[str]:
    """What was not as it should be, each with what to do; empty where the machine was steady.

    ``during``: what the pulses were taken before: 'the audit', 'the runs'.
    """
    said = []
    if found.busiest is not None and found.busiest > BUSY:
        said.append(
            f"During {during} other programs took up to {100 * found.busiest:.0f} % of the "
            "processors: close them (a browser, a synchronising folder, another user's job) and "
            "measure again."
        )
    if found.drift is not None and abs(found.drift) > DRIFT:
        way = "longer" if found.drift > 0 else "shorter"
        said.append(
            f"During {during} the same product came to take {100 * abs(found.drift):.0f} % {way}: "
            "plug the machine in, let it cool down, set its power mode to performance, close other "
            "programs, and measure again; comparisons of runs that lie far apart are off by as "
            "much."
        )
    return said
