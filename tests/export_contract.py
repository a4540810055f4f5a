"""What is exported says the same: test_export_torch.py runs this with Keras on PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from torch import nn

import models
from bench.results.models import write_model
from bench.saved import export_torch, onnx
from bench.saved.export_child import compare
from bench.saved.model import SavedModelError
from bench.trainers import Images
from tests.saved_models import a_card

pytestmark = [
    # Keras 3.15 on NumPy 2, of its own variables.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
]
IMAGES = np.random.default_rng(0).standard_normal((9, 28, 28), dtype=np.float32)


def test_a_keras_network_is_exported_for_any_number_of_images(tmp_path: Path) -> None:
    card = a_card("cnn", framework="keras-jax", execution="compiled")
    model = models.load("cnn", "keras").build(10)
    path = tmp_path / "model.keras"
    write_model(path, card, model.save)
    export_torch.write(export_torch.restore(path, card), card, tmp_path / "model.onnx")
    own = model.predict(IMAGES, verbose=0)
    assert compare(own, answers(tmp_path / "model.onnx", IMAGES)).logits.passed
    assert compare(own[:1], answers(tmp_path / "model.onnx", IMAGES[:1])).logits.passed


@pytest.mark.parametrize("architecture", ["ensemble-mlp", "adaboost-mlp"])
def test_an_ensemble_is_exported_for_any_number_of_images(
    architecture: str, tmp_path: Path
) -> None:
    file: Any = models.load(architecture, "pytorch")
    network = file.build(10, members=2).eval()  # the exporter's time grows with their number
    export_torch.write(network, a_card(architecture), tmp_path / "model.onnx")
    with torch.inference_mode():
        own = network(torch.from_numpy(IMAGES)).numpy()
    assert compare(own, answers(tmp_path / "model.onnx", IMAGES)).logits.passed


def test_a_network_that_fixes_the_batch_size_is_refused(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return images.view(len(images), -1)[:, :10]

    with pytest.raises(ValueError, match=r"for batches of 2 alone.*len\(images\)"):
        export_torch.write(Fixed(), a_card("mlp"), tmp_path / "model.onnx")


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    path, card = tmp_path / "model.safetensors", a_card("mlp")
    save_file({"alone": np.zeros(1, np.float32)}, path)
    with pytest.raises(SavedModelError, match=r"model\.safetensors: its card says mlp for digits"):
        export_torch.restore(path, card)


def answers(onnx_file: Path, images: Images) -> Images:
    return onnx.restore(onnx_file).logits(images)
