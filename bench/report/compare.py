"""python -m bench compare A B: two results folders side by side, and how they differ.

Either may be the file that ``python -m bench share`` wrote of one. The experiments that stand side
by side are the same, or alike in all but one setting, such as the precision; then one folder may
have both.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import UsageError
from bench.report import wording
from bench.report.comparison import FRAMEWORK, USUAL, Comparison, comparisons
from bench.report.pairing import SETTINGS, Pairing, in_words, name, pair, settings_apart
from bench.report.tables import beside, columns
from bench.report.tables.columns import Side
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
from bench.run.door import parser_of
from bench.stats import runs, survival, verdict
from bench.stats.verdict import Paired

# What differs

Facts = Callable[[Record], Iterable[tuple[str, str]]]  # what is told of a run, and its value


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
        first, *others = _records(*filter(None, (options.a, options.b)))
        second = others[0] if others else None
        across = options.across or _only_setting(first, second)
    except (ResultsError, RecordError, UsageError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    pairing = pair(first, second, across)
    page = "\n\n".join(_page(options.a, options.b, first, second, pairing)) + "\n"
    print(page, end="")
    if options.out and not _write(options.out, to_csv(_table(pairing)), page):
        return 2
    return 0 if pairing.pairs else 1


def _only_setting(first: Sequence[Record], second: Sequence[Record] | None) -> str | None:
    """The one setting in which experiments differ where none is in both; None: some are.

    Raises UsageError where there are several, or a folder alone has none.
    """
    settings = settings_apart(first, second)
    if len(settings) > 1:
        words = ", ".join(_as_option(setting) for setting in settings)
        raise UsageError(
            f"experiments differ in one setting alone in several ways; say --across one of {words}"
        )
    if second is None and not settings:
        raise UsageError(
            "no two experiments of the folder differ in one setting alone; name another folder to "
            "set beside it"
        )
    return settings[0] if settings else None


def _as_option(setting: str) -> str:
    return setting.replace("_", "-")


def _setting(text: str) -> str:
    """One of SETTINGS, as a user writes it: 'learning-rate'."""
    known = {_as_option(setting): setting for setting in SETTINGS}
    if text not in known:
        raise argparse.ArgumentTypeError(
            f"unknown setting {text!r}; choose from {', '.join(known)}"
        )
    return known[text]


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
    parser = parser_of(
        "python -m bench compare",
        "Set two results folders side by side and name what differs between them. Experiments "
        "that are in both are compared; or those that are alike in all but one setting, of two "
        "folders or of one, seed by seed.",
        "results/mine results/theirs",
        "results/mine --across precision",
    )
    parser.add_argument("a", type=Path, metavar="A", help="a results folder, or a shared file")
    parser.add_argument(
        "b", type=Path, nargs="?", metavar="B", help="another; left out: A beside itself"
    )
    parser.add_argument(
        "--across",
        type=_setting,
        metavar="SETTING",
        help="compare what differs in this alone, such as precision, threads, learning-rate "
        "(default: the same experiments; where there are none, the one setting that differs)",
    )
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
    a: Path,
    b: Path | None,
    first: Sequence[Record],
    second: Sequence[Record] | None,
    pairing: Pairing,
) -> Iterator[str]:
    yield "# A beside B"
    alike = "the same experiments stand side by side"
    if pairing.across:
        alike = f"experiments that differ in {in_words(pairing.across)} alone stand side by side"
        first, second = (
            [record for pair in pairing.pairs for record in pair[side].records] for side in (0, 1)
        )
    yield f"{f'A is {a}, B is {b}' if b else f'A and B are of {a}'}; {alike}. {EXPLANATION}"
    yield "## What differs"
    yield (
        _listed(differences(first, second or first))
        or "Machine, versions, data and settings are the same."
    )
    if pairing.refused:
        yield "## NOT COMPARED"
        yield _listed(pairing.refused)
    yield from sections_to_markdown(_table(pairing))
    if not pairing.pairs:
        yield f"Nothing can be compared: {_why_not(pairing)} on the same images."
    for title, experiments in (
        ("Only in A" if b else "Without another beside it", pairing.only_first),
        ("Only in B", pairing.only_second),
    ):
        if experiments:
            yield f"## {title}"
            yield _listed(map(name, experiments))


def _why_not(pairing: Pairing) -> str:
    if pairing.across is None:
        return "no experiment is in both"
    return f"no two experiments differ in {in_words(pairing.across)} alone"


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _table(pairing: Pairing) -> Table:
    varying = (*FRAMEWORK, pairing.across) if pairing.across else FRAMEWORK
    firsts = {first.experiment: first for first, _ in pairing.pairs}
    return Table(
        name="compare",
        title="A beside B",
        explanation=EXPLANATION,
        needs="the same experiments in both",
        sections=tuple(
            _section(comparison, pairing) for comparison in comparisons(firsts.values(), varying)
        ),
    )


def _section(comparison: Comparison, pairing: Pairing) -> Section:
    """A row a pair whose first is of the comparison."""
    across = pairing.across
    rows = labelled(
        (first, second)
        for group in comparison.groups
        for first, second in pairing.pairs
        if first is group
    )
    heading = comparison.heading(*(f for f in USUAL if f != across), leave_out=(across or "",))
    if across:  # so that nothing is called equal in all rows that is not
        both = {id(group): group for row in rows for group in row.groups}
        comparison = replace(comparison, groups=tuple(both.values()))
    return section_of(
        comparison,
        (
            columns.experiment(leave_out=("machine", "versions", across or "")),
            columns.FRAMEWORK,
            *(_value(across, side) for side in BOTH if across),
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
        heading=heading,
    )


def _value(setting: str, side: Side) -> Column:
    """What a group of a row has of the setting that differs."""

    def value(row: Row) -> str | None:
        group = side.pick(row)
        if group is None:
            return None
        words = wording.apart(group.experiment, (setting,))
        return words or {"threads": "all threads", "replicas": "1 replica"}.get(
            setting, str(getattr(group.experiment, setting))
        )

    return columns.words(f"{side.header} {in_words(setting)}", f"{side.name}{setting}", value)


def _time_ratio(target: float) -> Column:
    """Time to a target, B's over A's; absent where either has a miss."""

    def paired(row: Row) -> Paired | None:
        if not all(survival.all_reached(group, target) for group in row.groups):
            return None
        time = partial(runs.time_to_accuracy_s, target=target)
        return verdict.compare(row.second, row.first, time)

    return beside.ratio("B / A", f"b_over_a_{columns.time_name(target)}", paired, sign=" ×")
