"""Makes certificates: a process for each framework and execution, whatever becomes of it.

In that process, ``python -m bench.checks.certify``, the trainers of the framework are put beside
the referee. The certificate of a network is sent as soon as it is made.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import datasets
from bench import trainers
from bench.checks import examine, trial
from bench.checks.trial import TRAIN_IMAGES, Sample, Subject
from bench.experiment import ADAM, Experiment
from bench.machine import hardware
from bench.results.evidence import Certificate
from bench.run import versions
from bench.run.processes import Child, Parent
from bench.run.progress import StageDisplay

if TYPE_CHECKING:
    from bench.run.scheduler import Site


GLYPHS = 2000  # images drawn where there are no real ones: a few hundred are used
TIMEOUT_S = 300.0  # for each subject; compiling both architectures takes a minute on two cores


@dataclass(frozen=True, kw_only=True)
class CertificateSite:
    """With what certificates are made."""

    data_folder: Path  # of arrays cached by datasets.prepare
    versions: Mapping[str, dict[str, str]]  # framework -> what it would run with
    pythons: Mapping[str, Path] = field(default_factory=dict)  # where it is not this one
    timeout_s: float = TIMEOUT_S


@dataclass(frozen=True, kw_only=True)
class CertificateRequest:
    """What a process is told; it answers with a Certificate for each subject, in their order."""

    subjects: tuple[Subject, ...]  # of one process
    data_folder: str  # of arrays cached by datasets.prepare


def for_suite(experiments: Sequence[Experiment], site: Site) -> Iterator[Certificate]:
    """Make a certificate for each subject of a plan that has none with today's versions.

    Each is yielded as it comes: a framework takes seconds. One that is not installed, or whose
    process dies or hangs, yields a certificate that says so.

    Args:
        experiments: of the plan, at least one; the images are those of the first task
            that has enough of them, or drawn.
        site: where they will run, and whose folder may hold certificates already.
    """
    existing = site.results.evidence().certificates
    missing = trial.missing(experiments, site.versions, existing)
    if not missing:
        return
    made_with = CertificateSite(
        data_folder=_images(experiments, site), versions=site.versions, pythons=site.pythons
    )
    stage = datasets.Stage(name="certifying equal work", total=len(missing), unit="networks")
    with StageDisplay() as show:
        show(stage, 0)
        for done, certificate in enumerate(certificates(missing, made_with), 1):
            show(stage, done)
            yield certificate


def _images(experiments: Sequence[Experiment], site: Site) -> Path:
    """Those of the plan's first task that has enough of them; drawn digits where none has.

    A certificate is of the code, which is the same whatever it is given.
    """
    for experiment in experiments:
        folder, data = site.data[experiment.task, experiment.source]
        if data.train_images >= TRAIN_IMAGES:
            return folder
    return datasets.prepare("digits", source="glyphs", glyphs_images=GLYPHS).folder


def certificates(wanted: Iterable[Subject], site: CertificateSite) -> Iterator[Certificate]:
    """A certificate for each subject as it is made, a process for those that can share one."""
    ordered = sorted(wanted, key=lambda subject: tuple(map(str, subject.process)))
    for _, members in groupby(ordered, lambda subject: subject.process):
        yield from _in_one_process(tuple(members), site)


def _in_one_process(members: tuple[Subject, ...], site: CertificateSite) -> Iterator[Certificate]:
    framework = members[0].framework
    certified = 0
    with Child(
        __name__,
        CertificateRequest(subjects=members, data_folder=str(site.data_folder.resolve())),
        limit_s=site.timeout_s * len(members) * members[0].replicas,  # which may take turns
        experiment=trial.experiment(members[0], ADAM),
        python=site.pythons.get(framework),
    ) as child:
        for certificate in child.messages(Certificate):
            certified += 1
            yield certificate
    would_run = site.versions.get(framework, {})
    for subject in members[certified:]:
        yield replace(_blank(subject, would_run), failure=str(child.ending))


def _blank(subject: Subject, with_versions: dict[str, str], images: str = "") -> Certificate:
    """A certificate of today on which nothing is checked yet; ``images``: what it is made with."""
    return Certificate(
        **asdict(subject),
        versions=with_versions,
        data=images,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


# Inside that process


def main() -> int:
    """Examine every subject in turn."""
    parent = Parent()
    request = parent.request(CertificateRequest)
    hardware.confine(request.subjects[0].threads)  # before a framework is imported
    images = trial.take(datasets.open_cached(Path(request.data_folder)))
    for subject in request.subjects:
        parent.tell(beside_the_referee(subject, images))
    return 0


def beside_the_referee(subject: Subject, images: Sample) -> Certificate:
    """Examine one subject; whatever goes wrong becomes the certificate's failure."""
    installed = versions.installed(trainers.FRAMEWORKS[subject.framework].packages)
    certificate = _blank(subject, installed, images.name)
    try:
        module = trainers.load(subject.framework)
        checks, starts = examine.examine(module.create, subject, images)
        return replace(certificate, checks=checks, starts=starts)
    except Exception as error:  # noqa: BLE001 - what could not be checked is said in the table
        traceback.print_exc()
        lines = str(error).strip().splitlines() or ["no message"]
        named = "" if isinstance(error, trainers.FrameworkMissing) else f"{type(error).__name__}: "
        return replace(certificate, failure=named + lines[0])


if __name__ == "__main__":
    sys.exit(main())
