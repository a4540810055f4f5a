"""PyTorch on graphs: every image becomes a graph of superpixels before the network sees it.

The graphs of training images are built by ``transfer`` and those of validation images by
``warm_up_predictions``, off the training clock, in parallel, and kept in the cache folder: the
first run of a data set pays for them, in its record's transfer. Those of test images are built
when ``logits`` is first asked for them, inside the evaluation. ``infer`` builds them on the
spot and never looks into the cache, since an answer begins with pixels: latency and inference
throughput are mostly SLIC's. A saved network does so for every answer.

Training itself is PyTorch's as of any network: ``GraphStore`` is indexed as images are.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from bench.trainers import EVALUATION_BATCH_SIZE, FrameworkMissing, Images, Logits, Network, Setup
from bench.trainers.batches import evaluation_batches, inference_batches
from bench.trainers.pytorch import Forward, PyTorchNetwork, PyTorchTrainer, restore_module
from datasets import superpixels
from datasets.superpixels import NEIGHBOURS, Graphs, graphs_of

if TYPE_CHECKING:
    from bench.results.card import Card
    from models.gnn_pytorch import GraphStore

PACKAGES = ("torch_geometric", "skimage")
# Graphs a CPU answers at once: what lies between the layers then stays in its cache, which made
# 10,000 answers twice as fast as batches of 1,024.
CPU_BATCH_SIZE = 128


def create(setup: Setup) -> PyTorchTrainer:
    """A trainer of a graph network; raises FrameworkMissing where a package is not there."""
    check_packages()
    return PyTorchGraphTrainer(setup)


def restore(path: Path, card: Card) -> Network:
    """A saved graph network, on the CPU.

    Raises FrameworkMissing where a package is not there, ValueError on another's weights.
    """
    check_packages()
    return GraphNetwork(
        restore_module(path, card).eval(),
        torch.device("cpu"),
        in_bfloat16=False,
        pixel_mean=card.pixel_mean,
        pixel_std=card.pixel_std,
    )


def check_packages() -> None:
    """Raise FrameworkMissing, saying how to install them, where graphs cannot be computed on."""
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        raise FrameworkMissing(
            f"architecture gnn needs PyTorch Geometric and scikit-image; {' and '.join(absent)} "
            f"cannot be imported here. Install both {superpixels.INSTALL}"
        )


def pixels(images: Images, *, mean: float, std: float) -> NDArray[np.uint8]:
    """The bytes that images were normalised from, exactly: the inverse of ``normalise``.

    float32 errs by less than a thousandth of a byte's step here, so that rounding meets the byte.
    Raises ValueError where the images were not normalised by this mean and deviation.
    """
    values = np.rint((images * np.float32(std) + np.float32(mean)) * np.float32(255))
    if values.min() < 0 or values.max() > 255:
        raise ValueError(
            f"pixels from {values.min():g} to {values.max():g}, wanted 0 to 255: the images were "
            f"not normalised by a mean of {mean:g} and a deviation of {std:g}"
        )
    return np.asarray(values, np.uint8)


def store(graphs: Graphs, device: torch.device) -> GraphStore:
    """The graphs as tensors on a device."""
    from models.gnn_pytorch import GraphStore  # late: it imports PyTorch Geometric

    return GraphStore(graphs.nodes, graphs.offsets, graphs.neighbours, device)


class GraphNetwork(PyTorchNetwork):
    """See ``bench.trainers.Network``. Every answer builds its graphs; none is cached."""

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        *,
        in_bfloat16: bool,
        pixel_mean: float,
        pixel_std: float,
    ) -> None:
        super().__init__(network, device, in_bfloat16=in_bfloat16)
        self._pixel_mean, self._pixel_std = pixel_mean, pixel_std

    def infer(self, images: Images) -> Logits:
        return self.logits(images)

    def pixels(self, images: Images) -> NDArray[np.uint8]:
        """See ``pixels``."""
        return pixels(images, mean=self._pixel_mean, std=self._pixel_std)

    def _in_batches(self, forward: Forward, images: Images) -> NDArray[np.float32]:
        return self._of(superpixels.build(self.pixels(images)), forward)

    def logits_of(self, graphs: Graphs) -> Logits:
        """(n, classes) of graphs that are built already."""
        return self._of(graphs, self._forward)

    @torch.inference_mode()
    def _of(self, graphs: Graphs, forward: Forward) -> NDArray[np.float32]:
        self._evaluating()
        on_device = store(graphs, self._device)
        rows = torch.arange(len(graphs), device=self._device)
        size = CPU_BATCH_SIZE if self._device.type == "cpu" else EVALUATION_BATCH_SIZE
        with self.precision():
            batches = [forward(on_device[batch]) for batch in torch.split(rows, size)]
        return torch.cat(batches).float().cpu().numpy()


class PyTorchGraphTrainer(PyTorchTrainer):
    """See ``bench.trainers.Trainer``."""

    _classifier: GraphNetwork

    def _new_classifier(self) -> GraphNetwork:
        setup = self._setup
        return GraphNetwork(
            self._network,
            self._device,
            in_bfloat16=setup.experiment.precision == "bf16",
            pixel_mean=setup.pixel_mean,
            pixel_std=setup.pixel_std,
        )

    def transfer(self) -> None:
        self._graphs = graphs_of(self._classifier.pixels(self._setup.train_images))
        self._take(self._graphs)
        self._train_labels = torch.from_numpy(self._setup.train_labels).to(self._device)

    def renew(self, images: Images) -> None:
        """Slow: the graphs of all images are built anew, and kept nowhere."""
        self._take(superpixels.build(self._classifier.pixels(images)))

    def _take(self, graphs: Graphs) -> None:
        # Indexed, and asked for its length, as a tensor of images is; no more is done with it.
        self._train_images = store(graphs, self._device)  # type: ignore[assignment]

    def warm_up_predictions(self) -> None:
        validation = graphs_of(self._classifier.pixels(self._setup.validation_images))
        with self._ending_as_it_began():
            for images in evaluation_batches(self._setup):  # validation images, some repeated
                rows = np.arange(len(images)) % len(validation)
                self._classifier.logits_of(validation.select(rows))
            for images in inference_batches(self._setup):
                self.infer(images)

    def logits(self, images: Images) -> Logits:
        return self._classifier.logits_of(graphs_of(self._classifier.pixels(images)))

    def settings(self) -> dict[str, str]:
        nodes = len(self._graphs.nodes) / len(self._graphs)
        return super().settings() | {
            "graphs": f"{nodes:.1f} nodes and {nodes * NEIGHBOURS:.0f} edges on average"
        }
