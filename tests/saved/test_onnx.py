"""An exported model in ONNX Runtime: the file alone is enough, and a broken one is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bench.results.card import card_of
from bench.saved.model import SavedModelError
from tests import saved_models

onnx = pytest.importorskip("onnx")
networks = pytest.importorskip("bench.saved.onnx")  # which imports ONNX Runtime


def test_the_file_alone_is_usable(onnx_file: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(onnx_file.read_bytes())
    network = networks.restore(alone)
    assert network.card == card_of(saved_models.record())
    assert network.features(np.zeros((1, 28, 28), np.float32)) is None
    logits = network.logits(np.zeros((1025, 28, 28), np.float32))
    assert logits.shape == (1025, 10)
    assert logits.dtype == np.float32
    # One image goes through products of another shape, which a processor may round otherwise.
    one_image = network.infer(np.zeros((1, 28, 28), np.float32))
    np.testing.assert_allclose(logits[:1], one_image, atol=1e-5)


@pytest.mark.parametrize("damage", [lambda content: content[:1000], lambda content: b""])
def test_a_truncated_onnx_file_is_named(
    damage: Callable[[bytes], bytes], onnx_file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "short.onnx"
    path.write_bytes(damage(onnx_file.read_bytes()))
    with pytest.raises(SavedModelError, match=r"short\.onnx: no ONNX model, or cut off"):
        networks.restore(path)


def test_an_onnx_file_without_a_card_is_named(onnx_file: Path, tmp_path: Path) -> None:
    model = onnx.load(onnx_file)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / "bare.onnx")
    with pytest.raises(SavedModelError, match=r"bare\.onnx: an ONNX model without a card"):
        networks.restore(tmp_path / "bare.onnx")


def test_a_card_of_a_later_version_in_an_onnx_file_is_named(
    onnx_file: Path, tmp_path: Path
) -> None:
    model = onnx.load(onnx_file)
    onnx.helper.set_model_props(model, {networks.CARD: '{"card_version": 9}'})
    onnx.save(model, tmp_path / "later.onnx")
    with pytest.raises(SavedModelError, match=r"later\.onnx: its card is of version 9, wanted 1"):
        networks.restore(tmp_path / "later.onnx")
