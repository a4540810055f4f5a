"""Makes certificates: a process for each framework and execution, whatever becomes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO

import msgspec

import datasets
from bench import certificate
from bench.certificate import Certificate
from bench.experiment import ADAM, Experiment
from bench.parity import child, subject, trial
from bench.parity.sample import TRAIN_IMAGES
from bench.parity.subject import Subject
from bench.scheduler import Site, end_tree, environment
from bench.versions import PROJECT

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
    with tempfile.TemporaryFile() as log:
        try:
            lines, ended = _run(subjects, place, log)
        except OSError as error:
            lines, ended = [], f"its Python cannot be started: {error.strerror}"
        ended = f"{ended}; {_last_line(log)}"
    made = list(_whole(lines))
    yield from made
    for one in subjects[len(made) :]:
        versions = place.versions.get(one.framework, {})
        yield child.certificate(one, "", failure=ended, found=versions)


def _whole(lines: Iterable[bytes]) -> Iterator[Certificate]:
    """The certificates, up to a line that is none: cut off, or another program's."""
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=Certificate)
        except msgspec.MsgspecError:
            return


def _run(subjects: tuple[Subject, ...], place: Place, log: IO[bytes]) -> tuple[list[bytes], str]:
    """The lines that a child wrote, and how it ended."""
    one = subjects[0]
    process = subprocess.Popen(
        [place.pythons.get(one.framework, Path(sys.executable)), "-m", child.__name__],
        cwd=PROJECT,
        env=environment(trial.experiment(one, ADAM), os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,  # with all it starts, such as compilers, it is ended together
    )
    order = child.Order(subjects=subjects, data_folder=str(place.data_folder.resolve()))
    limit_s = place.timeout_s * len(subjects)
    try:
        out, _ = process.communicate(msgspec.json.encode(order) + b"\n", timeout=limit_s)
        ended = f"its process ended with exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        end_tree(process)
        out, _ = process.communicate()  # what it had written by then
        ended = f"not done after {limit_s:g} s"
    finally:
        end_tree(process)
    return [line for line in out.splitlines() if line.startswith(b"{")], ended


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode(errors="replace").strip().splitlines()
    return f"last words: {lines[-1][:200]}" if lines else "it said nothing"
