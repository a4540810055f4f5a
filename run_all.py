"""The front door of glyphbench: plan, run, report.

    python run_all.py                    # CPU, and CUDA where there is one; the quick preset
    python run_all.py --device cuda
    python run_all.py --preset standard --seeds 3 --out results/NAME
    python run_all.py --dry-run          # the plan, and about how long it will take

Exit codes: 0 all runs ended well; 1 some did not; 2 the command line or the data cannot be
used; 130 interrupted, and what was done is kept.
"""

import sys
from pathlib import Path

# This clone's packages come first: others are called datasets and models too.
sys.path.insert(0, str(Path(__file__).resolve().parent))

from bench.front import run_all

if __name__ == "__main__":
    sys.exit(run_all(sys.argv[1:]))
