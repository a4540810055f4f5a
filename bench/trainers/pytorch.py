"""PyTorch: the training loop as a good user of it writes it.

The data lie on the device and batches are taken by index; the optimiser is fused, one kernel
for all weights; the loss is summed on the device. How a step is executed, eager, compiled or as a
graph, is chosen in ``bench.trainers.torch_executions``. ``mps``, Apple's GPU, is built and has
never been measured by us. A saved network is asked by the same code as one in training.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import nn
from torch.nn import functional

import models
from bench.experiment import Experiment
from bench.results.card import Card
from bench.results.models import read_weights
from bench.trainers import (
    EVALUATION_BATCH_SIZE,
    DeviceMemory,
    Features,
    Images,
    Logits,
    Network,
    Setup,
    Trainer,
    Weights,
    torch_device,
    torch_executions,
)
from bench.trainers.batches import predict_every_shape, warm_up_order
from bench.trainers.torch_executions import Forward as Forward
from models import weights_pytorch


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where the device is not there."""
    return PyTorchTrainer(setup)


def restore(path: Path, card: Card) -> Network:
    """The network of a ``.safetensors`` file, on the CPU, computing as in training.

    Raises ValueError on an unknown architecture, and where the weights are not its own.
    """
    experiment, cpu = card.record.experiment, torch.device("cpu")
    network = _placed(restore_module(path, card).eval(), cpu, experiment)
    return PyTorchNetwork(network, cpu, in_bfloat16=experiment.precision == "bf16")


def restore_module(path: Path, card: Card) -> nn.Module:
    """The same as a module; raises as ``restore``."""
    network: nn.Module = models.load(card.architecture, "pytorch").build(len(card.class_names))
    weights_pytorch.load(network, read_weights(path, weights_pytorch.neutral(network)))
    return network


class PyTorchNetwork:
    """See ``bench.trainers.Network``; of a trainer, or of a saved model."""

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        *,
        in_bfloat16: bool,
        forward: Forward | None = None,
    ) -> None:
        """``device``: the network's. ``forward``: the network, compiled; None: as it is."""
        self._network = network
        self._device = device
        self._in_bfloat16 = in_bfloat16
        self._forward = network if forward is None else forward

    def logits(self, images: Images) -> Logits:
        return self._in_batches(self._forward, images)

    @torch.inference_mode()
    def infer(self, images: Images) -> Logits:
        self._evaluating()
        with self.precision():
            logits = self._forward(torch.from_numpy(images).to(self._device))
        return logits.float().cpu().numpy()  # cpu() waits for the device

    def features(self, images: Images) -> Features | None:
        body = _body(self._network)
        return None if body is None else self._in_batches(body, images)

    @torch.inference_mode()
    def _in_batches(self, forward: Forward, images: Images) -> NDArray[np.float32]:
        self._evaluating()
        on_device = torch.from_numpy(images).to(self._device)
        with self.precision():
            batches = [forward(batch) for batch in torch.split(on_device, EVALUATION_BATCH_SIZE)]
        return torch.cat(batches).float().cpu().numpy()

    def _evaluating(self) -> None:
        if self._network.training:  # eval() walks all layers, which one image's latency shows
            self._network.eval()

    def precision(self) -> AbstractContextManager[None]:
        """Products and convolutions in bfloat16 inside, where that was asked for."""
        if not self._in_bfloat16:
            return nullcontext()
        return torch.autocast(self._device.type, torch.bfloat16)


class PyTorchTrainer:
    """See ``bench.trainers.Trainer``."""

    train_waits = False

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._batch_size = setup.experiment.batch_size
        self._device = torch_device.choose(setup.experiment.device)
        self._execution = torch_executions.choose(setup.experiment.execution)
        torch_device.set_precision(setup.experiment)
        self.parameter_count = 0

    def build(self) -> None:
        torch.manual_seed(self._setup.seed)  # of the weights, and of dropout on every device
        experiment = self._setup.experiment
        network: nn.Module = models.load(experiment.architecture, "pytorch").build(
            self._setup.classes, dropout=experiment.dropout
        )
        self._network = _placed(network, self._device, experiment)
        self._forward = self._execution.forward(network)
        self._classifier = self._new_classifier()
        self._optimizer = self._execution.optimizer(network, experiment)
        self._loss_sum = torch.zeros((), device=self._device)
        self._batch_loss = self._execution.loss(self._loss_of_batch)
        self._step = self._execution.step(self._take_step, self._ending_as_it_began)
        self.parameter_count = sum(p.numel() for p in network.parameters() if p.requires_grad)

    def _new_classifier(self) -> PyTorchNetwork:
        """What answers for the network: the same code as of a saved model."""
        return PyTorchNetwork(
            self._network,
            self._device,
            in_bfloat16=self._setup.experiment.precision == "bf16",
            forward=self._execution.answers(self._network, self._forward),
        )

    def transfer(self) -> None:
        setup = self._setup
        self._train_images = torch.from_numpy(setup.train_images).to(self._device)
        self._train_labels = torch.from_numpy(setup.train_labels).to(self._device)
        self._execution.placed(self._train_images, self._train_labels)

    def warm_up(self) -> None:
        with self._ending_as_it_began():
            self.arrange(warm_up_order(len(self._train_images), self._batch_size))
            self.train()

    def warm_up_predictions(self) -> None:
        with self._ending_as_it_began():
            predict_every_shape(self, self._setup)

    def renew(self, images: Images) -> None:
        self._train_images = self._execution.renewed(self._train_images, torch.from_numpy(images))

    def arrange(self, order: NDArray[np.int64]) -> None:
        self._order = torch.from_numpy(order).to(self._device)

    def train(self) -> None:
        self._network.train()
        self._loss_sum.zero_()
        for batch in torch.split(self._order, self._batch_size):
            self._step(batch)

    def _take_step(self, batch: torch.Tensor) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        loss = self._batch_loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        # Summed on the device: loss.item() here would make every step wait for it.
        self._loss_sum.add_(loss.detach(), alpha=self._images_of(batch))

    def _images_of(self, batch: torch.Tensor) -> float:
        """How many images the loss of a step on this batch is the mean of."""
        return len(batch)

    def _loss_of_batch(self, batch: torch.Tensor) -> torch.Tensor:
        images, labels = self._train_images[batch], self._train_labels[batch]
        with self._classifier.precision():
            logits = self._forward(images)
        return self._loss(logits.float(), labels, batch)  # float() copies no float32

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        """Mean cross-entropy of a batch; ``batch``: its indices into the training images."""
        return functional.cross_entropy(logits, labels)

    def mean_loss(self) -> float:
        return self._loss_sum.item() / len(self._order)  # item() waits for the device

    def steps_done(self) -> int:
        return torch_device.steps_done(self._optimizer)

    def observed_execution(self) -> str:
        return self._execution.observed()

    def logits(self, images: Images) -> Logits:
        return self._classifier.logits(images)

    def infer(self, images: Images) -> Logits:
        return self._classifier.infer(images)

    def synchronize(self) -> None:
        torch_device.synchronize(self._device)

    def weights(self) -> Weights:
        return weights_pytorch.neutral(self._network)

    def load_weights(self, weights: Weights) -> None:
        weights_pytorch.load(self._network, weights)

    def save(self, path: Path) -> None:
        path.write_bytes(save(self.weights()))

    def device_memory(self) -> DeviceMemory | None:
        return torch_device.memory(self._device)

    def reset_peak_memory(self) -> None:
        torch_device.reset_peak_memory(self._device)

    def settings(self) -> dict[str, str]:
        observed = torch_device.settings(self._device) | self._execution.settings()
        return observed | {
            "compiler": torch_executions.compiler(self.observed_execution()),
            "memory layout": torch_device.memory_layout(self._network),
            "optimiser": torch_device.optimizer_name(self._optimizer),
            "precision": self._observed_precision(),
        }

    def _observed_precision(self) -> str:
        """The type that a product comes out in."""
        matrix = torch.ones((1, 1), device=self._device)
        with self._classifier.precision():
            return str((matrix @ matrix).dtype).removeprefix("torch.")

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        weights = copy.deepcopy(self._network.state_dict())
        optimizer_state = copy.deepcopy(self._optimizer.state_dict())
        loss_sum = self._loss_sum.clone()
        with torch_device.random_state_kept(self._device):
            yield
        self._network.load_state_dict(weights)
        self._optimizer.load_state_dict(optimizer_state)
        self._loss_sum.copy_(loss_sum)


def _placed(network: nn.Module, device: torch.device, experiment: Experiment) -> nn.Module:
    """Bring a network to its device, set up as that device computes convolutions fastest."""
    if device.type == "cpu" and "memory-layout" not in experiment.native:
        # The order in which oneDNN computes convolutions: what PyTorch's own tuning guide
        # advises for a CPU, and faster here in training and more so in inference.
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    # There are few batch shapes: let cuDNN time its kernels for each, in the warm-up.
    torch.backends.cudnn.benchmark = device.type == "cuda"
    return network.to(device)


def _body(network: nn.Module) -> Forward | None:
    """All but the last layer; what a network that is no chain calls its features; or None."""
    if isinstance(network, nn.Sequential):
        return network[:-1]
    features: Forward | None = getattr(network, "features", None)
    return features
