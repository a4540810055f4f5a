"""PyTorch on graphs: every image becomes a graph of superpixels before the network sees it.

The graphs of training images are built by ``transfer`` and those of validation images by
``warm_up_predictions``, off the training clock, in parallel, and kept in the cache folder: the
first run of a data set pays for them, in its record's transfer. Those of test images are built
when ``logits`` is first asked for them, inside the evaluation. ``infer`` builds them on the
spot and never looks into the cache, since an answer begins with pixels: latency and inference
throughput are mostly SLIC's.

Training itself is PyTorch's as of any network: ``GraphStore`` is indexed as images are.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import models
from bench.saved_models import Card
from bench.trainers import EVALUATION_BATCH_SIZE, FrameworkMissing, Images, Logits, Setup, Weights
from bench.trainers.batches import evaluation_batches, inference_batches
from bench.trainers.pytorch import PyTorchTrainer
from datasets import superpixels
from datasets.graph_cache import graphs_of
from datasets.superpixels import NEIGHBOURS, Graphs
from models import weights_pytorch
from models.graphs_pytorch import GraphStore

PACKAGES = ("torch_geometric", "skimage")
CPU = torch.device("cpu")
# Graphs a CPU answers at once: what lies between the layers then stays in its cache, which made
# 10,000 answers twice as fast as batches of 1,024.
CPU_BATCH_SIZE = 128


def create(setup: Setup) -> PyTorchTrainer:
    """A trainer of a graph network; raises FrameworkMissing where a package is not there."""
    check_packages()
    return PyTorchGraphTrainer(setup)


def network(card: Card, weights: Weights) -> GraphClassifier:
    """A saved graph network, for ``bench.networks``.

    Raises FrameworkMissing where a package is not there, ValueError on another's weights.
    """
    check_packages()
    built: nn.Module = models.load(card.architecture, "pytorch").build(len(card.class_names))
    weights_pytorch.load(built, weights)
    return GraphClassifier(built, pixel_mean=card.pixel_mean, pixel_std=card.pixel_std)


def check_packages() -> None:
    """Raise FrameworkMissing, saying how to install them, where graphs cannot be computed on."""
    absent = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if absent:
        raise FrameworkMissing(
            f"architecture gnn needs PyTorch Geometric and scikit-image; {' and '.join(absent)} "
            f"cannot be imported here. Install both with: {superpixels.INSTALL}"
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
    return GraphStore(graphs.nodes, graphs.offsets, graphs.neighbours, device)


class PyTorchGraphTrainer(PyTorchTrainer):
    """See ``bench.trainers.Trainer``."""

    def transfer(self) -> None:
        self._graphs = graphs_of(self._pixels(self._setup.train_images))
        self._take(self._graphs)
        self._train_labels = torch.from_numpy(self._setup.train_labels).to(self._device)

    def renew(self, images: Images) -> None:
        """Slow: the graphs of all images are built anew, and kept nowhere."""
        self._take(superpixels.build(self._pixels(images)))

    def _take(self, graphs: Graphs) -> None:
        # Indexed, and asked for its length, as a tensor of images is; no more is done with it.
        self._train_images = store(graphs, self._device)  # type: ignore[assignment]

    def warm_up_predictions(self) -> None:
        validation = graphs_of(self._pixels(self._setup.validation_images))
        with self._ending_as_it_began():
            for images in evaluation_batches(self._setup):  # validation images, some repeated
                self._answer(validation.select(np.arange(len(images)) % len(validation)))
            for images in inference_batches(self._setup):
                self.infer(images)

    def logits(self, images: Images) -> Logits:
        return self._answer(graphs_of(self._pixels(images)))

    def infer(self, images: Images) -> Logits:
        return self._answer(superpixels.build(self._pixels(images)))

    @torch.inference_mode()
    def _answer(self, graphs: Graphs) -> Logits:
        self._evaluating()
        with self._precision():
            return _in_batches(self._network, store(graphs, self._device))

    def _pixels(self, images: Images) -> NDArray[np.uint8]:
        return pixels(images, mean=self._setup.pixel_mean, std=self._setup.pixel_std)

    def settings(self) -> dict[str, str]:
        nodes = len(self._graphs.nodes) / len(self._graphs)
        return super().settings() | {
            "graphs": f"{nodes:.1f} nodes and {nodes * NEIGHBOURS:.0f} edges on average"
        }


class GraphClassifier:
    """See ``bench.networks.Network``. Every answer builds its graphs; none is cached."""

    def __init__(self, network: nn.Module, *, pixel_mean: float, pixel_std: float) -> None:
        self._network: Any = network.eval()  # a models.gnn_pytorch.GraphNetwork
        self._pixel_mean = pixel_mean
        self._pixel_std = pixel_std

    def logits(self, images: Images) -> Logits:
        return _in_batches(self._network, self._store(images))

    def infer(self, images: Images) -> Logits:
        return _in_batches(self._network, self._store(images))

    def features(self, images: Images) -> NDArray[np.float32]:
        return _in_batches(self._network.features, self._store(images))

    def _store(self, images: Images) -> GraphStore:
        shown = pixels(images, mean=self._pixel_mean, std=self._pixel_std)
        return store(superpixels.build(shown), CPU)


@torch.inference_mode()
def _in_batches(forward: Any, graphs: GraphStore) -> NDArray[np.float32]:
    """What ``forward`` makes of all graphs, on the host."""
    every = torch.arange(len(graphs), device=graphs.device)
    size = CPU_BATCH_SIZE if graphs.device.type == "cpu" else EVALUATION_BATCH_SIZE
    batches = [forward(graphs[some]) for some in torch.split(every, size)]
    return torch.cat(batches).float().cpu().numpy()
