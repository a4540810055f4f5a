"""Two results folders: which runs of theirs belong together, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from bench import run_statistics as stats
from bench.experiment import Experiment
from bench.record import Record
from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS
from bench.run_statistics import Replicates

Facts = dict[str, set[str]]  # what is told -> all values it has in a folder


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Every experiment of two folders, in one of four places."""

    pairs: tuple[tuple[Replicates, Replicates], ...]  # may be compared
    only_first: tuple[Experiment, ...]
    only_second: tuple[Experiment, ...]
    refused: tuple[str, ...]  # in both, but not to be compared: which, and why


def pair(first: Iterable[Record], second: Iterable[Record]) -> Pairing:
    """Put the same experiments together; accuracies to be timed may differ.

    Refused are experiments on other images, and those of which a folder holds more than one set
    of runs (of several machines or versions).
    """
    a, b = _by_experiment(first), _by_experiment(second)
    both = [experiment for experiment in a if experiment in b]
    reasons = {experiment: _refusal(a[experiment], b[experiment]) for experiment in both}
    return Pairing(
        pairs=tuple((a[one][0], b[one][0]) for one in both if not reasons[one]),
        only_first=tuple(one for one in a if one not in b),
        only_second=tuple(one for one in b if one not in a),
        refused=tuple(f"{name(one)}: {reasons[one]}" for one in both if reasons[one]),
    )


def name(experiment: Experiment) -> str:
    """All fields of an experiment in one line."""
    return wording.conditions(experiment, ("goal", *EXPERIMENT_FIELDS))


def _by_experiment(records: Iterable[Record]) -> dict[Experiment, list[Replicates]]:
    found: dict[Experiment, list[Replicates]] = {}
    for group in stats.replicates(records):
        found.setdefault(replace(group.experiment, targets=()), []).append(group)
    return found


def _refusal(first: Sequence[Replicates], second: Sequence[Replicates]) -> str:
    """Why two sets of runs must not be compared; empty where they may be."""
    for which, groups in (("A", first), ("B", second)):
        if len(groups) > 1:
            return f"{which} holds {len(groups)} sets of runs, of several machines or versions"
    ours, theirs = first[0].data.fingerprint, second[0].data.fingerprint
    if ours != theirs:
        return f"not the same images (fingerprint {ours[:12]} in A, {theirs[:12]} in B)"
    return ""


# What differs


def differences(first: Sequence[Record], second: Sequence[Record]) -> Iterator[str]:
    """A sentence for each thing of machine, versions, data and settings that differs."""
    yield from _compare(_machine, first, second)
    both = _frameworks(first) & _frameworks(second)
    ours, theirs = (
        [record for record in records if record.experiment.framework in both]
        for records in (first, second)
    )
    yield from _compare(_versions, ours, theirs, absent="none")
    yield from _compare(_data, first, second)
    yield from _compare(_settings, first, second)


def _frameworks(records: Sequence[Record]) -> set[str]:
    return {record.experiment.framework for record in records if record.status == "ok"}


def _compare(
    facts: Callable[[Record], Iterable[tuple[str, str]]],
    first: Sequence[Record],
    second: Sequence[Record],
    absent: str | None = None,
) -> Iterator[str]:
    """``absent``: what to say of a thing that only one of the two has; None: not to name it."""
    a, b = _collect(facts, first), _collect(facts, second)
    named = a.keys() & b.keys() if absent is None else a.keys() | b.keys()
    missing = {absent or ""}
    for what in sorted(named):
        ours, theirs = a.get(what, missing), b.get(what, missing)
        if ours != theirs:
            yield f"{what}: {_joined(ours)} in A, {_joined(theirs)} in B"


def _collect(
    facts: Callable[[Record], Iterable[tuple[str, str]]], records: Sequence[Record]
) -> Facts:
    found: Facts = {}
    for record in records:
        for what, value in facts(record):
            found.setdefault(what, set()).add(value)
    return found


def _joined(values: set[str]) -> str:
    return " and ".join(sorted(values))


def _machine(record: Record) -> Iterator[tuple[str, str]]:
    seen = stats.host(record.machine)
    yield "processor", seen.cpu
    yield "cores", str(seen.cores)
    yield "memory", f"{seen.memory_gib} GiB"
    yield "system", seen.system
    yield "GPUs", ", ".join(map(wording.gpu, record.machine.gpus)) or "none"


def _versions(record: Record) -> Iterator[tuple[str, str]]:
    if record.status == "ok":
        for package, version in record.versions.items():
            yield f"{package} for {record.experiment.framework}", version


def _data(record: Record) -> Iterator[tuple[str, str]]:
    yield f"images of {wording.images(record.data)}", f"fingerprint {record.data.fingerprint[:12]}"


def _settings(record: Record) -> Iterator[tuple[str, str]]:
    one = record.experiment
    for setting, value in record.settings.items():
        yield f"{setting} for {wording.framework(one)} on {wording.device(one.device)}", value
