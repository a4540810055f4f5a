"""Records to JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.results.record import SCHEMA_VERSION, RecordError, decode, encode
from tests.records import make_record

PATH = Path("run.json")


@pytest.mark.parametrize("goal", ["train", "throughput"])
def test_what_is_encoded_is_decoded_equal(goal: str) -> None:
    record = make_record(goal=goal)
    assert decode(encode(record), PATH) == record


def test_a_record_names_its_schema_version() -> None:
    assert json.loads(encode(make_record()))["schema_version"] == SCHEMA_VERSION


def test_a_record_is_raw_and_has_no_derived_figure() -> None:
    text = encode(make_record()).decode()
    assert "throughput_images" not in text
    assert "samples_s" in text


def test_a_field_of_another_type_is_refused_by_name() -> None:
    content = json.loads(encode(make_record()))
    content["experiment"]["batch_size"] = "many"
    with pytest.raises(RecordError, match=r"run\.json.*experiment\.batch_size"):
        decode(json.dumps(content).encode(), PATH)


def test_a_status_that_is_none_of_ours_is_refused() -> None:
    content = json.loads(encode(make_record()))
    content["status"] = "fine"
    with pytest.raises(RecordError, match="fine"):
        decode(json.dumps(content).encode(), PATH)


def test_the_run_of_a_record_has_its_id() -> None:
    record = make_record(seed=3)
    assert record.run.id == record.run_id
    assert replace(record, seed=4).run.id != record.run_id


@pytest.mark.parametrize("version", [1, 99])
def test_a_record_of_another_schema_is_refused(version: int) -> None:
    content = json.loads(encode(make_record())) | {"schema_version": version}
    with pytest.raises(RecordError, match=f"schema version {version}, wanted 2; read it with"):
        decode(json.dumps(content).encode(), PATH)


@pytest.mark.parametrize("content", [b'{"schema_version": 2}', b"[]", b"{", b""])
def test_what_is_no_record_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(RecordError, match=r"run\.json: not a record"):
        decode(content, PATH)
