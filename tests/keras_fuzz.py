"""A ``.keras`` file that holds anything: test_fuzz.py runs this with Keras on PyTorch."""

from __future__ import annotations

import json
import zipfile
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import models
from bench.results.card import SavedModelError
from bench.results.models import KERAS_CONFIG, KERAS_WEIGHTS, write_model
from bench.saved.model import load
from tests.changes import changed_json, flipped
from tests.saved_models import a_card

pytestmark = [
    # Keras 3.15 on NumPy 2, of its own variables.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
]
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as a run leaves it."""
    path = tmp_path_factory.mktemp("good") / "run.keras"
    card = a_card("cnn", framework="keras-torch")
    write_model(path, card, models.load("cnn", "keras").build(10).save)
    return path


@cache
def good_logits(path: Path) -> NDArray[np.float32]:
    return load(path).logits(IMAGES)


def answers(path: Path) -> NDArray[np.float32] | None:
    """The logits of a file; None where it is refused."""
    try:
        return load(path).logits(IMAGES)
    except SavedModelError as error:
        message = str(error)
    assert message.startswith(str(path))
    assert message.isprintable()
    return None


def rewritten(good: Path, path: Path, name: str, content: bytes) -> Path:
    """A copy in which one member holds something else, and says so in its checksum."""
    with zipfile.ZipFile(good) as file:
        members = {each: file.read(each) for each in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for each, own in members.items():
            file.writestr(each, content if each == name else own)
    return path


def member(good: Path, name: str) -> bytes:
    with zipfile.ZipFile(good) as file:
        return file.read(name)


@given(data=st.data())
def test_a_file_with_flipped_bits(data: st.DataObject, good: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.keras"
    path.write_bytes(flipped(good.read_bytes(), data, header_bytes=200, footer_bytes=400))
    logits = answers(path)
    if logits is not None:
        np.testing.assert_array_equal(logits, good_logits(good))


@given(data=st.data())
def test_a_configuration_with_any_value(data: st.DataObject, good: Path, tmp_path: Path) -> None:
    config = changed_json(json.loads(member(good, KERAS_CONFIG)), data)
    path = rewritten(good, tmp_path / "run.keras", KERAS_CONFIG, json.dumps(config).encode())
    logits = answers(path)
    if logits is not None:  # something was changed of which no answer depends
        np.testing.assert_array_equal(logits, good_logits(good))


@given(data=st.data())
def test_weights_with_flipped_bits(data: st.DataObject, good: Path, tmp_path: Path) -> None:
    """Behind a checksum that fits: other weights may come of it, but nothing breaks."""
    weights = flipped(member(good, KERAS_WEIGHTS), data, header_bytes=4000)
    logits = answers(rewritten(good, tmp_path / "run.keras", KERAS_WEIGHTS, weights))
    assert logits is None or logits.shape == (len(IMAGES), 10)
