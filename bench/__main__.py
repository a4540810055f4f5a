"""``python -m bench COMMAND``: reports, checks, data, the machine."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence

# command -> (module with main(argv) -> exit code, what it does)
COMMANDS = {
    "report": ("bench.report.command", "make tables and plots again from the records of a folder"),
    "compare": ("bench.report.compare", "set two results folders side by side"),
    "data": ("bench.data", "show what data there is; fetch, check, convert"),
    "parity": ("bench.parity.command", "check that all frameworks do the same work as a referee"),
    "audit": ("bench.audit.command", "check clock and machine: noise floor, injected delay, peaks"),
    "ladder": ("bench.ladder", "restore a framework's own defaults one at a time"),
    "ensemble": ("bench.ensembling.command", "time members trained at once and one by one"),
    "study": ("bench.study.command", "explore, train, evaluate a task: pictures, tables, a page"),
    "predict": ("bench.predict", "read characters on pictures with a saved model"),
    "evaluate": ("bench.evaluation.command", "say how good a saved model is, on any data"),
    "export": ("bench.export.command", "write a saved model as ONNX, compared and timed"),
    "doctor": ("bench.doctor", "say what this machine and its frameworks can do"),
}


def main(argv: Sequence[str]) -> int:
    """Hand over to the command; exit code 2 where there is none of that name."""
    if argv and argv[0] in COMMANDS:
        module = importlib.import_module(COMMANDS[argv[0]][0])
        return _carry_out(module.main, argv[1:])
    print(usage(), file=sys.stderr if argv and argv[0] not in ("-h", "--help") else sys.stdout)
    if argv and argv[0] in ("-h", "--help"):
        return 0
    if argv:
        print(
            f"bench: error: unknown command {argv[0]!r}; choose from {', '.join(COMMANDS)}",
            file=sys.stderr,
        )
    return 2


def _carry_out(command: Callable[[list[str]], int], words: Sequence[str]) -> int:
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # a pipe on Windows
    try:
        return command(list(words))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def usage() -> str:
    """What can be asked."""
    lines = [f"  {name:10}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(["usage: python -m bench COMMAND ...", "", *lines])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
