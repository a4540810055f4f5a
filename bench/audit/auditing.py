"""From the parts to a whole: the short audit of a suite, and the long one of the command."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import datasets
from bench.audit import AuditError, advice, arms, peak, subject, unsynchronised
from bench.evidence import Arms, Audit, Peak, Unsynchronised
from bench.experiment import Experiment
from bench.material import describe
from bench.progress import StageDisplay
from bench.record import Data, Pulse
from bench.scheduler import Site
from bench.stopwatch import read_timer

IMAGES = 12_000  # drawn once and cached; a second
RUN_TIMEOUT_S = 120.0
SHORT_ROUNDS = 5
REPEATED_ROUNDS = 5  # of each further A/A comparison


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be audited."""

    framework: str = "numpy"  # of the arms: the one that starts fastest
    device: str = "cpu"  # of the arms
    rounds: int = SHORT_ROUNDS
    injected_s: float | None = None  # None: arms.DELAY_SHARE of a run
    repetitions: int = 0  # further A/A comparisons
    peaks: tuple[peak.Kind, ...]
    devices: tuple[str, ...]  # those to be timed without waiting for them


@dataclass(kw_only=True)
class _Findings:
    """What is found on the way."""

    arms: Arms | None = None
    repetitions: list[Arms] = field(default_factory=list)
    pulses: list[Pulse] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def short_audit(experiments: Sequence[Experiment], site: Site) -> Audit:
    """See ``bench.audit.short``."""
    request = Request(
        peaks=tuple(peak.kinds(experiments)),
        devices=tuple(dict.fromkeys(experiment.device for experiment in experiments)),
    )
    return audit(request, site)[0]


def join(earlier: Audit, later: Audit) -> Audit:
    """See ``bench.audit.joined``."""
    if earlier.machine != later.machine:
        return later
    peaks: dict[tuple[object, ...], Peak] = {}
    for one in (*later.peaks, *earlier.peaks):
        key = (one.device, one.precision, one.threads, one.by)
        peaks[key] = _higher(peaks.get(key, one), one)
    longer = _rounds(earlier) > _rounds(later)
    return replace(
        later,
        arms=earlier.arms if longer else later.arms,
        repetitions=later.repetitions or earlier.repetitions,
        peaks=tuple(peaks.values()),
        # of the arms that are kept; a warning of arms that are not would be of nothing shown
        warnings=earlier.warnings if longer else later.warnings,
    )


def _higher(one: Peak, other: Peak) -> Peak:
    """A peak is the most that was ever seen, of products and of copies each."""
    return replace(
        one,
        flop_per_s=max(one.flop_per_s, other.flop_per_s),
        bytes_per_s=max(one.bytes_per_s, other.bytes_per_s),
    )


def _rounds(audit: Audit) -> int:
    return len(audit.arms.a_s) if audit.arms else 0


def audit(request: Request, site: Site) -> tuple[Audit, list[Pulse]]:
    """Make every part; one that cannot be made is absent, and a warning says why.

    With the audit come the pulses taken before its runs.
    """
    clock = read_timer()
    found = _Findings()
    try:
        _compare_arms(request, site, found)
    except AuditError as error:
        found.warnings.append(
            f"The clock was not audited with {request.framework} on {request.device}: {error}; "
            "'python -m bench doctor' says what runs here."
        )
    peaks = tuple(_peaks(request.peaks, site, found))
    made = Audit(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=site.machine,
        timer=clock,
        arms=found.arms,
        repetitions=tuple(found.repetitions),
        unsynchronised=tuple(_careless(device, site) for device in request.devices),
        peaks=peaks,
        warnings=(*found.warnings, *advice.warnings(clock, found.arms, found.pulses)),
    )
    return made, found.pulses


def _compare_arms(request: Request, site: Site, found: _Findings) -> None:
    with StageDisplay() as show:
        folder, data = _images(show)
        runs = 1 + 3 * request.rounds + 2 * REPEATED_ROUNDS * request.repetitions
        bench = arms.Bench(
            site=replace(
                site, data={(subject.TASK, subject.SOURCE): (folder, data)}, timeout_s=RUN_TIMEOUT_S
            ),
            progress=show,
            stage=datasets.Stage(name="auditing the clock", total=runs, unit="runs"),
            pulses=found.pulses,
        )
        experiment = arms.sized(request.framework, request.device, bench)
        found.arms = arms.three(experiment, request.rounds, request.injected_s, bench)
        for place in range(request.repetitions):
            first_seed = request.rounds + place * REPEATED_ROUNDS
            found.repetitions.append(arms.two(experiment, REPEATED_ROUNDS, first_seed, bench))


def _images(show: StageDisplay) -> tuple[Path, Data]:
    try:
        prepared = datasets.prepare(
            subject.TASK, source=subject.SOURCE, glyphs_images=IMAGES, progress=show
        )
    except datasets.DataError as error:
        raise AuditError(str(error)) from error
    return prepared.folder, describe(datasets.open_cached(prepared.folder))


def _peaks(kinds: Iterable[peak.Kind], site: Site, found: _Findings) -> Iterator[Peak]:
    """By every library there is; a warning where there is none."""
    for kind in kinds:
        errors: list[AuditError] = []
        libraries = peak.libraries(kind)
        for library in libraries:
            try:
                yield peak.measure(kind, library, site.python(library))
            except AuditError as error:
                errors.append(error)
        if len(errors) == len(libraries):
            found.warnings.append(
                f"No peak of {errors[0]}. Shares of it are not shown; install what is missing, or "
                "name its Python with --python."
            )


def _careless(device: str, site: Site) -> Unsynchronised:
    """By PyTorch, whose readings are of its own kernels alone."""
    framework = "pytorch"
    return unsynchronised.measure(framework, device, site.python(framework))
