"""Ensembles in PyTorch: members trained at once, members boosted, and three ways to train them.

``ensemble-mlp`` and ``adaboost-mlp`` are architectures with trainers of their own; SAMME, AdaBoost
for any number of classes, is here too. ``Arm`` and what follows are the ways that
``bench.study.ensembling`` times: all begin with the same members and take the same optimiser
steps on the same batches, with the data on the device, a fused Adam, and no synchronisation in
between.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn import functional

from bench.experiment import kind_of
from bench.trainers import EVALUATION_BATCH_SIZE, Setup, Trainer, Weights, torch_device
from bench.trainers.pytorch import PyTorchTrainer
from bench.trainers.pytorch import restore as restore  # a saved ensemble is one network
from bench.trainers.torch_device import own_adam
from models import single_mlps_pytorch, weights_pytorch
from models.adaboost_mlp_pytorch import Boosted
from models.ensemble_mlp_pytorch import Ensemble
from models.members import MEMBERS

if TYPE_CHECKING:
    from bench.results.evidence import EnsembleSetting, Way

ImageWeights = NDArray[np.float64]  # (n,) of the training images in boosting

SEED = 0  # of starts, images and batches of the arms
LEARNING_RATE = 1e-3


def create(setup: Setup) -> Trainer:
    """A trainer of one ensemble.

    Raises FrameworkMissing where the device is not there, ValueError where the epochs cannot be
    divided among boosted members.
    """
    boosted = setup.experiment.architecture == "adaboost-mlp"
    return BoostingTrainer(setup) if boosted else EnsembleTrainer(setup)


class EnsembleTrainer(PyTorchTrainer):
    """All members at once, each trained as it would be alone.

    The loss that is differentiated is the sum of the members' mean cross-entropies, so no member's
    gradient depends on another; the loss that is told is their mean.
    """

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        return summed_cross_entropy(logits, labels)

    def mean_loss(self) -> float:
        return super().mean_loss() / MEMBERS

    def settings(self) -> dict[str, str]:
        return super().settings() | {"members": str(MEMBERS)}


def summed_cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The sum over the members of their mean cross-entropies of a batch.

    Args:
        logits: (M, classes, b).
        labels: (b,), the same for all members.
    """
    members, _, images = logits.shape
    total = functional.cross_entropy(logits, labels.expand(members, images), reduction="sum")
    return total / images


@dataclass(frozen=True, kw_only=True)
class Rounds:
    """Members fitted one after the other, each for as many epochs as the others."""

    members: int  # that the run has time for, at most MEMBERS
    epochs_each: int


def rounds(epochs: float) -> Rounds:
    """As many members as there are epochs, up to MEMBERS, and the epochs divided equally.

    Less than one epoch begins the first member and does not end it, which is enough to time
    steps. Raises ValueError where the epochs cannot be divided, naming numbers that can.
    """
    if epochs < 1:
        return Rounds(members=1, epochs_each=1)
    members = min(MEMBERS, int(epochs))
    if epochs % members:
        below = int(epochs // members) * members
        raise ValueError(
            f"{epochs:g} epochs cannot be divided equally among {members} boosted members; "
            f"take {below} or {below + members} epochs"
        )
    return Rounds(members=members, epochs_each=int(epochs) // members)


def equal_weights(images: int) -> ImageWeights:
    """(n,) what each image weighs before the first member: together 1."""
    return np.full(images, 1 / images)


def reweigh(
    weights: ImageWeights, wrong: NDArray[np.bool_], classes: int
) -> tuple[float, ImageWeights]:
    """What a member's vote weighs, α, and what the images weigh for the next member, by SAMME.

    Zhu, Zou, Rosset and Hastie, 'Multi-class AdaBoost', Statistics and Its Interface 2 (2009),
    algorithm 2:

        err = Σ w over the images got wrong / Σ w
        α   = log((1 - err)/err) + log(classes - 1)
        w   ← w · exp(α) where wrong, then divided by their sum

    Where the paper says nothing: a member no better than chance (err ≥ 1 - 1/classes, so α ≤ 0)
    gets no vote and leaves the images as they were; the next has another start. An error below
    that of half an image of mean weight is taken as that, so that a member without any has a
    finite vote, and not the only one.

    Args:
        weights: (n,) of the images, above 0.
        wrong: (n,) which of them the member gets wrong.
        classes: how many there are.
    """
    error = float(weights[wrong].sum() / weights.sum())
    error = max(error, 0.5 / len(weights))
    if error >= 1 - 1 / classes:
        return 0.0, weights
    alpha = math.log((1 - error) / error) + math.log(classes - 1)
    grown = np.where(wrong, weights * math.exp(alpha), weights)
    return alpha, grown / grown.sum()


class BoostingTrainer(PyTorchTrainer):
    """Small networks fitted one after the other, each on images weighted anew.

    Where a member's last epoch ends, it is asked about all training images, which gives its vote
    and the weights of the images for the next (``reweigh``): part of training, and on its clock.
    Each member has a start and an optimiser of its own. The weights are scaled to a mean of 1 and
    stand in the loss, so a step with equal weights is that of a network alone. Trained on after
    the last member is fitted, it trains that one and changes no vote.
    """

    _network: Boosted

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._rounds = rounds(setup.experiment.epochs)

    def build(self) -> None:
        super().build()
        alone = self._network.members[0]
        self.parameter_count = self._rounds.members * sum(p.numel() for p in alone.parameters())
        self._images_seen = self._earlier_steps = 0
        self._begin(0, equal_weights(len(self._setup.train_labels)))

    def _begin(self, member: int, weights: ImageWeights) -> None:
        self._member = member
        self._network.training_member = member
        self._optimizer = torch_device.optimizer(
            self._network.members[member], self._setup.experiment
        )
        self._sample_weights = weights
        scaled = (weights * len(weights)).astype(np.float32)
        self._loss_weights = torch.from_numpy(scaled).to(self._device)

    def train(self) -> None:
        super().train()
        self._images_seen += len(self._order)
        images_each = self._rounds.epochs_each * len(self._sample_weights)
        if self._images_seen == (self._member + 1) * images_each:
            self._end_member()

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        losses = functional.cross_entropy(logits, labels, reduction="none")
        return (losses * self._loss_weights[batch]).mean()

    def steps_done(self) -> int:
        return self._earlier_steps + super().steps_done()

    def _end_member(self) -> None:
        """Give the member its vote, and begin the next where there is one."""
        alpha, weights = reweigh(self._sample_weights, self._wrong(), self._setup.classes)
        self._network.set_fitted(self._member, alpha)
        if self._member + 1 < self._rounds.members:
            self._earlier_steps += super().steps_done()
            self._begin(self._member + 1, weights)

    @torch.inference_mode()
    def _wrong(self) -> NDArray[np.bool_]:
        """(n,) which training images the member in training gets wrong."""
        member = self._network.members[self._member]
        with self._classifier.precision():
            batches = torch.split(self._train_images, EVALUATION_BATCH_SIZE)
            predicted = torch.cat([member(batch).argmax(dim=1) for batch in batches])
        wrong: NDArray[np.bool_] = (predicted != self._train_labels).cpu().numpy()
        return wrong

    def settings(self) -> dict[str, str]:
        return super().settings() | {
            "members": str(self._rounds.members),
            "epochs a member": str(self._rounds.epochs_each),
        }

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        member, weights, seen = self._member, self._sample_weights, self._images_seen
        earlier_steps = self._earlier_steps
        with super()._ending_as_it_began():
            yield
            self._begin(member, weights)  # whose optimiser is then given the state it had
            self._images_seen, self._earlier_steps = seen, earlier_steps


class Batches:
    """Noise as images on the device, in the batches of a round: the work asks for no more."""

    def __init__(self, setting: EnsembleSetting, device: torch.device) -> None:
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
        self._adams = [own_adam(member.parameters(), lr=LEARNING_RATE) for member in self._members]

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


def starts(setting: EnsembleSetting) -> tuple[list[nn.Sequential], Batches]:
    """New members on the device, and what they are trained on.

    Raises FrameworkMissing where the device is not there.
    """
    device = torch_device.choose(kind_of(setting.device))
    torch.set_float32_matmul_precision("highest")
    torch.manual_seed(SEED)
    members = [
        single_mlps_pytorch.build(setting.classes, hidden=setting.width).to(device)
        for _ in range(setting.members)
    ]
    return members, Batches(setting, device)


def start_weights(members: list[nn.Sequential]) -> Weights:
    """Of members, as ``Arm.weights``."""
    return weights_pytorch.neutral(Ensemble(members))


def threads() -> int:
    """Of PyTorch, in an operation."""
    return torch.get_num_threads()
