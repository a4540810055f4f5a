"""Settings that differ between rows and were not asked to are pointed at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bench.machine import settings
from bench.report import trust
from bench.report.comparison import FRAMEWORK, comparisons
from bench.report.tables import frameworks
from bench.results.record import Record
from bench.stats import runs
from bench.stats.runs import Replicates
from tests.records import make_record

JAX = {"framework": "keras-jax", "execution": "compiled"}


def row(told: Mapping[str, str], **experiment: Any) -> Replicates:
    return runs.replicates([a_record(told, **experiment)])[0]


def a_record(told: Mapping[str, str], **experiment: Any) -> Record:
    return replace(make_record(**experiment), settings=dict(told))


def test_a_difference_nobody_asked_for_is_flagged_with_both_sides() -> None:
    groups = [row({"threads": "2"}), row({"threads": "1"}, **JAX)]
    assert list(trust.unasked_sentences(groups)) == [
        "threads: 2 in pytorch eager, 1 in keras-jax compiled: not asked for"
    ]


def test_rows_that_agree_are_not_flagged() -> None:
    told = {"threads": "2", "precision": "float32", "OMP_NUM_THREADS": "2"}
    assert list(trust.unasked_sentences([row(told), row(told, **JAX)])) == []


def test_an_axis_that_was_varied_explains_its_setting() -> None:
    groups = [row({"threads": "1"}, threads=1), row({"threads": "2"}, threads=2)]
    assert list(trust.unasked_sentences(groups)) == []


def test_an_axis_that_was_varied_does_not_explain_rows_within_it() -> None:
    groups = [
        row({"threads": "1"}, threads=1),
        row({"threads": "2"}, threads=1, **JAX),
        row({"threads": "2"}, threads=2),
        row({"threads": "2"}, threads=2, **JAX),
    ]
    assert list(trust.unasked_sentences(groups)) == [
        "threads: 1 in pytorch eager, 2 in keras-jax compiled: not asked for"
    ]


@pytest.mark.parametrize(
    ("key", "axis", "values"),
    [
        ("XLA", "framework", ("off", "on")),
        ("TF32", "precision", ("off", "on")),
        ("memory layout", "native", ("channels last", "channels first")),
        ("preallocation", "device", ("off", "on")),
    ],
)
def test_each_axis_explains_what_it_is_said_to(
    key: str, axis: str, values: tuple[str, str]
) -> None:
    other: dict[str, Any] = {
        "framework": "keras-jax",
        "precision": "tf32",
        "native": ("memory-layout",),
        "device": "cuda",
    }
    asked = [row({key: values[0]}), row({key: values[1]}, **{axis: other[axis]})]
    assert list(trust.unasked_sentences(asked)) == []
    not_asked = [row({key: values[0]}), row({key: values[1]}, batch_size=64)]
    assert len(list(trust.unasked_sentences(not_asked))) == 1


def test_a_variable_set_for_one_row_alone_is_flagged() -> None:
    groups = [row({"threads": "2", "LD_PRELOAD": "libjemalloc.so"}), row({"threads": "2"}, **JAX)]
    assert list(trust.unasked_sentences(groups)) == [
        "LD_PRELOAD: libjemalloc.so in pytorch eager, not set in keras-jax compiled: not asked for"
    ]


def test_a_row_that_told_nothing_is_not_compared() -> None:
    assert list(trust.unasked_sentences([row({"threads": "2"}), row({}, **JAX)])) == []


def test_seeds_of_one_row_that_differ_are_flagged() -> None:
    records = [
        replace(make_record(seed=seed), settings={"CPU governor": governor})
        for seed, governor in enumerate(("performance", "powersave"))
    ]
    (sentence,) = trust.unasked_sentences(runs.replicates(records))
    assert "performance in pytorch eager" in sentence
    assert "powersave in pytorch eager" in sentence


def test_one_name_under_two_values_is_told_apart_by_what_differs() -> None:
    groups = [row({"threads": "2"}, batch_size=20), row({"threads": "1"}, batch_size=128)]
    assert list(trust.unasked_sentences(groups)) == [
        "threads: 2 in pytorch eager, batch size 20, 1 in pytorch eager, batch size 128: "
        "not asked for"
    ]


def test_the_note_of_a_section_says_it() -> None:
    groups = [row({"threads": "2"}), row({"threads": "1"}, **JAX)]
    (comparison,) = comparisons(groups, FRAMEWORK)
    assert trust.unasked_note(comparison.groups) == (
        "threads: 2 in pytorch eager, 1 in keras-jax compiled: not asked for."
    )
    (section,) = frameworks.side_by_side(groups).sections
    assert trust.unasked_note(comparison.groups) in section.note


def test_a_variable_that_nobody_listed_is_flagged_where_it_is_set_for_some() -> None:
    groups = runs.replicates(
        [
            replace(make_record(), settings={"threads": "2"}),
            replace(
                make_record(framework="keras-torch"),
                settings={"threads": "2", "OMP_WAIT_POLICY": "passive"},
            ),
        ]
    )
    (said,) = trust.unasked_sentences(groups)
    assert said.startswith("OMP_WAIT_POLICY: ")
    assert "not set in pytorch eager" in said


def test_rows_are_compared_by_settings_that_are_read() -> None:
    read = {"processors", "allocator", "CPU governor", "CPU boost"}
    of_gpus = {"GPU power limit", "GPU throttle reasons"}
    assert set(trust.EXPLAINED_BY) <= {*settings.TRAINER_KEYS, *read, *of_gpus}
    for name in trust.VARIABLES:
        assert settings.variables({name: "1"}) == {name: "1"}
