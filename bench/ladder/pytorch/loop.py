"""PyTorch's loop, and what a rung is made of. A rung changes parts; the loop stays.

feed      images in host memory -> batches on the device, epoch after epoch
step      one optimiser step on one batch
program   all steps, one after the other or otherwise
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from bench.ladder.climb import ASKED_AT_ONCE, Images, Material, Weights

Batch = tuple[torch.Tensor, torch.Tensor]  # (b, 1, h, w) images and (b,) int64 labels
Step = Callable[[torch.Tensor, torch.Tensor], None]


@dataclass(frozen=True, kw_only=True)
class Pile:
    """Images over host memory, unchanged, and what each is called."""

    images: torch.Tensor  # (n, 28, 28) uint8
    labels: torch.Tensor  # (n,) uint8; their numbers, int64, where it is asked what was seen
    mean: float
    std: float
    device: torch.device
    dtype: torch.dtype  # that images are prepared in


def normalised(pile: Pile) -> torch.Tensor:
    """(n, 1, 28, 28) float32 on the device."""
    images = pile.images.to(pile.device).float()
    return images.div_(255).sub_(pile.mean).div_(pile.std).unsqueeze(1)


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What a rung is; those above replace parts of it."""

    network: Callable[[int], nn.Module]  # classes -> (b, 1, h, w) images in, (b, classes) out
    batch_size: int
    epochs: float  # at most, where there is a target; a part of one: so much of each order
    target: float | None = None  # on validation, read after each epoch; None: never read
    whole_batches: bool = False  # True: what is left of an epoch, less than a batch, is not seen
    optimizer: Callable[[nn.Module], Optimizer]
    rate: Callable[[float], float] | None = None  # of the share of all steps, 0..1; None: constant
    smoothing: float = 0.0  # of labels
    prepare: Callable[[Pile], torch.Tensor] = normalised  # images -> what the network takes
    dtype: torch.dtype = torch.float32  # of images and products, where a step is written for it
    place: Callable[[nn.Module], nn.Module] = lambda network: network
    feed: Callable[[Rung, Pile, torch.Generator], Callable[[], Iterator[Batch]]]
    step: Callable[[Loop], Step]
    program: Callable[[Loop], Program]
    once: Callable[[], object] = lambda: None  # done to the process before all else

    def climber(self, seed: int, device: str, classes: int) -> Loop:
        """See ``bench.ladder.climb.Climber``."""
        return Loop(self, seed, device, classes)

    def steps(self, images: int) -> int:
        """Of all epochs over so many images, where no target ends them."""
        whole, rest = divmod(images, self.batch_size)
        return max(1, round(self.epochs * (whole + (rest > 0 and not self.whole_batches))))


class Optimizer(Protocol):
    """What the loop asks of one; those of PyTorch have it all."""

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """With the rate of the next step as 'lr'."""
        ...

    @property
    def state(self) -> Any:
        """Of each weight the tensors that the optimiser keeps, its count of steps as 'step'."""
        ...

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        ...

    def step(self) -> Any:
        """Move the weights."""
        ...


class Program(Protocol):
    """All steps of a training."""

    def warm_up(self, noise: Material) -> None:
        """Whatever has to be done before the first; nothing needs to be put back here."""
        ...

    def run(self, material: Material) -> int:
        """Train; how many steps."""
        ...


class Loop:
    """See ``bench.ladder.climb.Climber``."""

    def __init__(self, rung: Rung, seed: int, device: str, classes: int) -> None:
        rung.once()
        self.rung, self.seed = rung, seed
        self.device = torch.device(device)
        torch.backends.cudnn.benchmark = True  # there are few shapes; chosen in the warm-up
        torch.manual_seed(seed)
        self.network = rung.place(rung.network(classes).to(self.device))
        self.optimizer = rung.optimizer(self.network)
        self.step = rung.step(self)
        self.progress = 0.0  # the share of all steps that is done
        self._program = rung.program(self)
        self._steps = 0

    @property
    def batch_size(self) -> int:
        """Images a step."""
        return self.rung.batch_size

    def pile(self, images: Images, labels: NDArray[Any], material: Material) -> Pile:
        """Arrays of host memory as tensors."""
        return Pile(
            images=torch.from_numpy(images),
            labels=torch.from_numpy(labels),
            mean=material.mean,
            std=material.std,
            device=self.device,
            dtype=self.rung.dtype,
        )

    def generator(self) -> torch.Generator:
        """Of the order of images: the same each time."""
        return torch.Generator().manual_seed(self.seed)

    def warm_up(self, noise: Material) -> None:
        weights = copy.deepcopy(self.network.state_dict())
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            self._program.warm_up(noise)
        self.network.load_state_dict(weights)
        for state in self.optimizer.state.values():  # in place: a graph may hold its addresses
            for value in state.values():
                if isinstance(value, torch.Tensor):
                    value.zero_()

    def train(self, material: Material) -> None:
        self.network.train()
        self._steps = self._program.run(material)

    def synchronize(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def weights(self) -> Weights:
        return {
            name: tensor.detach().cpu().numpy().copy()
            for name, tensor in self.network.state_dict().items()
        }

    def load(self, weights: Weights) -> None:
        self.network.load_state_dict({name: torch.tensor(weights[name]) for name in weights})

    def answers(self, material: Material, images: Images) -> NDArray[np.int64]:
        pile = self.pile(images, np.zeros(0, np.uint8), material)
        found: NDArray[np.int64] = self.classes(self.rung.prepare(pile)).cpu().numpy()
        return found

    @torch.inference_mode()
    def classes(self, prepared: torch.Tensor) -> torch.Tensor:
        """(n,) of (n, 1, h, w) images on the device."""
        self.network.eval()
        parts = torch.split(prepared, ASKED_AT_ONCE)
        found = [self.network(part.float()).argmax(1) for part in parts]
        self.network.train()
        return torch.cat(found)

    def steps(self) -> tuple[int, int]:
        counts = [int(state["step"]) for state in self.optimizer.state.values()]
        return self._steps, max(counts, default=0)

    def seen(self, material: Material) -> NDArray[np.int64]:
        n = len(material.labels)
        numbered = self.pile(material.images, np.arange(n), material)
        epoch = self.rung.feed(self.rung, numbered, self.generator())
        counts = np.zeros(n, np.int64)
        left = self._steps
        while left > 0:
            for _, numbers in islice(epoch(), left):
                np.add.at(counts, numbers.cpu().numpy(), 1)
                left -= 1
        return counts

    def flop_an_image(self, material: Material) -> int | None:
        from torch.utils.flop_counter import FlopCounterMode

        images = self.rung.prepare(self.pile(material.images[:8], material.labels[:8], material))
        with FlopCounterMode(display=False) as counter:
            self.network(images.float()).sum().backward()
        self.network.zero_grad()  # and not the optimiser's, where a step writes to those it has
        return int(counter.get_total_flops()) // 8

    def settings(self) -> dict[str, str]:
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else "cpu"
        return {
            "device name": name,
            "threads": str(torch.get_num_threads()),
            "CPU kernels": torch.backends.cpu.get_cpu_capability(),
            "optimiser": type(self.optimizer).__name__,
        }


# What the loop does where a rung says nothing else


def eager_step(loop: Loop) -> Step:
    """Each operation as Python comes to it."""

    def step(images: torch.Tensor, labels: torch.Tensor) -> None:
        loop.optimizer.zero_grad(set_to_none=True)
        logits = loop.network(images)
        smoothing = loop.rung.smoothing
        loss = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        loop.optimizer.step()

    return step


class Batchwise:
    """Batch after batch from Python; where there is a target, until it is seen."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def warm_up(self, noise: Material) -> None:
        """A few steps of every shape."""
        self.run(noise.few(self._loop.rung.batch_size))

    def run(self, material: Material) -> int:
        """Train; how many steps."""
        loop, rung = self._loop, self._loop.rung
        total = rung.steps(len(material.labels))
        pile = loop.pile(material.images, material.labels, material)
        epoch = rung.feed(rung, pile, loop.generator())
        stop = None if rung.target is None else Stop(loop, material, rung.target)
        done = 0
        while done < total:
            for images, labels in islice(epoch(), total - done):
                loop.progress = (done + 0.5) / total
                if rung.rate is not None:
                    set_rate(loop.optimizer, rung.rate(loop.progress))
                loop.step(images, labels)
                done += 1
            if stop is not None and stop.reached():
                break
        return done


class Stop:
    """Reads validation, on the clock."""

    def __init__(self, loop: Loop, material: Material, target: float) -> None:
        images, labels = material.validation_images, material.validation_labels
        self._loop, self._target = loop, target
        pile = loop.pile(images, labels, material)
        self._images, self._labels = loop.rung.prepare(pile), pile.labels.to(pile.device)

    def reached(self) -> bool:
        """Whether validation is at the target."""
        right = self._loop.classes(self._images) == self._labels
        return bool(right.float().mean().item() >= self._target)


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """The learning rate of the next step."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def one_cycle(highest: float, *, up: float, first: float, last: float) -> Callable[[float], float]:
    """A rate that rises and falls once, in two straight lines (Smith, 'Super-Convergence', 2018).

    Args:
        highest: rate.
        up: share of the steps in which it rises.
        first, last: the rate at the beginning and at the end, over the highest.
    """

    def rate(share: float) -> float:
        rising = share < up
        from_, to = (first, 1.0) if rising else (1.0, last)
        part = share / up if rising else (share - up) / (1 - up)
        return highest * (from_ + (to - from_) * part)

    return rate
