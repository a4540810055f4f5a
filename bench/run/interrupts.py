"""What Ctrl-C, a polite end (SIGTERM) and a terminal that is closed (SIGHUP) do to a command.

All three are the same: what runs is ended, what was measured is kept. A signal that is ignored
from the start, as nohup has it, stays ignored.

It is the first module that a command imports, so it imports nothing that takes time.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what the module signal is made of
import os
import sys
from collections.abc import Callable
from types import FrameType

INTERRUPTED = 130  # the exit code: 128 and the number of SIGINT, as shells have it
SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
AGAIN_S = 0.02  # until an interrupt that was lost is made once more


class Interrupts:
    """What a signal does in this process, by whether its command is at work: ``with`` says so."""

    came = False  # at least one, while it was at work
    _at_work = False
    _held = False
    _waits = False  # one came while they were held

    def heed(self) -> None:
        """Begin, and go on until the process ends."""
        for name in SIGNALS:
            number = getattr(_signal, name, None)
            if number is not None and _signal.getsignal(number) != _signal.SIG_IGN:
                _signal.signal(number, self._signalled)
        sys.unraisablehook = self._unraisable

    def __enter__(self) -> None:
        self._at_work = True

    def __exit__(self, *exception: object) -> None:
        self._at_work = False

    def unbroken(self, work: Callable[[], None]) -> None:
        """Do something that must be done whole or not begun; what comes meanwhile is raised after.

        Raises KeyboardInterrupt then, and whatever the work does.
        """
        self._held = True
        try:
            work()
        finally:
            self._held = False
            if self._waits:
                self._waits = False
                raise KeyboardInterrupt

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self._at_work:
            self.came = True
            if self._held:
                self._waits = True
                return
            raise KeyboardInterrupt
        # Nothing has to be left in order, and what is being imported may lose an exception.
        try:
            os.write(2, b"interrupted\n")
        finally:
            os._exit(INTERRUPTED)

    def _unraisable(self, lost: sys.UnraisableHookArgs) -> None:
        """An interrupt that came where Python drops exceptions, as in ``__del__``: soon again."""
        if not isinstance(lost.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(lost)
            return
        import threading

        threading.Timer(AGAIN_S, _interrupt_again).start()


def _interrupt_again() -> None:
    import _thread

    if sys.platform == "win32":
        _thread.interrupt_main()
    else:  # a real signal: the other does not wake what is asleep
        os.kill(os.getpid(), _signal.SIGINT)


INTERRUPTS = Interrupts()  # one a process, as its signals are
