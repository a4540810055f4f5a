"""What to warn of after an audit, each warning with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench import verdict
from bench.evidence import Arms, Timer
from bench.pulse import steadiness
from bench.pulse import warnings as unsteady
from bench.record import Pulse

NOISY = 0.05  # a noise floor above this hides what most comparisons are about
COARSE_S = 1e-4  # a resolution above this shows in the latency of one image


def warnings(timer: Timer, arms: Arms | None, pulses: Sequence[Pulse]) -> Iterator[str]:
    """All warnings, in sentences; none on a quiet machine with a good clock.

    ``arms``: None where they could not be run; ``pulses``: those taken before their runs.
    """
    if timer.resolution_s > COARSE_S:
        yield (
            f"The timer's steps are {timer.resolution_s * 1e3:.3g} ms: do not quote latencies of "
            "one image from this machine."
        )
    if arms is not None:
        yield from _of_arms(arms)
    steady = steadiness(pulses)
    if steady is not None:
        yield from unsteady(steady, "the audit")


def _of_arms(arms: Arms) -> Iterator[str]:
    floor = verdict.noise_floor(arms)
    if floor is not None and floor > NOISY:
        yield (
            f"The mean of {len(arms.a_s)} runs of the very same experiment may be off by "
            f"{100 * floor:.1f} % here, so a smaller difference names no winner: close other "
            "programs, plug the machine in, and audit it again ('python -m bench audit --rounds 20 "
            "--out' with the results folder)."
        )
    if verdict.names_winner(arms):
        yield (
            "One of two equal arms came out faster. By chance that happens in one audit of twenty. "
            "Run 'python -m bench audit --repetitions 20'; if it names a winner in more than one "
            "or two of them, trust no winner that this machine names."
        )
    if arms.delayed_s and not verdict.delay_found(arms).found:
        yield (
            "The injected delay was not found within its interval. A busy machine can cause that, "
            "and sometimes chance. Run 'python -m bench audit --rounds 20' when nothing else runs; "
            "if it is missed again, the clock misreads, and no time can be trusted."
        )
