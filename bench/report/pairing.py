"""Which experiments of two folders belong together: the same, or alike in all but one setting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

from bench.experiment import Experiment
from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS
from bench.results.record import Record
from bench.stats import runs
from bench.stats.runs import Replicates
from bench.trainers import FRAMEWORKS

NOT_ACROSS = ("task", "source", "architecture")  # what differs in these is no comparison
SETTINGS = tuple(field for field in EXPERIMENT_FIELDS if field not in NOT_ACROSS)


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """Every experiment of two folders, in one of four places."""

    pairs: tuple[tuple[Replicates, Replicates], ...]  # may be compared
    only_first: tuple[Experiment, ...]
    only_second: tuple[Experiment, ...]
    refused: tuple[str, ...]  # in both, but not to be compared: which, and why
    across: str | None = None  # the setting in which they differ; None: they are the same


def pair(
    first: Sequence[Record], second: Sequence[Record] | None, across: str | None = None
) -> Pairing:
    """Put experiments together; accuracies to be timed may differ.

    Refused are experiments on other images, and those of which a folder holds more than one set
    of runs (of several machines or versions).

    Args:
        first, second: the records of two folders; None: those of one are set beside one another.
        across: of SETTINGS, in which alone the two of a pair differ; None: they are the same.
    """
    a = _by_experiment(first)
    b = a if second is None else _by_experiment(second)
    couples = [*_couples(a, b, across, one_folder=second is None)]
    reasons = {couple: _refusal(a[couple[0]], b[couple[1]]) for couple in couples}
    ours, theirs = ({couple[side] for couple in couples} for side in (0, 1))
    if second is None:  # either side of a pair is in it
        ours = theirs = ours | theirs
    alone = tuple(experiment for experiment in b if experiment not in theirs)
    return Pairing(
        pairs=tuple((a[x][0], b[y][0]) for x, y in couples if not reasons[x, y]),
        only_first=tuple(experiment for experiment in a if experiment not in ours),
        only_second=() if second is None else alone,
        refused=tuple(f"{name(x)}: {reasons[x, y]}" for x, y in couples if reasons[x, y]),
        across=across,
    )


def _couples(
    first: Iterable[Experiment],
    second: Iterable[Experiment],
    across: str | None,
    *,
    one_folder: bool,
) -> Iterator[tuple[Experiment, Experiment]]:
    """Those of both that are the same, or differ in one setting.

    In one folder each value stands beside the usual one, or beside the least where that is not
    there.
    """
    alike: dict[tuple[object, ...], list[Experiment]] = defaultdict(list)
    for experiment in second:
        alike[_all_but(across, experiment)].append(experiment)
    for ours in first:
        partners = alike[_all_but(across, ours)]
        if across is None:
            yield from ((ours, theirs) for theirs in partners)
        elif not one_folder or ours == min(partners, key=partial(_unusual, across)):
            value = getattr(ours, across)
            yield from ((ours, theirs) for theirs in partners if getattr(theirs, across) != value)


def _all_but(across: str | None, experiment: Experiment) -> tuple[object, ...]:
    names = ("goal", *EXPERIMENT_FIELDS)
    return tuple(getattr(experiment, name) for name in names if name != across)


def _unusual(setting: str, experiment: Experiment) -> tuple[bool, bool, Any]:
    """Orders experiments by a setting: its default first, then ascending; None comes last."""
    value = getattr(experiment, setting)
    usual = {field.name: field.default for field in fields(Experiment)}
    if experiment.framework in FRAMEWORKS:
        usual["execution"] = FRAMEWORKS[experiment.framework].default_execution(experiment.device)
    return value != usual[setting], value is None, 0 if value is None else value


def settings_apart(first: Sequence[Record], second: Sequence[Record] | None) -> list[str]:
    """The settings of which some experiments differ in one alone; none where some are the same."""
    a = _by_experiment(first)
    b = a if second is None else _by_experiment(second)
    if second is not None and a.keys() & b.keys():
        return []
    one = second is None
    return [field for field in SETTINGS if any(True for _ in _couples(a, b, field, one_folder=one))]


def in_words(setting: str) -> str:
    """'learning rate'."""
    return setting.replace("_", " ")


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
