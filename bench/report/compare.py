"""python -m bench compare A B: two results folders side by side, and how they differ.

Either may be the file that ``python -m bench share`` wrote of one.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.experiment import Experiment
from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK, Comparison, comparisons
from bench.report.tables import beside, columns
from bench.report.tables.table import (
    Column,
    Row,
    Section,
    Table,
    labelled,
    section_of,
    sections_to_markdown,
    to_csv,
)
from bench.results import shared, write_atomically
from bench.results.evidence import NONE
from bench.results.folder import Results, ResultsError
from bench.results.record import Record
from bench.results.sound import RecordError
from bench.stats import runs, survival, verdict
from bench.stats.runs import Replicates
from bench.stats.verdict import Paired

# Which runs of the two belong together

Facts = Callable[[Record], Iterable[tuple[str, str]]]  # what is told of a run, and its value


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
        pairs=tuple((a[each][0], b[each][0]) for each in both if not reasons[each]),
        only_first=tuple(experiment for experiment in a if experiment not in b),
        only_second=tuple(experiment for experiment in b if experiment not in a),
        refused=tuple(f"{name(each)}: {reasons[each]}" for each in both if reasons[each]),
    )


def name(experiment: Experiment) -> str:
    """All fields of an experiment in one line."""
    return wording.conditions(experiment, ("goal", *EXPERIMENT_FIELDS))


def _by_experiment(records: Iterable[Record]) -> dict[Experiment, list[Replicates]]:
    by_experiment: dict[Experiment, list[Replicates]] = {}
    for group in runs.replicates(records):
        by_experiment.setdefault(replace(group.experiment, targets=()), []).append(group)
    return by_experiment


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
    both = _frameworks(first) & _frameworks(second)
    yield from _compare(_machine, first, second)
    yield from _compare(partial(_versions, frameworks=both), first, second, absent="none")
    yield from _compare(_data, first, second)
    yield from _compare(_settings, first, second)


def _frameworks(records: Sequence[Record]) -> set[str]:
    return {record.experiment.framework for record in records if record.status == "ok"}


def _compare(
    facts: Facts, first: Sequence[Record], second: Sequence[Record], absent: str | None = None
) -> Iterator[str]:
    """``absent``: what to say of a thing that only one of the two has; None: not to name it."""
    a, b = _collect(facts, first), _collect(facts, second)
    for what in sorted(a.keys() & b.keys() if absent is None else a.keys() | b.keys()):
        ours, theirs = a.get(what, absent), b.get(what, absent)
        if ours != theirs:
            yield f"{what}: {ours} in A, {theirs} in B"


def _collect(facts: Facts, records: Sequence[Record]) -> dict[str, str]:
    """Each thing that is told of a folder's records, with all values that it has."""
    values: dict[str, set[str]] = defaultdict(set)
    for record in records:
        for what, value in facts(record):
            values[what].add(value)
    return {what: " and ".join(sorted(each)) for what, each in values.items()}


def _machine(record: Record) -> Iterator[tuple[str, str]]:
    host = runs.host(record.machine)
    yield "processor", host.cpu
    yield "cores", str(host.cores)
    yield "memory", f"{host.memory_gib} GiB"
    yield "system", host.system
    yield "GPUs", ", ".join(wording.gpus(record.machine.gpus)) or "none"


def _versions(record: Record, frameworks: Collection[str]) -> Iterator[tuple[str, str]]:
    if record.status == "ok" and record.experiment.framework in frameworks:
        for package, version in record.versions.items():
            yield f"{package} for {record.experiment.framework}", version


def _data(record: Record) -> Iterator[tuple[str, str]]:
    yield f"images of {wording.images(record.data)}", f"fingerprint {record.data.fingerprint[:12]}"


def _settings(record: Record) -> Iterator[tuple[str, str]]:
    experiment = record.experiment
    for setting, value in record.settings.items():
        yield (
            f"{setting} for {wording.framework(experiment)} on {wording.device(experiment.device)}",
            value,
        )


# The page and the command

BOTH = columns.sides("A", "B")
EXPLANATION = (
    "Ratios are B's over A's, the geometric mean over the seeds that both have; brackets hold 95 % "
    "intervals over those pairs, and after an accuracy Wilson's for the number of test images. "
    "Time to accuracy is the Kaplan–Meier median, in which misses count. p is corrected by Holm's "
    "method for all rows of a section; intervals are not corrected, and no noise floor is used, "
    "since each folder has its own."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison as Markdown; write it only where ``--out`` says so.

    Returns 0; 1 where nothing can be compared; 2 where a folder cannot be read or the file
    cannot be written.
    """
    options = _parser().parse_args(argv)
    try:
        first, second = _records(options.a, options.b)
    except (ResultsError, RecordError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    pairing = pair(first, second)
    page = "\n\n".join(_page(options.a, options.b, first, second, pairing)) + "\n"
    print(page, end="")
    if options.out and not _write(options.out, to_csv(_table(pairing)), page):
        return 2
    return 0 if pairing.pairs else 1


def _records(*paths: Path) -> Iterator[Sequence[Record]]:
    """Those of each folder or shared file; where one is shared, no more is known of the other."""
    any_shared = any(path.is_file() for path in paths)
    for path in paths:
        if path.is_file():
            yield shared.load(path).records
        else:
            records = Results(path).require_records()
            yield shared.reduced(records, NONE).records if any_shared else records


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench compare",
        description="Set two results folders side by side and name what differs between them.",
    )
    parser.add_argument("a", type=Path, metavar="A", help="a results folder, or a shared file")
    parser.add_argument("b", type=Path, metavar="B", help="another")
    parser.add_argument(
        "--out", type=_csv_or_markdown, metavar="FILE", help="write it too, as FILE.csv or FILE.md"
    )
    return parser


def _csv_or_markdown(path: str) -> Path:
    if Path(path).suffix not in (".csv", ".md"):
        raise argparse.ArgumentTypeError(f"{path!r} must end in .csv or .md")
    return Path(path)


def _write(path: Path, table: str, page: str) -> bool:
    try:
        write_atomically(path, (table if path.suffix == ".csv" else page).encode())
    except OSError as error:
        print(f"error: {path} cannot be written: {error}", file=sys.stderr)
        return False
    return True


def _page(
    a: Path, b: Path, first: Sequence[Record], second: Sequence[Record], pairing: Pairing
) -> Iterator[str]:
    yield "# A beside B"
    yield f"A is {a}, B is {b}. {EXPLANATION}"
    yield "## What differs"
    yield (
        _listed(differences(first, second)) or "Machine, versions, data and settings are the same."
    )
    if pairing.refused:
        yield "## NOT COMPARED"
        yield _listed(pairing.refused)
    yield from sections_to_markdown(_table(pairing))
    if not pairing.pairs:
        yield "Nothing can be compared: no experiment is in both on the same images."
    for title, experiments in (
        ("Only in A", pairing.only_first),
        ("Only in B", pairing.only_second),
    ):
        if experiments:
            yield f"## {title}"
            yield _listed(map(name, experiments))


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(pairing: Pairing) -> Table:
    partners = {first.experiment.id: second for first, second in pairing.pairs}
    return Table(
        name="compare",
        title="A beside B",
        explanation=EXPLANATION,
        needs="the same experiments in both",
        sections=tuple(
            _section(comparison, partners)
            for comparison in comparisons([first for first, _ in pairing.pairs], FRAMEWORK)
        ),
    )


def _section(comparison: Comparison, partners: dict[str, Replicates]) -> Section:
    """A row an experiment of A; ``partners``: the same one's runs in B, by its id."""
    rows = labelled((first, partners[first.experiment.id]) for first in comparison.groups)
    return section_of(
        comparison,
        (
            columns.experiment(leave_out=("machine", "versions")),
            columns.FRAMEWORK,
            *beside.speeds(BOTH, "B / A"),
            *(
                column
                for target in comparison.targets
                for column in (*(columns.time(target, side) for side in BOTH), _time_ratio(target))
            ),
            *map(columns.accuracy, BOTH),
            beside.difference(
                "B - A (points)",
                "b_less_a_test_accuracy",
                lambda row: verdict.difference(row.second, row.first, runs.test_accuracy),
            ),
            *map(columns.outcome_of, BOTH),
        ),
        beside.judged_rows(rows),
    )


def _time_ratio(target: float) -> Column:
    """Time to a target, B's over A's; absent where either has a miss."""

    def paired(row: Row) -> Paired | None:
        if not all(survival.all_reached(group, target) for group in row.groups):
            return None
        time = partial(runs.time_to_accuracy_s, target=target)
        return verdict.compare(row.second, row.first, time)

    return beside.ratio("B / A", f"b_over_a_{columns.time_name(target)}", paired, sign=" ×")
