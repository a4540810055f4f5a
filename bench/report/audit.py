"""What an audit found, how steady the machine was, and what other programs took, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bench.machine.pulse import Steadiness, steadiness, warnings
from bench.report import wording
from bench.results.evidence import Arms, Audit, Peak, Timer, Unsynchronised
from bench.results.observed import DISTURBANCES
from bench.results.record import DISTURBED, Record
from bench.stats import verdict
from bench.stats.runs import Replicates

NO_AUDIT = (
    "The clock was not audited, so the noise floor of this machine is not known: "
    "'python -m bench audit --out' with this folder does it."
)
MARK = "†"  # of a disturbed run, at its bar and at the title of a panel that shows it


def sentences(audit: Audit | None, records: Sequence[Record]) -> Iterator[str]:
    """What the audit found, and how steady the machine was over the runs; warnings last.

    ``audit``: None where there is none. ``records``: all of the folder, in their order.
    """
    steady = steadiness([record.pulse for record in records if record.pulse is not None])
    if audit is None:
        yield NO_AUDIT
    else:
        yield from findings(audit)
    if steady is not None:
        yield steadiness_sentence(steady)
    yield from _others(records)
    of_audit = audit.warnings if audit else ()
    of_runs = warnings(steady, "the runs") if steady else ()
    yield from (f"Warning: {warning}" for warning in (*of_audit, *of_runs))


def brief(audit: Audit | None, records: Sequence[Record]) -> Iterator[str]:
    """The same in a line each; of warnings their number."""
    if audit is None:
        yield NO_AUDIT
    for arms in audit.every_arms if audit else ():
        floor = verdict.noise_floor(arms)
        if floor is None:
            yield _noise(arms)
        else:
            percent = wording.percent(floor, 1)
            yield f"{_floor(arms)} {percent}: a smaller difference names no winner."
        if arms.delayed_s:
            yield _delay(arms)
    yield from _others(records)
    warned = sum(line.startswith("Warning: ") for line in sentences(audit, records))
    if warned:
        yield f"{wording.counted(warned, 'warning')}: the details say what to do."


def findings(audit: Audit) -> Iterator[str]:
    """What the audit found, without its warnings."""
    for arms in audit.every_arms:
        yield _noise(arms)
        if arms.delayed_s:
            yield _delay(arms)
    if audit.repeated is not None:
        yield _repetitions(audit.repeated, audit.repetitions)
    yield from map(_careless, audit.unsynchronised)
    yield _timer(audit.timer)
    yield from map(_peak, audit.peaks)


def _noise(arms: Arms) -> str:
    mean_s = wording.number(sum(arms.a_s) / len(arms.a_s), 2)
    rounds = f"{len(arms.a_s)} rounds of runs that train about {mean_s} s"
    paired = verdict.compare_arms(arms.same_s, arms.a_s)
    floor = verdict.noise_floor(arms)
    if floor is None or paired.interval is None:
        return f"{_floor(arms)}: not known, of one round of {wording.framework(arms.experiment)}."
    named = "a winner was named" if verdict.names_winner(arms) else "no winner was named"
    ratio, low, high = (
        wording.percent(end - 1, 1, signed=True)
        for end in (paired.ratio, paired.interval.low, paired.interval.high)
    )
    return (
        f"{_floor(arms)} {wording.percent(floor, 1)}: the very same experiment run as two arms "
        f"({wording.framework(arms.experiment)}, {rounds}) differed by "
        f"{ratio} ({low} to {high}), and {named}. A smaller difference on this device names no "
        "winner; an audit of more rounds lowers the floor."
    )


def _floor(arms: Arms) -> str:
    return f"Noise floor{_where(arms)}"


def _where(arms: Arms) -> str:
    device = arms.experiment.device
    return "" if device == "cpu" else f" on {wording.device(device)}"


def _delay(arms: Arms) -> str:
    delay = verdict.delay_found(arms)
    share = delay.injected_s / (sum(arms.a_s) / len(arms.a_s))
    injected = f"{_ms(delay.injected_s)} a run{_where(arms)}"
    what = f"Injected delay of {injected} ({wording.percent(share, 1)})"
    if delay.interval is None:
        return f"{what}: {_ms(delay.found_s)} seen, of one round."
    reading = f"{_ms(delay.found_s)} ({_ms(delay.interval.low)} to {_ms(delay.interval.high)})"
    outcome = f"found, as {reading}" if delay.found else f"NOT found; seen were {reading}"
    return f"{what}: {outcome}."


def _repetitions(arms: Arms, repetitions: Sequence[Arms]) -> str:
    named = verdict.winners_named(arms, repetitions)
    return (
        f"Of {len(repetitions)} further comparisons of the experiment with itself, "
        f"{len(repetitions[0].a_s)} pairs each, the report's rule named no winner in "
        f"{len(repetitions) - named} and one in {named}."
    )


def _careless(reading: Unsynchronised) -> str:
    if reading.false_s is None or reading.true_s is None:
        return (
            f"A clock that does not wait, on {wording.device(reading.device)}: unavailable: "
            f"{reading.unavailable}."
        )
    return (
        f"A clock that does not wait for {wording.device(reading.device)} reads "
        f"{_ms(reading.false_s)} for what takes {_ms(reading.true_s)}: it would be wrong by a "
        f"factor of {wording.number(reading.true_s / max(reading.false_s, 1e-9))}. Ours waits."
    )


def _timer(timer: Timer) -> str:
    return (
        f"Timer: {timer.name}; its smallest step is {wording.number(timer.resolution_s * 1e9)} ns, "
        f"and a reading costs {wording.number(timer.cost_s * 1e9)} ns."
    )


def _peak(peak: Peak) -> str:
    threads = "" if peak.threads is None else f", {wording.counted(peak.threads, 'thread')}"
    return (
        f"Peak on {wording.device(peak.device)} in {peak.precision}{threads}: "
        f"{wording.number(peak.flop_per_s / 1e9)} GFLOP/s in matrix products, "
        f"{wording.number(peak.bytes_per_s / 1e9)} GB/s in copies{_launch(peak)} ({peak.by})."
    )


def _launch(peak: Peak) -> str:
    if peak.launch_s is None:
        return ""
    return f", {wording.number(peak.launch_s * 1e6)} µs a launch of the smallest kernel"


def steadiness_sentence(steady: Steadiness) -> str:
    """How the same small product fared over the runs, and what others took meanwhile."""
    parts = [
        f"Steadiness: the same small matrix product, before each of {steady.pulses} runs, took "
        f"{_ms(steady.product_s)}, at the slowest {wording.percent(steady.slowest, 1)} longer"
    ]
    if steady.drift is not None:
        drift = wording.percent(steady.drift, 1, signed=True)
        parts.append(f"the last quarter of the runs {drift} beside the first")
    if steady.busiest is not None:
        parts.append(
            f"other programs took at most {wording.percent(steady.busiest, 1)} of the processors"
        )
    if steady.clock_hz is not None:
        low, high = (f"{hz / 1e9:.2f}" for hz in steady.clock_hz)
        parts.append(f"processors' clock {low if low == high else f'{low} to {high}'} GHz")
    return f"{'; '.join(parts)}."


# Disturbed runs: what other programs took of the processors while they trained


def disturbance(groups: Iterable[Replicates]) -> str | None:
    """'other programs took up to 34 % of the processors in 2 of 5 runs'; None: none is disturbed.

    Or 'heat held the GPU back for up to 40 % of the time in 1 of 5 runs', or both.

    ``groups``: of a row, or of several rows.
    """
    measured = [record for group in groups for record in group.measured]
    reasons = (
        _reason(words, [getattr(record, name) for record in measured])
        for name, words in DISTURBANCES
    )
    return " and ".join(filter(None, reasons)) or None


def _reason(words: str, shares: Sequence[float]) -> str | None:
    """One reason for which runs count as disturbed, in words; None: it is no reason here."""
    high = [share for share in shares if share > DISTURBED]
    if not high:
        return None
    most = wording.percent(max(high), 0)
    if len(shares) == 1:
        return words.format(most)
    return f"{words.format(f'up to {most}')} in {len(high)} of {len(shares)} runs"


def disturbed_note(groups: Iterable[Replicates]) -> str:
    """A line for a plot that shows disturbed runs, with the mark of their panels; or empty."""
    disturbed = [group for group in groups if group.disturbed]
    names = ", ".join(dict.fromkeys(wording.framework(group.experiment) for group in disturbed))
    return f"{MARK} Disturbed: {names} ({disturbance(disturbed)})" if disturbed else ""


def _others(records: Sequence[Record]) -> Iterator[str]:
    """What other programs took during the runs that counted it, and how many were run again."""
    counted = [r for r in records if r.measurement and r.measurement.others_share is not None]
    if not counted:
        return
    most = wording.percent(max(record.others_share for record in counted), 1)
    limit = wording.percent(DISTURBED, 0)
    disturbed = sum(record.disturbed for record in counted)
    outcome = f"no run is disturbed, as it would be above {limit}"
    if disturbed:
        outcome = (
            f"{disturbed} of them, above {limit}, stayed disturbed. Their rows and plots are "
            "marked, and no winner is named over them"
        )
    yield (
        f"Other programs were watched during {wording.all_or(len(counted), len(records))} runs: "
        f"they took at most {most} of the processors, and {outcome}."
    )
    tries = [record.tries for record in records if record.tries > 1]
    if tries:
        yield (
            f"{wording.counted(len(tries), 'run')} had been disturbed and had to be run again, "
            f"{wording.counted(sum(tries) - len(tries), 'time')} in all: the last try counts, "
            "however fast or slow it was, and the others are kept in disturbed/."
        )


def _ms(seconds: float) -> str:
    return f"{wording.number(seconds * 1e3)} ms"
