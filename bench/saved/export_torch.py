"""A PyTorch module as an ONNX file, by PyTorch's own exporter (torch.export and onnxscript).

A saved Keras network is one too, with Keras on its torch backend, whoever trained it: a ``.keras``
file knows no backend. So one exporter serves all, and neither tf2onnx nor jax2onnx is needed.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import cast

import onnx
import torch
from torch import nn

from bench.results import write_atomically
from bench.results.card import Card, encode_card
from bench.saved.model import misfits
from bench.saved.onnx import CARD, CHECKSUM, IMAGES, LOGITS, checksum, contract
from bench.trainers import keras
from bench.trainers.pytorch import restore_module

OPSET = 20  # what the exporter of PyTorch 2.13 writes by itself; ONNX Runtime reads it since 1.17
EXAMPLE_BATCH = 2  # torch.export takes 0 and 1 for fixed sizes


def restore(path: Path, card: Card) -> nn.Module:
    """The network of a ``.safetensors`` or ``.keras`` file; Keras has to be on its torch backend.

    Raises SavedModelError where the file does not fit its card or cannot be trusted.
    """
    with misfits(path, card):
        if path.suffix == ".keras":
            return cast(nn.Module, keras.restore(path, card).model)
        return restore_module(path, card)


def write(network: nn.Module, card: Card, path: Path) -> None:
    """Write a network as ONNX: images in, logits out, any number at a time, the card within.

    ``network``: (b, 28, 28) float32 -> (b, classes) float32. Raises what the exporter raises, and
    OSError.
    """
    with warnings.catch_warnings():
        # PyTorch's own use of a name that it has renamed itself.
        warnings.filterwarnings("ignore", r"`isinstance\(treespec, LeafSpec\)`", FutureWarning)
        program = torch.onnx.export(
            _Forward(network).eval(),
            (torch.zeros(EXAMPLE_BATCH, 28, 28),),
            dynamo=True,
            opset_version=OPSET,
            input_names=[IMAGES],
            output_names=[LOGITS],
            dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            verbose=False,
        )
    if program is None:  # which only its older exporter returns
        raise RuntimeError("PyTorch's exporter returned no program")
    model = program.model_proto
    _require_any_batch(model)
    _forget_paths(model)
    entries = {CARD: encode_card(card).decode(), CHECKSUM: checksum(model)}
    onnx.helper.set_model_props(model, entries | contract(card))
    onnx.checker.check_model(model, full_check=True)
    write_atomically(path, model.SerializeToString())


class _Forward(nn.Module):
    """The network as a module of one argument: Keras's models take any, which cannot be traced."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images)
        return logits


def _require_any_batch(model: onnx.ModelProto) -> None:
    """Raise ValueError where the exporter has taken the example's number of images for fixed.

    It does so without a word where a network asks for ``len(images)``.
    """
    batch = model.graph.input[0].type.tensor_type.shape.dim[0]
    if not batch.dim_param:
        raise ValueError(
            f"the network was traced for batches of {batch.dim_value} alone: somewhere it makes a "
            "whole number of the batch size (len(images)); leave the size to the tensor"
        )


def _forget_paths(model: onnx.ModelProto) -> None:
    """Drop the exporter's notes: stack traces with the paths of whoever exported."""
    graph = model.graph
    noted = (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer)
    for part in noted:
        del part.metadata_props[:]
