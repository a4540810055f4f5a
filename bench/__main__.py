"""``python -m bench COMMAND``: reports, checks, data, the machine.

Inside the clone; ``python PATH/bench COMMAND`` is the same from any folder, and where
PYTHONSAFEPATH is set, with which Python looks for no package in the folder it is started in.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # python PATH/bench: Python has put that folder first
    sys.path.pop(0)
# This clone's packages come first: others are called datasets and models too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

# command -> (module, and where it is not main its function: argv -> exit code; what it does)
COMMANDS = {
    "report": ("bench.report.page", "make tables and plots again from the records of a folder"),
    "compare": ("bench.report.compare", "set two results folders side by side"),
    "data": ("bench.checks.data", "show what data there is; fetch, check, convert"),
    "parity": ("bench.checks.parity", "check that all frameworks do the same work as a referee"),
    "audit": ("bench.checks.audit", "check clock and machine: noise floor, injected delay, peaks"),
    "cheats": ("bench.checks.cheats", "plant cheats and mistakes: is each of them caught?"),
    "ladder": ("bench.front:ladder", "restore a framework's own defaults one at a time"),
    "ensemble": ("bench.study.ensembling", "time members trained at once and one by one"),
    "study": ("bench.front:study", "explore, train, evaluate a task: pictures, tables, a page"),
    "predict": ("bench.saved.predict", "read characters on pictures with a saved model"),
    "evaluate": ("bench.saved.evaluate", "say how good a saved model is, on any data"),
    "export": ("bench.saved.export", "write a saved model as ONNX, compared and timed"),
    "doctor": ("bench.checks.doctor", "say what this machine and its frameworks can do"),
}


def main(argv: Sequence[str]) -> int:
    """Hand over to the command; exit code 2 where there is none of that name."""
    if argv and argv[0] in COMMANDS:
        return _carry_out(COMMANDS[argv[0]][0], argv[1:])
    asked_for_help = bool(argv) and argv[0] in ("-h", "--help")
    print(usage(), file=sys.stderr if argv and not asked_for_help else sys.stdout)
    if argv and not asked_for_help:
        print(
            f"bench: error: unknown command {argv[0]!r}; choose from {', '.join(COMMANDS)}",
            file=sys.stderr,
        )
    return 0 if asked_for_help else 2


def _carry_out(command: str, words: Sequence[str]) -> int:
    module, _, function = command.partition(":")
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a pipe on Windows
    try:
        exit_code: int = getattr(importlib.import_module(module), function or "main")(list(words))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return exit_code


def usage() -> str:
    """What can be asked."""
    lines = [f"  {name:10}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(["usage: python -m bench COMMAND ...", "", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
