"""The front door of glyphbench: plan, run, report.

    python run_all.py                    # CPU, and CUDA where there is one; the quick preset
    python run_all.py --device cuda
    python run_all.py --preset standard --seeds 3 --out results/NAME
    python run_all.py --dry-run          # the plan, and about how long it will take

Exit codes: 0 all runs ended well; 1 some did not; 2 the command line or the data cannot be
used; 130 interrupted, and what was done is kept.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from bench import cli


def main(argv: Sequence[str]) -> int:
    """Do what the command line says; return the exit code."""
    options = cli.parse(argv)
    # not before the command line is known to be right: --help answers at once
    from bench.errors import UsageError
    from bench.plan import describe, make_plan
    from bench.results import ResultsError
    from bench.suite import carry_out
    from datasets import DataError

    signal.signal(signal.SIGTERM, _interrupt)
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a pipe on Windows
    try:
        plan = make_plan(options)
        if options.dry_run:
            print(describe(plan))
            return 0
        return carry_out(plan, options)
    except (UsageError, ResultsError, DataError) as error:
        print(f"run_all.py: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:  # a full disk, a folder that was taken away
        print(f"run_all.py: error: {error}; what was measured is kept", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was measured is kept", file=sys.stderr)
        return 130


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Take a polite request to end like Ctrl-C."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
