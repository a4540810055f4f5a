"""Settings that differ between rows side by side without anybody having asked for it.

Settings are what a run read back at its end (``bench.settings``), not what it was told to do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from bench.report import wording
from bench.report.comparison import EXPERIMENT_FIELDS, FRAMEWORK, Comparison
from bench.run_statistics import Replicates

# Every setting that rows are compared by -> the fields of an experiment that explain a
# difference: a reader who varies one of them has asked for it.
EXPLAINED_BY: Mapping[str, tuple[str, ...]] = {
    # what every trainer says of its framework
    "threads": ("threads",),
    "precision": ("precision",),
    "TF32": ("precision", "device", "native"),
    "XLA": ("framework", "execution", "device"),
    "determinism": (),
    "memory layout": ("architecture", "device", "native"),
    "preallocation": ("device",),
    # what is read of the process and the machine
    "processors": ("threads",),
    "allocator": (),
    "CPU governor": (),
    "CPU boost": (),
    "GPU power limit": ("device",),
    "GPU throttle reasons": ("device",),
}
# Environment variables, which are all compared; where one is absent from a record it was not set.
# Those that are named here are explained by a field, or set for a framework by the harness.
VARIABLE = re.compile("[A-Z][A-Z0-9]*(_[A-Z0-9]+)+|NPROC|PYTHONMALLOC")
VARIABLES: Mapping[str, tuple[str, ...]] = {
    "CUDA_DEVICE_ORDER": ("device",),
    "CUDA_VISIBLE_DEVICES": ("device",),
    "JAX_ENABLE_COMPILATION_CACHE": ("framework",),
    "KERAS_BACKEND": ("framework",),
    "MKL_NUM_THREADS": ("threads",),
    "OMP_NUM_THREADS": ("threads",),
    "OPENBLAS_NUM_THREADS": ("threads",),
    "TF_CPP_MIN_LOG_LEVEL": ("framework",),
    # which frameworks set themselves, once they are imported
    "KMP_INIT_AT_FORK": ("framework",),
    "TF_FORCE_GPU_ALLOW_GROWTH": ("framework",),
    "TORCHINDUCTOR_CACHE_DIR": ("framework",),
    "XLA_PYTHON_CLIENT_PREALLOCATE": ("framework",),
}
NOT_SET = "not set"

Values = dict[str, list[Replicates]]  # value of a setting -> the groups that had it


def note(comparison: Comparison) -> str:
    """What a section says of its rows; empty where nothing differs that should not."""
    return " ".join(f"{sentence}." for sentence in sentences(comparison.groups))


def sentences(groups: Sequence[Replicates]) -> Iterator[str]:
    """'threads: 2 in pytorch eager, 1 in keras-jax compiled: not asked for', one a setting.

    ``groups``: runs that stand side by side.
    """
    set_somewhere = {
        key: ()
        for group in groups
        for record in group.measured
        for key in record.settings
        if _is_variable(key)
    }
    for key, axes in {**EXPLAINED_BY, **dict(sorted(set_somewhere.items())), **VARIABLES}.items():
        for members in _alike(groups, axes):
            values = _values(members, key)
            if len(values) > 1:
                yield f"{key}: {_listed(values)}: not asked for"


def _is_variable(key: str) -> bool:
    return VARIABLE.fullmatch(key) is not None


def _alike(groups: Sequence[Replicates], axes: Collection[str]) -> list[list[Replicates]]:
    """The groups apart by what explains a difference."""
    found: dict[tuple[object, ...], list[Replicates]] = {}
    for group in groups:
        key = tuple(getattr(group.experiment, axis) for axis in axes)
        found.setdefault(key, []).append(group)
    return list(found.values())


def _values(groups: Sequence[Replicates], key: str) -> Values:
    """Every value that the setting had, most common first; a run that did not tell has none."""
    found: Values = {}
    for group in groups:
        told = [record.settings for record in group.measured if record.settings]
        absent = NOT_SET if _is_variable(key) else None
        for value in dict.fromkeys(settings.get(key, absent) for settings in told):
            if value is not None:
                found.setdefault(value, []).append(group)
    return dict(sorted(found.items(), key=lambda item: -len(item[1])))


def _listed(values: Values) -> str:
    everyone = [group for groups in values.values() for group in groups]
    short = {value: _names(groups, FRAMEWORK) for value, groups in values.items()}
    said = [name for names in short.values() for name in names]
    if len(said) > len(set(said)):  # one name under two values: say what tells its rows apart
        fields = _varying(everyone)
        short = {value: _names(groups, fields) for value, groups in values.items()}
    return ", ".join(f"{value} in {' and '.join(names)}" for value, names in short.items())


def _names(groups: Sequence[Replicates], fields: Collection[str]) -> list[str]:
    """A name a group, each once: framework and execution, and the other fields in words."""
    others = [field for field in fields if field not in FRAMEWORK]
    names = (
        ", ".join(
            filter(
                None,
                (wording.framework(one.experiment), wording.conditions(one.experiment, others)),
            )
        )
        for one in groups
    )
    return list(dict.fromkeys(names))


def _varying(groups: Sequence[Replicates]) -> list[str]:
    return [
        field
        for field in EXPERIMENT_FIELDS
        if len({getattr(group.experiment, field) for group in groups}) > 1
    ]
