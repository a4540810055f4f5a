"""What each model of a study says of the test images, seed by seed, under a name for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment
from bench.predictions import Predictions
from bench.record import Record
from bench.report import wording
from bench.study.artifact import Study


@dataclass(frozen=True, kw_only=True)
class Answered:
    """One network and recipe, with what its runs answer."""

    name: str  # of files: 'cnn_keras-tensorflow_augmented'
    title: str  # 'CNN in keras-tensorflow, augmented'
    experiment: Experiment
    records: Mapping[int, Record]  # by seed
    said: Mapping[int, Predictions]  # by seed; at least one

    @property
    def seed(self) -> int:
        """The lowest: the run that is shown where one has to do."""
        return min(self.said)

    @property
    def shown(self) -> Predictions:
        """What the run of the lowest seed says."""
        return self.said[self.seed]

    @property
    def certainty(self) -> NDArray[np.float64]:
        """(n,) the probability that the run of the lowest seed gives to what it says."""
        return np.asarray(self.shown.probabilities.max(axis=1))

    def wrong(self, seed: int) -> NDArray[np.bool_]:
        """(n,) which test images the run of a seed gets wrong."""
        said = self.said[seed]
        return np.asarray(said.predicted != said.labels)


def answered(study: Study) -> list[Answered]:
    """Every group with predictions, in the order of the groups; names are distinct."""
    found: list[Answered] = []
    for group in study.groups:
        records = {r.seed: r for r in group.measured if r.run_id in study.predictions}
        if not records:
            continue
        name = _name(group.experiment)
        taken = sum(one.name == name or one.name.startswith(f"{name}_") for one in found)
        found.append(
            Answered(
                name=f"{name}_{taken + 1}" if any(o.name == name for o in found) else name,
                title=title(group.experiment),
                experiment=group.experiment,
                records=records,
                said={seed: study.predictions[r.run_id] for seed, r in records.items()},
            )
        )
    return found


def title(experiment: Experiment) -> str:
    """'CNN in keras-tensorflow, augmented'."""
    ending = ", augmented" if experiment.augmentation else ""
    return f"{wording.architecture(experiment.architecture)} in {experiment.framework}{ending}"


def _name(experiment: Experiment) -> str:
    ending = "_augmented" if experiment.augmentation else ""
    return f"{experiment.architecture}_{experiment.framework}{ending}"
