"""The door of every command: it has examples, and ends in a sentence and an exit code."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence

from bench.run import streams
from bench.run.interrupts import INTERRUPTED, INTERRUPTS

UNUSABLE = 2  # the exit code where something outside keeps a command from its work
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MOST_CHARACTERS = 4096  # of a word: as many as a path may have on Linux


def enter(work: Callable[[], int]) -> int:
    """Do what this process was started for, and return its exit code.

    From here on its streams cannot fail. Interrupts have to be heeded already, and ``work`` is to
    hand over to ``carry_out``.
    """
    streams.endure()
    code = UNUSABLE
    try:
        code = work()
    except SystemExit as ending:  # of argparse, which has said why
        code = ending.code if isinstance(ending.code, int) else UNUSABLE
    finally:
        lost = streams.finish()
    if lost:
        print(f"error: standard output cannot be written: {lost}", file=sys.stderr)
    # Python remembers an interrupt that ended any exec(), as in dataclasses, and would end itself
    # by a signal for it; with the next exec() it forgets (run_eval_code_obj in Python/pythonrun.c).
    exec("")
    return code or (UNUSABLE if lost else 0)


def carry_out(name: str, command: str, words: Sequence[str]) -> int:
    """Import a command and call it; its exit code.

    Args:
        name: of the command, before an error.
        command: MODULE, whose ``main`` is meant, or MODULE:FUNCTION.
        words: those that follow on the command line, which it is called with.
    """
    module, _, function = command.partition(":")
    try:
        mistake = next(mistakes(words), None)
        if mistake is None:
            call: Callable[[list[str]], int]
            call = getattr(importlib.import_module(module), function or "main")
            with INTERRUPTS:
                return call(list(words))
        print(f"{name}: error: {mistake}", file=sys.stderr)
    except OSError as error:
        print(f"{name}: error: {explain(error)}", file=sys.stderr)
    except MemoryError as error:
        print(
            f"{name}: error: not enough memory ({error}); close other programs, or ask for less",
            file=sys.stderr,
        )
    except BaseException as error:
        # An interrupt in the middle of C code may arrive as another exception.
        if not isinstance(error, KeyboardInterrupt) and not INTERRUPTS.came:
            raise
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return UNUSABLE


def mistakes(words: Sequence[str]) -> Iterator[str]:
    """What no command can take."""
    for number, word in enumerate(words, 1):
        if len(word) > MOST_CHARACTERS:
            yield (
                f"word {number} of the command line, {word[:20]!r} ..., has {len(word):,} "
                f"characters; give at most {MOST_CHARACTERS:,}"
            )
        elif "\0" in word:
            yield f"word {number} of the command line, {word!r}, holds a NUL; leave it out"


def explain(error: OSError) -> str:
    """What the system refused, where, and what to do."""
    sentence = error.strerror or str(error)
    if error.filename is not None:
        sentence = f"{os.fsdecode(error.filename)}: {sentence}"
    if error.errno in FULL:
        sentence += "; free some space and give the command again, a suite with --resume"
    return sentence


class _Help(argparse.HelpFormatter):
    """Wraps a paragraph, and leaves lines that were set by hand as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if "\n" in text:
            return "".join(f"{indent}{line}" for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


def parser_of(program: str, description: str, *examples: str) -> argparse.ArgumentParser:
    """A parser of one command.

    Args:
        program: as it is started, such as 'python -m bench report'.
        description: what it does; lines that were set by hand stay as they are.
        examples: two or more, which the help ends with, without ``program``.
    """
    return argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog="\n".join(["examples:", *(f"  {program} {words}".rstrip() for words in examples)]),
        formatter_class=_Help,
        allow_abbrev=False,  # --seed 5 is not --seeds 5
    )
