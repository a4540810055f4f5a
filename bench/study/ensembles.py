"""Ensembles: boosting, independent members, and one network of the same size.

``ensemble_tables`` sets them beside the single small MLP, ``ensemble_pictures`` shows accuracy
against training time and parameters, ``ensemble_growth`` against the number of members.
"""

from __future__ import annotations

from collections.abc import Iterator

from bench.study import ensemble_growth, ensemble_pictures, ensemble_tables
from bench.study.artifact import Picture, Sheet, Study

TITLE = "Ensembles"
NEEDS = "a run of architecture mlp-small, mlp-wide, ensemble-mlp or adaboost-mlp"

FRAMEWORK = "pytorch"  # the only one that has them all
OWN = ("mlp-small", "mlp-wide", "ensemble-mlp", "adaboost-mlp")
SHOWN = ("mlp", *OWN)


def make(study: Study) -> Iterator[Picture | Sheet]:
    """The tables, then the pictures; nothing where no network of this part ended well."""
    groups = [
        group
        for group in study.groups
        if group.measured
        and group.experiment.framework == FRAMEWORK
        and group.experiment.architecture in SHOWN
    ]
    if not any(group.experiment.architecture in OWN for group in groups):
        return
    groups.sort(key=lambda group: SHOWN.index(group.experiment.architecture))
    yield ensemble_tables.networks(groups)
    yield from ensemble_tables.errors(groups)
    yield ensemble_pictures.against_cost(groups)
    yield from ensemble_growth.pictures(groups, study.dataset, study.results)
    timed = study.results.ensembling()
    if timed is not None:
        yield ensemble_tables.at_once(timed)
