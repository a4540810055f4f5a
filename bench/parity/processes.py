"""Makes certificates: a process for each framework and execution, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import datasets
from bench import certificate, children
from bench.certificate import Certificate
from bench.experiment import ADAM, Experiment
from bench.parity import child, subject, trial
from bench.parity.sample import TRAIN_IMAGES
from bench.parity.subject import Subject
from bench.scheduler import Site

GLYPHS = 2000  # images drawn where there are no real ones: a few hundred are used
TIMEOUT_S = 300.0  # for each subject; compiling both architectures takes a minute on two cores


@dataclass(frozen=True, kw_only=True)
class Place:
    """With what certificates are made."""

    data_folder: Path  # of arrays cached by datasets.prepare
    versions: Mapping[str, dict[str, str]]  # framework -> what it would run with
    pythons: Mapping[str, Path] = field(default_factory=dict)  # where it is not this one
    timeout_s: float = TIMEOUT_S


def for_plan(experiments: Sequence[Experiment], site: Site) -> Iterator[Certificate]:
    """As ``bench.parity.certify``."""
    existing = certificate.load(site.folder)
    todo = subject.missing(experiments, site.versions, existing)
    if todo:
        images = _images(experiments, site)
        yield from certificates(
            todo, Place(data_folder=images, versions=site.versions, pythons=site.pythons)
        )


def _images(experiments: Sequence[Experiment], site: Site) -> Path:
    """Those of the plan's first task that has enough of them; drawn digits where none has.

    A certificate is of the code, which is the same whatever it is given.
    """
    for experiment in experiments:
        folder, data = site.data[experiment.task, experiment.source]
        if data.train_images >= TRAIN_IMAGES:
            return folder
    return datasets.prepare("digits", source="glyphs", glyphs_images=GLYPHS).folder


def certificates(subjects: Iterable[Subject], place: Place) -> Iterator[Certificate]:
    """A certificate for each subject, a process for those that can share one."""
    ordered = sorted(subjects, key=lambda one: tuple(map(str, one.process)))
    for _, members in groupby(ordered, lambda one: one.process):
        yield from _in_one_process(tuple(members), place)


def _in_one_process(subjects: tuple[Subject, ...], place: Place) -> Iterator[Certificate]:
    one = subjects[0]
    found = children.ask(
        child.__name__,
        child.Order(subjects=subjects, data_folder=str(place.data_folder.resolve())),
        Certificate,
        experiment=trial.experiment(one, ADAM),
        python=place.pythons.get(one.framework),
        limit_s=place.timeout_s * len(subjects),
    )
    yield from found.answers
    for one in subjects[len(found.answers) :]:
        versions = place.versions.get(one.framework, {})
        yield child.certificate(one, "", failure=found.ended, found=versions)
