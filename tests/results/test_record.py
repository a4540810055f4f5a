"""Records to JSON and back."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.results.record import SCHEMA_VERSION, Gpu, Machine, decode, encode
from bench.results.sound import RecordError
from tests.records import MACHINE, make_record

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
    content = json.loads(changed())
    content["experiment"]["batch_size"] = "many"
    with pytest.raises(RecordError, match=r"run\.json.*experiment\.batch_size"):
        decode(json.dumps(content).encode(), PATH)


def test_a_status_that_is_none_of_ours_is_refused() -> None:
    content = json.loads(changed())
    content["status"] = "fine"
    with pytest.raises(RecordError, match="fine"):
        decode(json.dumps(content).encode(), PATH)


def test_the_run_of_a_record_has_its_id() -> None:
    record = make_record(seed=3)
    assert record.run.id == record.run_id
    assert replace(record, seed=4).run.id != record.run_id


@pytest.mark.parametrize("version", [1, 99])
def test_a_record_of_another_schema_is_refused(version: int) -> None:
    content = json.loads(changed()) | {"schema_version": version}
    with pytest.raises(RecordError, match=f"schema version {version}, wanted 2; read it with"):
        decode(json.dumps(content).encode(), PATH)


@pytest.mark.parametrize("content", [b'{"schema_version": 2}', b"[]", b"{", b""])
def test_what_is_no_record_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(RecordError, match=r"run\.json: not a record"):
        decode(content, PATH)


# Files of other people, and damaged ones


def changed(**changes: object) -> bytes:
    """A record's JSON without a checksum, and some fields anew: ``a__b`` is the b of its a."""
    content = json.loads(encode(make_record()))
    del content["sha256"]
    for name, value in changes.items():
        *owners, last = name.split("__")
        owner = content
        for each in owners:
            owner = owner[int(each)] if each.isdigit() else owner[each]
        owner[last] = value
    return json.dumps(content).encode()


GPU = Gpu(name="H1", memory_bytes=1, driver="1")


def with_gpus(*gpus: Gpu) -> Machine:
    """The machine of made-up records, with these."""
    return replace(MACHINE, gpus=gpus)


def test_a_record_of_one_of_several_gpus_is_read_back() -> None:
    record = make_record(machine=with_gpus(GPU, replace(GPU, uuid="GPU-b")), device="cuda:1")
    assert decode(encode(record), PATH) == record


def test_a_gpu_of_a_record_from_before_uuids_is_read() -> None:
    record = make_record(machine=with_gpus(GPU))
    content = json.loads(encode(record))
    del content["sha256"], content["machine"]["gpus"][0]["uuid"]
    assert decode(json.dumps(content).encode(), PATH) == record


def test_a_record_without_a_checksum_is_read() -> None:
    assert decode(changed(), PATH) == make_record()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"experiment__device": "../../x"}, "device '../../x': wanted small letters"),
        ({"experiment__device": "cuda:1/.."}, "device 'cuda:1/..': wanted small letters"),
        ({"experiment__framework": "jax:1"}, "framework 'jax:1': wanted small letters"),
        ({"experiment__task": "a" * 65}, "task 'aaa"),
        ({"run_id": "../other"}, "run_id '../other': its experiment and seed make it"),
        ({"seed": 7}, "run_id"),
        ({"data__test_images": -1}, "data.test_images -1: wanted 0, or a number from"),
        ({"started_at": "yesterday"}, "started_at 'yesterday': no date and time"),
        ({"status": "failed"}, "status 'failed' with a measurement"),
        ({"measurement": None}, "status 'ok' with no measurement"),
        ({"measurement__segments": []}, "nothing was trained"),
        ({"measurement__segments__0__images": 0}, "without images or steps"),
        ({"measurement__segments__0__train_s": -1.0}, "train_s -1: wanted 0, or a number"),
        ({"measurement__evaluations__0__accuracy": 1.5}, "an accuracy of 1.5"),
        ({"measurement__test__correct": 10**9}, "right of"),
        ({"measurement__test__evaluation": 99}, "test.evaluation 99: there are 2"),
        ({"measurement__inference__0__samples_s": [0.1, -0.1]}, "the least of .*samples_s"),
        ({"wall_s": -5}, "wall_s -5"),
        ({"data__source": "az"}, "of another task or source"),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_what_cannot_be_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message) as caught:
        decode(changed(**changes), PATH)
    assert str(caught.value).startswith("run.json: ")


@pytest.mark.parametrize(
    "content",
    [
        encode(make_record()).replace(b'"pytorch"', b'"\xff\xfe"', 1),
        b"[" * 100_000,
        b'{"schema_version": 2, "a": ' + b'{"a":' * 50_000,
        encode(make_record()).replace(b"1.0", b"1e999", 1),
        b"NaN",
        b"\x00" * 100,
    ],
    ids=["no UTF-8", "deep lists", "deep objects", "infinite", "no number", "zeros"],
)
def test_bytes_that_are_no_record_are_refused(content: bytes) -> None:
    with pytest.raises(RecordError, match=r"^run\.json: "):
        decode(content, PATH)


@given(st.integers(0, 10**9), st.integers(0, 7))
def test_a_flipped_bit_is_noticed(where: int, bit: int) -> None:
    content = bytearray(encode(make_record()))
    content[where % len(content)] ^= 1 << bit
    with contextlib.suppress(RecordError):
        assert decode(bytes(content), PATH) == make_record()  # it was in the checksum's own name


@pytest.mark.parametrize("text", ["a\x1b[31mred", "two\nlines", "bell\x07", "\u202eturned"])
def test_what_a_terminal_would_obey_is_refused(text: str) -> None:
    with pytest.raises(RecordError, match="characters that cannot be printed"):
        decode(changed(data__class_names=["0", text]), PATH)
