"""Whether the numbers of a results folder can be trusted: equal work, clock, settings, seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.record import Record
from bench.report import audit, flags, matched
from bench.run_statistics import Replicates

HEADING = "## Can these numbers be trusted?"


def paragraphs(groups: Sequence[Replicates], records: Sequence[Record]) -> Iterator[str]:
    """The section of a results folder's page: a heading, and a list of ``sentences``."""
    yield HEADING
    yield "\n".join(f"- {sentence}" for sentence in sentences(groups, records))


def sentences(groups: Sequence[Replicates], records: Sequence[Record]) -> Iterator[str]:
    """What was checked and what came out, warnings included.

    Args:
        groups: all runs, with the evidence that lies beside them.
        records: the same runs, one by one.
    """
    evidence = groups[0].evidence
    yield from matched.sentences(groups)
    yield from audit.sentences(evidence.audit, records)
    yield from flags.sentences(groups)
    if evidence.suite.seeds_stopped:
        yield evidence.suite.seeds_stopped
