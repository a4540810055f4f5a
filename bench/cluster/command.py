"""What ``run_all.py`` does with a grid: run a share of it, submit it, show it, report it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench import UsageError
from bench.cli import Options
from bench.cluster.grid import Grid


def carry_out(options: Options, argv: Sequence[str], command: Sequence[str]) -> int:
    """Do what was asked, and return the exit code.

    Of ``--status`` and ``--collect`` it is 1 where a block is not done.

    Args:
        options: one of ``on``, ``shard``, ``status`` and ``collect`` is set, and so is ``out``.
        argv: the words of the command line.
        command: how it was started, without those.
    """
    if options.out is None:
        raise UsageError("name the folder of the grid with --out")
    grid = Grid(options.out)
    if options.shard:
        from bench.cluster import blocks

        return blocks.run_shard(grid, options, command)
    if options.on:
        from bench.cluster import submission

        return submission.submit(grid, options, argv)
    from bench.cluster import status

    standings = status.standings(grid, ask=not options.collect)
    print(status.show(standings))
    if options.collect:
        from bench.cluster import page

        print(f"\n{page.write(grid, standings)}")
    missing = [standing for standing in standings if standing.stage != "done"]
    if missing and options.collect:
        print(f"{len(missing)} blocks are not done: the report is of the others", file=sys.stderr)
    return 1 if missing else 0
