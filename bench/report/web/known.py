"""What the page's scripts know to read a shared file as ``bench.results.shared`` does and to say of
it what reports say: forms, limits and words, so that each stands once, in Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import msgspec

from bench.experiment import EXECUTIONS, LATER, NATIVE, Experiment
from bench.machine.devices import DEVICES
from bench.report.classroom import laptops, predictions
from bench.report.comparison import EXPERIMENT_FIELDS
from bench.report.plots.style import look_of
from bench.report.web.data import OTHERS, SHAPES
from bench.report.wording import UNUSUAL
from bench.results import record, shared, sound
from bench.stats import runs, uncertainty
from bench.trainers import FRAMEWORKS
from datasets import TASKS
from models import ARCHITECTURES, COMPARED

MOST_FILES = 40


@dataclass(frozen=True, kw_only=True)
class Known:
    """All of it, as it stands in the page as JSON."""

    # Forms
    schema: Mapping[str, Any]  # JSON Schema of ``shared.Shared``
    predictions: Mapping[str, Any]  # of ``predictions.Predictions``
    version: int
    most_bytes: int
    most_packed_bytes: int
    most_records: int
    most_files: int  # that the page takes
    most_characters: int
    most: float  # of any number
    most_seeds: int  # of a group, for which the page has the statistics' constants
    sources: Mapping[str, list[str]]  # task -> where its images may come from
    native: tuple[str, ...]
    later: Mapping[str, object]  # fields that an experiment's id leaves out, and when
    # Statistics
    disturbed: float
    outlying: float
    student_quantile: float  # of the normal distribution, to which 97.5 % lie below
    quartile: float  # the same of 75 %
    latency: Mapping[str, float]
    start_up: tuple[str, ...]  # the phases of it
    # Words
    fields: tuple[str, ...]  # of an experiment, in their order
    held: tuple[str, ...]  # those that are equal in rows side by side, and not the framework
    others: tuple[str, ...]  # those that have no choice of their own on the page
    usual: Mapping[str, object]  # of an experiment
    unusual: tuple[str, ...]  # fields that a heading names where they are not as usual
    labels: Mapping[str, str]  # of architectures, in their order
    compared: tuple[str, ...]  # architectures that several frameworks have
    devices: Mapping[str, str]
    looks: Mapping[str, tuple[str, str, str]]  # 'pytorch eager' -> colour, outline, shape
    # The class
    baseline: tuple[str, str]
    fewest: int
    smallest: float
    noisy: float
    common: tuple[str, ...]
    settings: Mapping[str, str]


def known(most_seeds: int) -> Known:
    """For groups of up to so many seeds."""
    from scipy.special import ndtri

    usual = {field.name: field.default for field in fields(Experiment)}
    return Known(
        schema=_bare(msgspec.json.schema(shared.Shared)),
        predictions=_bare(msgspec.json.schema(predictions.Predictions)),
        version=shared.SCHEMA_VERSION,
        most_bytes=shared.MOST_BYTES,
        most_packed_bytes=shared.MOST_PACKED_BYTES,
        most_records=shared.MOST_RECORDS,
        most_files=MOST_FILES,
        most_characters=sound.MOST_CHARACTERS,
        most=sound.MOST,
        most_seeds=most_seeds,
        sources={name: [source.name for source in task.sources] for name, task in TASKS.items()},
        native=NATIVE,
        later=LATER,
        disturbed=record.DISTURBED,
        outlying=uncertainty.OUTLYING,
        student_quantile=float(ndtri((1 + uncertainty.CONFIDENCE) / 2)),
        quartile=float(ndtri(0.75)),
        latency=runs.LATENCY_PERCENTILES,
        start_up=runs.START_UP_PHASES,
        fields=tuple(usual),
        held=tuple(n for n in EXPERIMENT_FIELDS if n not in ("framework", "execution")),
        others=OTHERS,
        usual={name: usual[name] for name in UNUSUAL},
        unusual=UNUSUAL,
        labels={name: entry.label for name, entry in ARCHITECTURES.items()},
        compared=COMPARED,
        devices={name: entry.label for name, entry in DEVICES.items()},
        looks=dict(_looks()),
        baseline=laptops.BASELINE,
        fewest=laptops.FEWEST,
        smallest=laptops.SMALLEST,
        noisy=laptops.NOISY,
        common=laptops.COMMON,
        settings=laptops.SETTINGS,
    )


def _looks() -> Iterator[tuple[str, tuple[str, str, str]]]:
    for name, framework in FRAMEWORKS.items():
        for execution in EXECUTIONS:
            look = look_of(
                Experiment(
                    task="",
                    source="",
                    architecture="",
                    framework=name,
                    execution=execution,
                    device="",
                    batch_size=1,
                    epochs=1,
                )
            )
            shape = SHAPES.get(look.marker, "circle")
            yield f"{name} {execution}", (look.colour, framework.colour, shape)


def _bare(schema: Any) -> Any:
    """Without the descriptions, which are for programmers."""
    if isinstance(schema, dict):
        return {
            name: _bare(part)
            for name, part in schema.items()
            if name not in ("title", "description") or isinstance(part, dict)
        }
    return [_bare(part) for part in schema] if isinstance(schema, list | tuple) else schema
