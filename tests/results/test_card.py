"""A card from anybody: what cannot be so is refused by name, and at once."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bench.results.card import (
    MOST_CARD_BYTES,
    SavedModelError,
    decode_card,
    encode_card,
)
from tests.saved_models import a_card

PATH = Path("run.safetensors")


def refused(**changes: Any) -> str:
    """Why a card with these fields is not taken."""
    fields = json.loads(msgspec.json.encode(a_card())) | changes
    with pytest.raises(SavedModelError) as error:
        decode_card(json.dumps(fields).encode(), PATH)
    return str(error.value)


def test_a_card_comes_back_as_it_was() -> None:
    assert decode_card(encode_card(a_card()), PATH) == a_card()


def test_a_card_without_a_checksum_is_one_of_earlier_versions() -> None:
    assert decode_card(msgspec.json.encode(a_card()), PATH) == a_card()


def test_a_changed_figure_is_noticed_by_the_checksum() -> None:
    content = encode_card(a_card()).replace(b'"pixel_mean": 0.13', b'"pixel_mean": 0.14')
    with pytest.raises(SavedModelError, match="changed after it was written"):
        decode_card(content, PATH)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"pixel_mean": -0.5}, "pixel_mean -0.5: wanted a number from 0 to 1"),
        ({"pixel_std": 0.0}, "pixel_std 0.0: wanted a number from 1e-06 to 1"),
        ({"pixel_std": -1.0}, "pixel_std -1.0: wanted a number from 1e-06 to 1"),
        ({"pixel_std": 1e300}, "pixel_std 1e+300: wanted a number from 1e-06 to 1"),
        ({"architecture": "transformer"}, "unknown architecture 'transformer'; known are mlp, cnn"),
        ({"class_names": ["A"]}, "1 classes; wanted 2 to 256"),
        ({"class_names": ["A", "A"]}, "two classes of one name"),
        ({"class_names": ["A", ""]}, "a class called '', 0 characters; wanted 1 to 100"),
        ({"class_names": ["A", "B" * 101]}, "101 characters; wanted 1 to 100 that can be printed"),
        ({"class_names": ["A", "\x1b[2J"]}, "a class called '\\x1b[2J', 4 characters"),
        ({"class_names": ["A", "B"]}, "its classes are not those in the record of its run"),
        ({"task": "letters"}, "task 'letters', and 'digits' in the record of its run"),
        ({"framework": "numpy"}, "framework 'numpy', and 'pytorch' in the record of its run"),
        ({"pixel_mean": 0.5}, "pixel_mean 0.5, and 0.13 in the record of its run"),
    ],
)
def test_what_cannot_be_so_is_named(changes: Mapping[str, Any], reason: str) -> None:
    assert reason in refused(**changes)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999", '"broad"', "null"])
def test_what_is_no_number_is_refused(text: str) -> None:
    content = msgspec.json.encode(a_card()).replace(
        b'"pixel_std":0.31,"arch', f'"pixel_std":{text},"arch'.encode()
    )
    assert text.encode() in content
    with pytest.raises(SavedModelError, match=r"run\.safetensors: (not the card|its card)"):
        decode_card(content, PATH)


def test_the_record_in_a_card_is_checked_as_any_record() -> None:
    card = a_card()
    elsewhere = replace(card.record, run_id="../../elsewhere")
    with pytest.raises(SavedModelError, match=r"record: run_id '\.\./\.\./elsewhere'"):
        decode_card(encode_card(replace(card, record=elsewhere)), PATH)


def test_a_run_that_failed_leaves_no_model() -> None:
    card = a_card()
    failed = replace(card.record, status="diverged", measurement=None)
    with pytest.raises(SavedModelError, match="its run diverged; wanted one that was trained"):
        decode_card(encode_card(replace(card, record=failed)), PATH)


def test_millions_of_classes_and_a_hundred_megabytes_are_refused_at_once() -> None:
    start = time.monotonic()
    assert "1,000,000 classes; wanted 2 to 256" in refused(class_names=["A"] * 1_000_000)
    assert time.monotonic() - start < 10
    with pytest.raises(SavedModelError, match=r"a card of 95\.4 MB; 8 MB are the most"):
        decode_card(b" " * 100_000_000, PATH)
    assert MOST_CARD_BYTES < 100_000_000


def test_brackets_without_end_are_refused() -> None:
    with pytest.raises(SavedModelError, match="not the card of a model"):
        decode_card(b'{"card_version":1,"record":' + b"[" * 1_000_000, PATH)
