"""A saved network in PyTorch, on the CPU, computing as the trainer's own evaluation does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from safetensors.numpy import load_file
from torch import nn

import models
from bench.networks import Features, Network, misfits
from bench.saved_models import Card
from bench.trainers import EVALUATION_BATCH_SIZE, Images, Logits
from models import weights_pytorch

Forward = Callable[[torch.Tensor], torch.Tensor]


def restore(path: Path, card: Card) -> Network:
    """The network of a ``.safetensors`` file.

    Raises SavedModelError on an unknown architecture, and where the weights are not its own.
    """
    weights = load_file(path)
    with misfits(path, card):
        if card.architecture == "gnn":  # its network sees graphs, which are made of the images
            from bench.trainers import pytorch_graph

            return pytorch_graph.network(card, weights)
        network: nn.Module = models.load(card.architecture, "pytorch").build(len(card.class_names))
        weights_pytorch.load(network, weights)
    return PyTorchNetwork(network, in_bfloat16=card.record.experiment.precision == "bf16")


class PyTorchNetwork:
    """See ``bench.networks.Network``."""

    def __init__(self, network: nn.Module, *, in_bfloat16: bool = False) -> None:
        """``in_bfloat16``: whether products and convolutions are, as they were in training."""
        # The order in which the trainer has convolutions computed on a CPU.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._network = network.eval()
        self._in_bfloat16 = in_bfloat16

    def logits(self, images: Images) -> Logits:
        return self._forward(self._network, images)

    def infer(self, images: Images) -> Logits:
        return self._forward(self._network, images)

    def features(self, images: Images) -> Features | None:
        body = _body(self._network)
        return None if body is None else self._forward(body, images)

    @torch.inference_mode()
    def _forward(self, forward: Forward, images: Images) -> Logits:
        with self._precision():
            batches = torch.split(torch.from_numpy(images), EVALUATION_BATCH_SIZE)
            return torch.cat([forward(batch) for batch in batches]).float().numpy()

    def _precision(self) -> AbstractContextManager[None]:
        return torch.autocast("cpu", torch.bfloat16) if self._in_bfloat16 else nullcontext()


def _body(network: nn.Module) -> Forward | None:
    """All but the last layer; what a network that is no chain calls its features; or None."""
    if isinstance(network, nn.Sequential):
        return network[:-1]
    own: Forward | None = getattr(network, "features", None)
    return own
