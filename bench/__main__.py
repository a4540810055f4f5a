"""``python -m bench COMMAND``: reports, checks, data, the machine.

Inside the clone; ``python PATH/bench COMMAND`` is the same from any folder, and where
PYTHONSAFEPATH is set, with which Python looks for no package in the folder it is started in.
"""

from __future__ import annotations

import os
import sys

if not __package__:  # python PATH/bench: Python has put that folder first
    sys.path.pop(0)
# This clone's packages come first: others are called datasets and models too.
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120

from bench.run.interrupts import INTERRUPTS

if __name__ == "__main__":
    INTERRUPTS.heed()  # before what takes time is imported

from collections.abc import Sequence

from bench.run import door

# what one wants -> command -> (module, and where it is not main its function: argv -> exit code;
# what it does)
GROUPS = {
    "to measure more than run_all.py": {
        "ladder": ("bench.front:ladder", "restore a framework's own defaults one at a time"),
        "ensemble": ("bench.study.ensembling", "time members trained at once and one by one"),
        "study": ("bench.front:study", "explore, train, evaluate a task: pictures, tables, a page"),
        "gpu-day": ("bench.checks.gpu_day", "do all that a GPU is wanted for, in one folder"),
    },
    "to see what was measured": {
        "report": ("bench.report.page", "make tables and plots again from a folder's records"),
        "compare": ("bench.report.compare", "set two folders, or two settings, side by side"),
        "trend": ("bench.report.trend", "find the commits that made benchmarks slower or faster"),
        "scale": ("bench.report.scale", "reckon what more GPUs would give, from what is supposed"),
    },
    "to share and teach": {
        "share": ("bench.report.share", "write one small file of a folder, without names in it"),
        "class": ("bench.report.classroom.page", "bring many laptops' shared files together"),
        "lessons": ("bench.report.lessons.page", "answer the lessons by the runs of a folder"),
    },
    "to use a model": {
        "predict": ("bench.saved.predict", "read characters on pictures with a saved model"),
        "evaluate": ("bench.saved.evaluate", "say how good a saved model is, on any data"),
        "export": ("bench.saved.export", "write a saved model as ONNX, compared and timed"),
    },
    "to check this machine, and the measuring": {
        "doctor": ("bench.checks.doctor", "say what this machine and its frameworks can do"),
        "data": ("bench.checks.data", "show what data there is; fetch, check, convert"),
        "audit": ("bench.checks.audit", "check clock and machine: noise floor, delay, peaks"),
        "parity": ("bench.checks.parity", "check that all frameworks do the same work"),
        "cheats": ("bench.checks.cheats", "plant cheats and mistakes: is each of them caught?"),
    },
}
COMMANDS = {name: entry for group in GROUPS.values() for name, entry in group.items()}


def main(argv: Sequence[str]) -> int:
    """Hand over to the command; exit code 2 where there is none of that name."""
    if argv and argv[0] in COMMANDS:
        return door.carry_out(f"bench {argv[0]}", COMMANDS[argv[0]][0], argv[1:])
    if list(argv) == ["--version"]:
        from bench import cli  # late: no other command here needs it

        print(cli.version())
        return 0
    asked_for_help = bool(argv) and argv[0] in ("-h", "--help")
    print(usage(), file=sys.stderr if argv and not asked_for_help else sys.stdout)
    if argv and not asked_for_help:
        print(
            f"bench: error: unknown command {argv[0][:80]!r}; choose from {', '.join(COMMANDS)}",
            file=sys.stderr,
        )
    return 0 if asked_for_help else 2


def usage() -> str:
    """What can be asked, grouped by what one wants."""
    lines = ["usage: python -m bench COMMAND ...", ""]
    for wanted, commands in GROUPS.items():
        lines += [wanted, *(f"  {name:10}{what}" for name, (_, what) in commands.items()), ""]
    return "\n".join([*lines, "Each has its options and examples: python -m bench COMMAND --help"])


if __name__ == "__main__":
    sys.exit(door.enter(lambda: main(sys.argv[1:])))
