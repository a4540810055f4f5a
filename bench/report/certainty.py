"""How intervals, p values, verdicts and times with misses are said to a reader."""

from __future__ import annotations

from bench import survival
from bench.report import wording
from bench.survival import Observed
from bench.uncertainty import SIGNIFICANCE, Interval
from bench.verdict import Judged


def estimate(
    value: float,
    interval: Interval | None,
    *,
    scale: float = 1.0,
    decimals: int | None = None,
    sign: str = "",
    signed: bool = False,
) -> str:
    """``value [low to high]``, its 95 % interval in brackets; the value alone where there is none.

    Args:
        value, interval: of what is said.
        scale, decimals: as of ``wording.spread``.
        sign: follows the value.
        signed: True: a plus stands before what is above 0.
    """
    places = _places(value, interval, scale) if decimals is None else decimals
    plus = "+" if signed and value > 0 else ""
    shown = f"{plus}{wording.fixed(value * scale, places)}{sign}"
    return shown if interval is None else f"{shown} [{_ends(interval, scale, places)}]"


def interval_of(value: float, interval: Interval) -> str:
    """The interval of a value within a sentence: '95 % interval 1.30 to 1.42'."""
    return f"95 % interval {_ends(interval, 1.0, _places(value, interval, 1.0))}"


def bounds(interval: Interval | None, scale: float = 1.0, decimals: int = 2) -> str:
    """``[low to high]``; empty where there is none."""
    return "" if interval is None else f"[{_ends(interval, scale, decimals)}]"


def _ends(interval: Interval, scale: float, places: int) -> str:
    low, high = sorted((interval.low * scale, interval.high * scale))
    return f"{wording.fixed(low, places)} to {wording.fixed(high, places)}"


def _places(value: float, interval: Interval | None, scale: float) -> int:
    reach = (interval.high - interval.low) / 2 if interval else None
    return wording.places(value * scale, reach and abs(reach * scale))


def p_value(p: float | None) -> str:
    """Two significant digits, three decimals at most: 0.013; '< 0.001' below that."""
    if p is None:
        return wording.NOT_MEASURED
    return "< 0.001" if p < 0.001 else f"{p:.{3 if p < 0.1 else 2}f}"


def time_to_target(seen: Observed) -> str:
    """Seconds to a target: the Kaplan–Meier median with its interval, and the misses counted.

    An upper end that too few runs bound is ∞.
    """
    if not seen.n:
        return wording.NOT_MEASURED
    missed = f"not reached in {len(seen.censored)} of {seen.n}" if seen.censored else ""
    if not seen.times:
        return "not reached" if seen.n == 1 else missed
    middle = survival.median(seen)
    if middle.time is None:
        return f"{missed}; the soonest {wording.number(min(seen.times))}"
    low = "" if middle.low is None else f" [{wording.number(middle.low)} to {_end(middle.high)}]"
    return "; ".join(filter(None, (f"{wording.number(middle.time)}{low}", missed)))


def _end(value: float | None) -> str:
    return "∞" if value is None else wording.number(value)


# Verdicts


def verdict(judged: Judged, better: str, worse: str) -> str:
    """What may be said of the first beside the second, and why no more.

    ``better`` and ``worse`` are the words for a ratio above and below 1, such as 'faster' and
    'slower' for a throughput.
    """
    floor = f"the noise floor of {100 * (judged.noise_floor or 0):.1f} %"
    if judged.outcome == "tie":
        return f"tie: the whole interval lies within {floor}"
    if judged.outcome != "undecided":
        return better if judged.outcome == "higher" else worse
    if judged.paired.interval is None:
        return "undecided: one pair"
    if judged.paired.interval.includes(1):
        return "not significant: the interval includes 1"
    if judged.p is None or judged.p >= SIGNIFICANCE:
        return "not significant: p is not below 0.05 after Holm's correction"
    return f"undecided: below {floor}, but the interval reaches beyond it"


def evidence(judged: Judged) -> str:
    """What a sentence rests on: interval, pairs, and how many comparisons it was corrected for."""
    paired = judged.paired
    if paired.interval is None:
        return "1 paired seed"
    parts = [interval_of(paired.ratio, paired.interval), wording.counted(paired.n, "paired seed")]
    p = p_value(judged.p)
    parts.append(f"p {p}" if p.startswith("<") else f"p = {p}")
    if judged.family > 1:
        parts.append(f"Holm-corrected over {judged.family} pairs")
    return ", ".join(parts)
