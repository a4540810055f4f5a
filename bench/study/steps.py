"""The steps of the study, in their order. To add one: a module after ``artifact.Step`` here."""

from __future__ import annotations

from bench.study import (
    augmentation,
    clusters,
    ensembles,
    errors,
    evaluation,
    graphs,
    look,
    projector,
    training,
)
from bench.study.artifact import Step

STEPS: tuple[Step, ...] = (
    look,
    training,
    augmentation,
    evaluation,
    errors,
    clusters,
    projector,
    ensembles,
    graphs,
)
