"""Whatever a model's file holds: a SavedModelError, or the answers of the file as it was written.

Good files are changed at random, bytes and fields. Forty examples of each in every run of the
tests; ``pytest tests/saved/test_fuzz.py --hypothesis-profile thorough`` tries thousands.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.results.card import Card, SavedModelError, decode_card, encode_card
from bench.results.folder import ResultsError
from bench.results.models import write_model
from bench.results.predictions import Predictions, load_predictions, save_predictions
from bench.saved.model import load
from tests.changes import changed_json, flipped
from tests.imports import ROOT
from tests.saved_models import a_card, saver, weights_of

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)


@cache
def good_file() -> bytes:
    """Of an MLP, in safetensors."""
    path = Path(os.environ["GLYPHBENCH_CACHE"]) / "to-be-changed.safetensors"
    write_model(path, a_card(framework="numpy"), saver(weights_of("mlp")))
    return path.read_bytes()


def answers(path: Path, content: bytes) -> NDArray[np.float32] | None:
    """The logits of a file with this content; None where it is refused."""
    path.write_bytes(content)
    try:
        return load(path).logits(IMAGES)
    except SavedModelError as error:
        message = str(error)
    assert message.startswith(str(path))
    assert message.isprintable()
    return None


def assert_same_or_refused(path: Path, content: bytes, good: bytes) -> None:
    """Both are files of one kind at one path."""
    logits = answers(path, content)
    if logits is not None:
        np.testing.assert_array_equal(logits, answers(path, good))


# Cards


def decoded(content: bytes) -> Card | None:
    """The card; None where it is refused."""
    try:
        return decode_card(content, Path("run.safetensors"))
    except SavedModelError as error:
        message = str(error)
    assert message.startswith("run.safetensors: ")
    assert message.isprintable()
    return None


@given(data=st.data())
def test_a_card_with_any_field_is_a_card_or_refused(data: st.DataObject) -> None:
    fields = json.loads(encode_card(a_card()))
    del fields["sha256"]  # as somebody would who changes one
    content = json.dumps(changed_json(fields, data)).encode()
    card = decoded(content)
    if card is not None:
        assert decoded(encode_card(card)) == card


@given(data=st.data())
def test_a_card_with_flipped_bits_is_the_same_or_refused(data: st.DataObject) -> None:
    assert decoded(flipped(encode_card(a_card()), data)) in (a_card(), None)


# Safetensors


@given(data=st.data())
def test_safetensors_with_flipped_bits(data: st.DataObject, tmp_path: Path) -> None:
    changed = flipped(good_file(), data, header_bytes=10_000)
    assert_same_or_refused(tmp_path / "run.safetensors", changed, good_file())


@given(data=st.data())
def test_a_safetensors_header_with_any_field(data: st.DataObject, tmp_path: Path) -> None:
    good = good_file()
    start = 8 + int.from_bytes(good[:8], "little")
    header = json.loads(good[8:start])
    entries = header.pop("__metadata__")
    tensors = changed_json(header, data)
    if isinstance(tensors, dict):
        tensors = tensors | {"__metadata__": entries}
    text = json.dumps(tensors).encode()
    changed = len(text).to_bytes(8, "little") + text + good[start:]
    assert_same_or_refused(tmp_path / "run.safetensors", changed, good)


# ONNX


@given(data=st.data())
def test_onnx_with_flipped_bits(data: st.DataObject, onnx_file: Path, tmp_path: Path) -> None:
    good = onnx_file.read_bytes()
    changed = flipped(good, data, header_bytes=2000, footer_bytes=10_000)
    assert_same_or_refused(tmp_path / "run.onnx", changed, good)


@given(data=st.data())
def test_onnx_with_flipped_bits_and_a_checksum_that_fits(
    data: st.DataObject, onnx_file: Path, tmp_path: Path
) -> None:
    """As somebody would who knows of it: another network may come of it, but nothing breaks."""
    onnx = pytest.importorskip("onnx")
    model = onnx.load(onnx_file)
    graph = model.graph.SerializeToString()
    entries = {each.key: each.value for each in model.metadata_props if each.key != "sha256"}
    onnx.helper.set_model_props(model, entries)
    try:
        model.graph.ParseFromString(flipped(graph, data, header_bytes=1000, footer_bytes=500))
    except Exception:  # noqa: BLE001 - protobuf's own: no graph at all
        return
    logits = answers(tmp_path / "run.onnx", model.SerializeToString())
    assert logits is None or logits.shape == (len(IMAGES), 10)


# Keras, in a process of its own


@pytest.mark.thorough
def test_keras_files(request: pytest.FixtureRequest) -> None:
    pytest.importorskip("keras")
    pytest.importorskip("torch")
    profile = request.config.getoption("--hypothesis-profile") or "usual"
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/keras_fuzz.py"]
    ended = subprocess.run(
        [sys.executable, *words, "--hypothesis-profile", profile],
        cwd=ROOT,
        env=os.environ | {"KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout[-8000:]


# Predictions

PREDICTIONS = Predictions(
    run_id="run",
    model="models/run.safetensors",
    logits=np.eye(3, 10, dtype=np.float32),
    features=np.ones((3, 4), np.float32),
    labels=np.array([0, 3, 9], np.int64),
    as_recorded=True,
)


@given(data=st.data())
def test_predictions_with_flipped_bits(data: st.DataObject, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    save_predictions(path, PREDICTIONS)
    path.write_bytes(flipped(path.read_bytes(), data))
    try:
        read = load_predictions(path)
    except ResultsError as error:
        assert "delete the file, it will be made again" in str(error)  # noqa: PT017
        return
    for name, value in vars(PREDICTIONS).items():
        changed: Any = getattr(read, name)
        np.testing.assert_array_equal(changed, value)
