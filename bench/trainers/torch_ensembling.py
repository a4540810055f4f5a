"""Three ways to train the members of an ensemble in PyTorch: the arms of ``bench.ensembling``.

All begin with the same members and take the same optimiser steps on the same batches, with the
data on the device, a fused Adam, and no synchronisation in between.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional

from bench.ensembling.record import Setting, Way
from bench.trainers import Weights, torch_device
from bench.trainers.pytorch_ensemble import summed_cross_entropy
from bench.trainers.torch_adam import own_adam
from models import mlp_small_pytorch, weights_pytorch
from models.ensemble_mlp_pytorch import Ensemble

SEED = 0  # of starts, images and batches
LEARNING_RATE = 1e-3


class Batches:
    """Noise as images on the device, in the batches of a round: the work asks for no more."""

    def __init__(self, setting: Setting, device: torch.device) -> None:
        self.device = device
        count = setting.steps * setting.batch_size
        random = np.random.default_rng(SEED)
        images = random.standard_normal((count, 28, 28), dtype=np.float32)
        self.images = torch.from_numpy(images).to(device)
        self.labels = torch.from_numpy(random.integers(0, setting.classes, count)).to(device)
        order = torch.from_numpy(random.permutation(count)).to(device)
        self.order = torch.split(order, setting.batch_size)


class Arm(ABC):
    """One way to train all members."""

    def __init__(self, members: list[nn.Sequential], batches: Batches) -> None:
        """``members``: on the device; they are copied, and stay as they are."""
        self._batches = batches

    @abstractmethod
    def train(self) -> None:
        """One round: every member takes one step on every batch."""

    @abstractmethod
    def weights(self) -> Weights:
        """Of all members, as ``Ensemble.neutral_weights``."""

    def synchronize(self) -> None:
        """Return when the device has done all its work."""
        torch_device.synchronize(self._batches.device)


class OneByOne(Arm):
    """Each member is trained to the end of the round before the next begins."""

    def __init__(self, members: list[nn.Sequential], batches: Batches) -> None:
        super().__init__(members, batches)
        self._members = copy.deepcopy(members)
        self._adams = [own_adam(one.parameters(), lr=LEARNING_RATE) for one in self._members]

    def train(self) -> None:
        images, labels = self._batches.images, self._batches.labels
        for member, adam in zip(self._members, self._adams, strict=True):
            for batch in self._batches.order:
                adam.zero_grad(set_to_none=True)
                loss = functional.cross_entropy(member(images[batch]), labels[batch])
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()

    def weights(self) -> Weights:
        return weights_pytorch.neutral(Ensemble(self._members))


class Vmapped(Arm):
    """``torch.func``: the gradient of one member's loss, mapped over stacked parameters."""

    def __init__(self, members: list[nn.Sequential], batches: Batches) -> None:
        super().__init__(members, batches)
        stacked, _ = stack_module_state(members)
        self._parameters = {name: nn.Parameter(t.detach()) for name, t in stacked.items()}
        self._adam = own_adam(self._parameters.values(), lr=LEARNING_RATE)
        self._member = copy.deepcopy(members[0])
        self._gradients: Callable[..., dict[str, torch.Tensor]] = vmap(
            grad(self._loss), in_dims=(0, None, None)
        )

    def _loss(
        self, parameters: dict[str, torch.Tensor], images: torch.Tensor, labels: torch.Tensor
    ) -> torch.Tensor:
        logits = functional_call(self._member, parameters, (images,))
        return functional.cross_entropy(logits, labels)

    def train(self) -> None:
        values = {name: parameter.detach() for name, parameter in self._parameters.items()}
        for batch in self._batches.order:
            images, labels = self._batches.images[batch], self._batches.labels[batch]
            gradients = self._gradients(values, images, labels)
            for name, parameter in self._parameters.items():
                parameter.grad = gradients[name]
            self._adam.step()

    def weights(self) -> Weights:
        members = len(self._parameters["dense.bias"])
        networks = [copy.deepcopy(self._member) for _ in range(members)]
        for index, network in enumerate(networks):
            network.load_state_dict({name: t[index] for name, t in self._parameters.items()})
        return weights_pytorch.neutral(Ensemble(networks))


class Batched(Arm):
    """The architecture ``ensemble-mlp``, trained as its own trainer trains it."""

    def __init__(self, members: list[nn.Sequential], batches: Batches) -> None:
        super().__init__(members, batches)
        self._network = Ensemble(members).to(batches.device)
        self._adam = own_adam(self._network.parameters(), lr=LEARNING_RATE)

    def train(self) -> None:
        images, labels = self._batches.images, self._batches.labels
        for batch in self._batches.order:
            self._adam.zero_grad(set_to_none=True)
            loss = summed_cross_entropy(self._network(images[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            self._adam.step()

    def weights(self) -> Weights:
        return weights_pytorch.neutral(self._network)


WAYS: dict[Way, type[Arm]] = {"one by one": OneByOne, "vmap": Vmapped, "batched": Batched}


def starts(setting: Setting) -> tuple[list[nn.Sequential], Batches]:
    """New members on the device, and what they are trained on.

    Raises FrameworkMissing where the device is not there.
    """
    device = torch_device.choose(setting.device)
    torch.set_float32_matmul_precision("highest")
    torch.manual_seed(SEED)
    members = [
        mlp_small_pytorch.build(setting.classes, hidden=setting.width).to(device)
        for _ in range(setting.members)
    ]
    return members, Batches(setting, device)


def start_weights(members: list[nn.Sequential]) -> Weights:
    """Of members, as ``Arm.weights``."""
    return weights_pytorch.neutral(Ensemble(members))


def threads() -> int:
    """Of PyTorch, in an operation."""
    return torch.get_num_threads()
