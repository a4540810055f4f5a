"""Blocks are run: every N-th of a grid, one after the other, whatever becomes of the others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from bench import UsageError, suite
from bench.cli import Options
from bench.cluster import grid as grids
from bench.cluster.grid import Block, Grid, Kind, State, now
from bench.plan import Plan, describe, make_plan
from bench.report import wording
from bench.results.folder import ResultsError
from bench.run.door import UNUSABLE, explain
from bench.run.interrupts import INTERRUPTED
from datasets import DataError

INTERRUPTION = "interrupted: cancelled, pre-empted, or near its time limit"


def run_shard(grid: Grid, options: Options, command: Sequence[str]) -> int:
    """Run the blocks of ``options.shard`` that are not done; the worst of their exit codes.

    ``command``: how it was started, without the words that follow.
    """
    which, of = options.shard or (1, 1)
    planned = make_plan(options)
    kind = Kind(name=options.kind, seeds=planned.seeds, runs=len(planned.experiments))
    chosen = list(enumerate(Grid.names(kind)))[which - 1 :: of]
    if options.dry_run:
        print(describe(planned))
        print(f"A block is a seed; this shard's: {', '.join(name for _, name in chosen) or 'none'}")
        return 0
    grid.announce(kind)
    worst = 0
    for seed, name in chosen:
        code = run_block(grid, name, _of_block(planned, grid, name, seed), options, command)
        if code == INTERRUPTED:
            return code
        worst = max(worst, code)
    print(f"{wording.counted(len(chosen), 'block')} of {kind.seeds}; --status shows all of them")
    return worst


def _of_block(planned: Plan, grid: Grid, name: str, seed: int) -> Plan:
    site = replace(planned.site, results=grid.results(name))
    return replace(planned, first_seed=seed, seeds=1, site=site)


def run_block(
    grid: Grid, name: str, planned: Plan, options: Options, command: Sequence[str]
) -> int:
    """Run what a block lacks, and note how it ended; the exit code of its suite.

    A block that another process has is left to that. One that was begun on another node is put
    aside and begun anew here, since rows are compared within a node alone. What failed is run
    again.
    """
    with grid.held(name) as held:
        if not held:
            print(f"{name} is in use by another process, and left to it", file=sys.stderr)
            return 0
        earlier, here = grid.block(name), grids.node()
        again = replace(options, out=planned.site.results.folder, resume=True, retry_failed=True)
        recorded = not suite.undone(planned, planned.runs, replace(again, retry_failed=False))
        if earlier is not None and earlier.state == "done" and recorded:
            return 0
        if earlier is not None and earlier.node != here:
            aside = grid.put_aside(name)
            print(f"{name} was begun on {earlier.node}: that is now in {aside}", file=sys.stderr)
        block = Block(node=here, runs=len(planned.runs), state="running", began_at=now())
        grid.save_block(name, block)
        code, reason = _carried_out(planned, again, command)
        state: State = "failed" if code else "done"
        if reason:
            print(f"{name}: {reason}", file=sys.stderr)
        try:
            grid.save_block(name, replace(block, state=state, reason=reason, ended_at=now()))
        except OSError as error:  # a full disk: it stays one that ended without a word
            print(f"{name}: {explain(error)}", file=sys.stderr)
        return code


def _carried_out(planned: Plan, options: Options, command: Sequence[str]) -> tuple[int, str | None]:
    """The exit code of a block's suite, and why it is not 0."""
    try:
        code = suite.carry_out(planned, options, command)
    except (UsageError, ResultsError, DataError) as error:
        return UNUSABLE, str(error)
    except OSError as error:
        return UNUSABLE, explain(error)
    except KeyboardInterrupt:
        code = INTERRUPTED
    if code == INTERRUPTED:
        return code, INTERRUPTION
    return code, _failures(planned) if code else None


def _failures(planned: Plan) -> str:
    records = planned.site.results.records()
    failed = [record for record in records if record.status != "ok"]
    reasons = (f"{wording.framework(r.experiment)}: {wording.failure(r)}" for r in failed)
    return (
        f"{len(failed)} of {wording.counted(len(records), 'run')} did not end well: "
        f"{'; '.join(dict.fromkeys(reasons))}"
    )
