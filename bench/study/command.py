"""``python -m bench study TASK``: explore, train, evaluate, and leave a page with pictures.

    python -m bench study digits
    python -m bench study letters --architecture mlp,cnn --framework pytorch --seeds 3
    python -m bench study fruit --data-file fruit.npz

It is ``run_all.py --preset paper --task TASK``, and takes every option of it. With ``--resume``
and ``--out`` of a folder in which all has run, the study alone is made again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from bench import cli
from bench.errors import UsageError
from bench.results import ResultsError
from datasets import DataError

PROGRAM = "python -m bench study TASK"


def main(argv: Sequence[str]) -> int:
    """Run the study of a task; return the exit code."""
    from bench.plan import describe, make_plan  # late: --help answers at once
    from bench.suite import carry_out

    if not argv or argv[0].startswith("-"):
        asked_for_help = argv and argv[0] in ("-h", "--help")
        print(__doc__, file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    options = cli.parse(["--preset", "paper", "--task", *argv], PROGRAM)
    try:
        plan = make_plan(options)
        if options.dry_run:
            print(describe(plan))
            return 0
        return carry_out(plan, options, ("python", "-m", "bench"))
    except (UsageError, ResultsError, DataError, OSError) as error:
        print(f"bench study: error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
