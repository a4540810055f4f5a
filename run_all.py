"""The front door of glyphbench: plan, run, report.

    python run_all.py                    # CPU, and CUDA where there is one; the quick preset
    python run_all.py --device cuda
    python run_all.py --preset standard --seeds 3 --out results/NAME
    python run_all.py --dry-run          # the plan, and about how long it will take

Exit codes: 0 all runs ended well; 1 some did not; 2 the command line or the data cannot be
used; 130 interrupted, and what was done is kept.
"""

import os
import sys

# This clone's packages come first: others are called datasets and models too.
sys.path.insert(0, os.path.dirname(__file__))  # noqa: PTH120 - pathlib takes time to import

from bench.run.interrupts import INTERRUPTS

if __name__ == "__main__":
    INTERRUPTS.heed()  # before what takes time is imported
    from bench.run import door

    sys.exit(door.enter(lambda: door.carry_out("run_all.py", "bench.front:run_all", sys.argv[1:])))
