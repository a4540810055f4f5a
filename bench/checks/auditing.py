"""An audit of the clock and of the machine: could a reading have been wrong, and was it?

The short audit of a suite and the long one of the command are made of the same parts. The
experiment that is run for them, as two equal arms and a delayed one, is in ``arms``; the most that
the machine can do, and a clock that does not wait for the device, are in ``peaks``.
The timer's own resolution and cost are read by ``bench.machine.clock``, the delay is made by
``bench.run.worker``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import datasets
from bench.checks import AuditError, arms, peaks
from bench.machine.clock import read_timer
from bench.machine.pulse import steadiness
from bench.machine.pulse import warnings as unsteady
from bench.results.evidence import Arms, Audit, Peak, Timer, Unsynchronised
from bench.results.record import Data, Pulse
from bench.run.material import describe
from bench.run.progress import StageDisplay
from bench.stats import verdict

if TYPE_CHECKING:
    from bench.experiment import Experiment
    from bench.run.scheduler import Site


IMAGES = 12_000  # drawn once and cached; a second
RUN_TIMEOUT_S = 120.0
SHORT_ROUNDS = 5
REPEATED_ROUNDS = 5  # of each further A/A comparison


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be audited."""

    framework: str = "numpy"  # of the arms: the one that starts fastest
    device: str = "cpu"  # of the arms
    elsewhere: tuple[tuple[str, str], ...] = ()  # further frameworks and devices to run arms on
    rounds: int  # of each arm
    injected_s: float | None = None  # None: arms.DELAY_SHARE of a run
    repetitions: int = 0  # further A/A comparisons
    peaks: tuple[peaks.Kind, ...]
    devices: tuple[str, ...]  # those to be timed without waiting for them


@dataclass(kw_only=True)
class _Findings:
    """What is found on the way."""

    arms: list[Arms] = field(default_factory=list)  # one a device
    repetitions: list[Arms] = field(default_factory=list)
    disturbed: int = 0  # runs of arms, to the last try
    pulses: list[Pulse] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def short(experiments: Sequence[Experiment], site: Site) -> Audit:
    """The audit at the start of a suite: about 20 s on two cores, longer with a GPU.

    Args:
        experiments: those of the suite: the peaks of their devices, precisions and numbers of
            threads are measured.
        site: where and with what the suite runs; its results folder is left alone.

    What cannot be measured is absent, with a warning that says why.
    """
    devices = tuple(dict.fromkeys(experiment.device for experiment in experiments))
    accelerated = {e.device: e.framework for e in reversed(experiments) if e.device != "cpu"}
    request = Request(
        rounds=SHORT_ROUNDS,
        elsewhere=tuple((framework, device) for device, framework in accelerated.items()),
        peaks=tuple(peaks.kinds(experiments)),
        devices=devices,
    )
    return audit(request, site)[0]


def joined(earlier: Audit | None, later: Audit) -> Audit:
    """The later audit of the same machine, with what the earlier one knew beyond it.

    Of peaks the highest count, and those of other devices stay; so do equal arms of other
    devices, and those that had more rounds. Of another machine nothing stays.
    """
    if earlier is None or earlier.machine != later.machine:
        return later
    highest: dict[tuple[object, ...], Peak] = {}
    for peak in (*later.peaks, *earlier.peaks):
        key = (peak.device, peak.precision, peak.threads, peak.by)
        highest[key] = _higher(highest.get(key, peak), peak)
    arms = {each.experiment.device: each for each in earlier.every_arms}
    kept = False
    for each in later.every_arms:
        device = each.experiment.device
        longer = device in arms and len(arms[device].a_s) > len(each.a_s)
        kept |= longer
        arms[device] = arms[device] if longer else each
    return replace(
        later,
        arms=arms.pop("cpu", None),
        elsewhere=tuple(arms.values()),
        repetitions=later.repetitions or earlier.repetitions,
        peaks=tuple(highest.values()),
        # of the arms that are kept; a warning of arms that are not would be of nothing shown
        warnings=earlier.warnings if kept else later.warnings,
    )


def _higher(first: Peak, second: Peak) -> Peak:
    """A peak is the most that was ever seen, of products and of copies each."""
    return replace(
        first,
        flop_per_s=max(first.flop_per_s, second.flop_per_s),
        bytes_per_s=max(first.bytes_per_s, second.bytes_per_s),
    )


def audit(request: Request, site: Site) -> tuple[Audit, list[Pulse]]:
    """Make every part; one that cannot be made is absent, and a warning says why.

    With the audit come the pulses taken before its runs.
    """
    clock = read_timer()
    findings = _Findings()
    for framework, device in ((request.framework, request.device), *request.elsewhere):
        try:
            _compare_arms(framework, device, request, site, findings)
        except AuditError as error:
            findings.warnings.append(
                f"The clock was not audited with {framework} on {device}: {error}; "
                "'python -m bench doctor' says what runs here."
            )
    peaks = tuple(_peaks(request.peaks, site, findings))
    audit = Audit(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=site.machine,
        timer=clock,
        arms=next((a for a in findings.arms if a.experiment.device == "cpu"), None),
        elsewhere=tuple(a for a in findings.arms if a.experiment.device != "cpu"),
        repetitions=tuple(findings.repetitions),
        unsynchronised=tuple(_careless(device, site) for device in request.devices),
        peaks=peaks,
        warnings=(
            *findings.warnings,
            *warnings(clock, findings.arms, findings.pulses, findings.disturbed),
        ),
    )
    return audit, findings.pulses


def _compare_arms(
    framework: str, device: str, request: Request, site: Site, findings: _Findings
) -> None:
    """The arms of one device, and where they are the request's own what it asks beyond them."""
    repetitions = request.repetitions if device == request.device else 0
    with StageDisplay() as show:
        folder, data = _images(show)
        runs = 1 + 3 * request.rounds + 2 * REPEATED_ROUNDS * repetitions
        bench = arms.Bench(
            site=replace(
                site, data={(arms.TASK, arms.SOURCE): (folder, data)}, timeout_s=RUN_TIMEOUT_S
            ),
            progress=show,
            stage=datasets.Stage(name=f"auditing the clock on {device}", total=runs, unit="runs"),
            pulses=findings.pulses,
        )
        experiment = arms.sized(framework, device, bench)
        findings.arms.append(
            arms.compare(experiment, request.rounds, bench, injected_s=request.injected_s)
        )
        for repetition in range(repetitions):
            equal_arms = arms.compare(
                experiment,
                REPEATED_ROUNDS,
                bench,
                arms=arms.EQUAL,
                first_seed=request.rounds + repetition * REPEATED_ROUNDS,
            )
            findings.repetitions.append(equal_arms)
    findings.disturbed += bench.disturbed


def _images(show: StageDisplay) -> tuple[Path, Data]:
    try:
        prepared = datasets.prepare(
            arms.TASK, source=arms.SOURCE, glyphs_images=IMAGES, progress=show
        )
    except datasets.DataError as error:
        raise AuditError(str(error)) from error
    return prepared.folder, describe(datasets.open_cached(prepared.folder))


def _peaks(kinds: Iterable[peaks.Kind], site: Site, findings: _Findings) -> Iterator[Peak]:
    """By every library there is; a warning where there is none."""
    by = {kind: peaks.libraries(kind) for kind in kinds}
    stage = datasets.Stage(
        name="measuring the machine's peaks", total=sum(map(len, by.values())), unit="peaks"
    )
    done = itertools.count()
    with StageDisplay() as show:
        for kind, libraries in by.items():
            errors: list[AuditError] = []
            for library in libraries:
                show(stage, next(done))
                try:
                    yield peaks.measure_peak(kind, library, site.python(library))
                except AuditError as error:
                    errors.append(error)
            if len(errors) == len(libraries):
                findings.warnings.append(
                    f"No peak of {errors[0]}. Shares of it are not shown; install what is "
                    "missing, or name its Python with --python."
                )


def _careless(device: str, site: Site) -> Unsynchronised:
    """By PyTorch, whose readings are of its own kernels alone."""
    framework = "pytorch"
    return peaks.measure_unsynchronised(framework, device, site.python(framework))


# What to warn of after an audit, each warning with what to do.


NOISY = 0.05  # a noise floor above this hides what most comparisons are about
COARSE_S = 1e-4  # a resolution above this shows in the latency of one image


def warnings(
    timer: Timer, every: Sequence[Arms], pulses: Sequence[Pulse], disturbed: int = 0
) -> Iterator[str]:
    """All warnings, in sentences; none on a quiet machine with a good clock.

    Args:
        timer: the clock.
        every: the arms of each device that could be audited.
        pulses: taken before their runs.
        disturbed: how many of these runs other programs disturbed, repeated ones included.
    """
    if disturbed:
        runs = "One run was" if disturbed == 1 else f"{disturbed} runs were"
        yield (
            f"{runs} disturbed by other programs during the audit, each time that it was repeated: "
            "the noise floor is theirs too. Close them, and audit the machine again ('python -m "
            "bench audit --out' with the results folder)."
        )
    if timer.resolution_s > COARSE_S:
        yield (
            f"The timer's steps are {timer.resolution_s * 1e3:.3g} ms: do not quote latencies of "
            "one image from this machine."
        )
    for of_device in every:
        yield from _of_arms(of_device)
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
