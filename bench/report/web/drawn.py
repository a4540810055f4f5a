"""What the page needs to read a digit drawn by hand: the folder's best MLP and CNN, made small.

Each kernel is rounded to whole numbers up to LEVELS times one scale an output, and these are packed
by Huffman's code, to 5.6 bits a weight of a trained network and 6 at most. So both networks take
0.9 MB of the page; as float16 they would take 2.4. Biases and scales are float32.

Measured with networks of one epoch on the 10,000 test digits of MNIST, beside their exact weights:

    largest whole number    other answers    largest change of a probability    bytes in base64
    7    of the MLP         44               0.18                                401,000
    31   of the MLP          9               0.04                                639,000
    31   of the CNN          6               0.05                                211,000
    127  of the MLP          4               0.01                                865,000
    float16, either          0               0.0005                            2,386,000, both
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.report import wording
from bench.report.web.trained import Training, training
from bench.results import images
from bench.results.card import Card, SavedModelError
from bench.results.folder import Results
from bench.results.keras_weights import read_keras_weights
from bench.results.models import read_card, read_weights
from bench.results.record import Record
from datasets import mnist_form
from models import cost
from models.weights import Arrays

ARCHITECTURES = ("mlp", "cnn")  # that the page can run, in the order in which it shows them
LEVELS = 31
UNREAD = (
    "Models that Keras saved are not among them: h5py, which reads their weights, is not installed "
    "where this page was made."
)
ROUNDED = (
    f"To keep this page small, the weights are rounded to {2 * LEVELS + 1} values an output, which "
    "predict does not do. For an MLP and a CNN after one epoch on MNIST this changed 15 of 20,000 "
    "answers, and no probability by more than 6 points."
)


@dataclass(frozen=True, kw_only=True)
class Small:
    """One network as the page's ``networks.js`` unpacks it."""

    architecture: str
    title: str
    run_id: str
    mean: float
    std: float
    shapes: list[tuple[int, ...]]  # of the kernels, in layer order, in the neutral layout
    codes: str  # int8 of all kernels, deflated, in base64
    numbers: str  # float32 in base64: of each layer the scale of each output, then its bias


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The networks of one task, images to train one on, or both."""

    task: str
    form: mnist_form.Form
    labels: tuple[str, ...]
    networks: list[Small]
    drawn: bool  # whether they were trained on drawn glyphs
    training: Training | None = None
    unread: bool = False  # whether models of Keras could not be read

    @property
    def what(self) -> str:
        """What is to be drawn."""
        return {"digits": "digit", "letters": "letter"}.get(self.task, "character")

    @property
    def asked(self) -> str:
        """The section's first sentence."""
        draw = f"Draw one {self.what} with mouse, pen or finger."
        if not self.networks:
            return f"{draw} The network that you train below answers."
        names = " and ".join(wording.architecture(each.architecture) for each in self.networks)
        answer = "answers" if len(self.networks) == 1 else "answer"
        return (
            f"{draw} The best saved {names} of this folder {answer} while you draw, in plain "
            "JavaScript."
        )

    @property
    def doubts(self) -> str:
        """What the answers are not."""
        return " ".join(
            sentence
            for sentence, said in (
                ("They were trained on drawn glyphs, not on handwriting.", self.drawn),
                (ROUNDED, self.networks),
                (UNREAD, self.unread),
            )
            if said
        )


def drawing(results: Results, records: Sequence[Record]) -> Drawing | None:
    """What is embedded of a folder; None where it has no saved model that the page can run, and no
    images to train one on.

    The task is the one with most networks, of several that of the images to train on. Models that
    cannot be read are passed over: ``predict`` says what is wrong with them. Raises ResultsError
    where ``images.png`` cannot be read.
    """
    candidates: dict[str, list[tuple[Record, Path]]] = {}
    unread = False
    for record in filter(_is_runnable, records):
        for ending in (".safetensors", ".keras"):
            path = results.model_path(record.run_id, ending)
            if not path.is_file():
                continue
            if ending == ".keras" and find_spec("h5py") is None:
                unread = True
                continue
            candidates.setdefault(record.data.task, []).append((record, path))
    of_images = _of_images(results, records)
    drawings = [made for of_task in candidates.values() if (made := _of_task(of_task)) is not None]
    trainable = of_images.task if of_images else None
    best = max(
        drawings, key=lambda each: (len(each.networks), each.task == trainable), default=of_images
    )
    if best is None:
        return None
    same = of_images if of_images and of_images.task == best.task else None
    return replace(best, training=same.training if same else None, unread=unread)


def _is_runnable(record: Record) -> bool:
    """Whether the page has the layers of its network and the preparation of its images."""
    form = mnist_form.form_of(record.data.task, record.data.source)
    return (
        record.status == "ok"
        and record.experiment.architecture in ARCHITECTURES
        and form != "whole"
    )


def _accuracy(record: Record) -> float:
    """The best on the validation set, which chose the weights that were saved."""
    evaluations = record.measurement.evaluations if record.measurement else ()
    return max((each.accuracy for each in evaluations), default=0.0)


def _of_task(candidates: Iterable[tuple[Record, Path]]) -> Drawing | None:
    best: dict[str, tuple[Card, Small]] = {}
    for record, path in sorted(candidates, key=lambda each: (-_accuracy(each[0]), each[0].run_id)):
        architecture = record.experiment.architecture
        if architecture in best:
            continue
        try:
            card = read_card(path)
            if card.record.run_id != record.run_id:
                continue
            best[architecture] = card, small(card, weights(path, card))
        except (SavedModelError, ValueError):
            continue
    if not best:
        return None
    networks = [best[name] for name in ARCHITECTURES if name in best]
    card = networks[0][0]
    same = [made for each, made in networks if each.class_names == card.class_names]
    return Drawing(
        task=card.task,
        form=mnist_form.form_of(card.task, card.record.data.source),
        labels=card.class_names,
        networks=same,
        drawn=card.record.data.drawn,
    )


def _of_images(results: Results, records: Sequence[Record]) -> Drawing | None:
    """A sheet without networks, and the images that a run has left; None where there are none.

    They must be of data that a record speaks of, which knows how they are normalised.
    """
    sample = images.read(results)
    if sample is None:
        return None
    own = [record for record in records if images.are_of(sample, record.data)]
    if not own:
        return None
    data = own[0].data
    return Drawing(
        task=data.task,
        form=mnist_form.form_of(data.task, data.source),
        labels=data.class_names,
        networks=[],
        drawn=data.drawn,
        training=training(sample, data, own),
    )


# Networks made small


def weights(path: Path, card: Card) -> Arrays:
    """The weights of a saved MLP or CNN. Raises as ``read_weights``."""
    like = {}
    for layer in cost.layers(card.architecture, len(card.class_names)) or ():
        shape: tuple[int, ...]
        if isinstance(layer, cost.Convolution):
            shape = (layer.kernel, layer.kernel, layer.channels, layer.filters)
        else:
            shape = (layer.inputs, layer.outputs)
        like[f"{layer.name}/kernel"] = np.empty(shape, np.float32)
        like[f"{layer.name}/bias"] = np.empty(shape[-1:], np.float32)
    return (read_keras_weights if path.suffix == ".keras" else read_weights)(path, like)


def small(card: Card, exact: Arrays) -> Small:
    """A network with its kernels rounded."""
    codes, numbers, shapes = [], [], []
    for name, kernel in exact.items():
        if name.endswith("/kernel"):
            whole, scales = rounded(kernel, LEVELS)
            codes.append(whole.tobytes())
            numbers += [scales.tobytes(), exact[name.replace("kernel", "bias")].tobytes()]
            shapes.append(kernel.shape)
    experiment = card.record.experiment
    return Small(
        architecture=card.architecture,
        title=f"{wording.architecture(card.architecture)}, {wording.framework(experiment)}",
        run_id=card.record.run_id,
        mean=card.pixel_mean,
        std=card.pixel_std,
        shapes=shapes,
        codes=base64.b64encode(packed(b"".join(codes))).decode(),
        numbers=base64.b64encode(b"".join(numbers)).decode(),
    )


def packed(codes: bytes) -> bytes:
    """Deflated by Huffman's code alone: weights do not repeat, and looking for it costs a tenth."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    return packer.compress(codes) + packer.flush()


def rounded(
    kernel: NDArray[np.float32], levels: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers up to ±levels, and of each output, the last axis, the scale that they have."""
    largest = np.abs(kernel).reshape(-1, kernel.shape[-1]).max(axis=0)
    scales = np.where(largest > 0, largest / np.float32(levels), np.float32(1))
    return np.rint(kernel / scales).astype(np.int8), scales.astype(np.float32)
