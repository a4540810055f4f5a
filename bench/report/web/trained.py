"""What the page needs to train an MLP itself: images that a run has left, and how the runs trained.

``train.js`` trains with the network, optimiser and batch size of the folder's runs, so that its
images a second can stand beside theirs.
"""

from __future__ import annotations

import base64
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.experiment import ADAM, Experiment
from bench.report import wording
from bench.results import images
from bench.results.record import Data, Record
from bench.stats import runs
from models import cost

DROPOUT = 0.2  # of models/mlp_*.py
EPSILON = 1e-7  # Adam's, as of an experiment
BATCH, FEWEST_STEPS = 128, 4  # what is trained in where the runs leave the choice; of an epoch
EPOCHS = 10  # until it stops by itself
MOST_RATES = 8  # of the folder's runs


@dataclass(frozen=True, kw_only=True)
class Rate:
    """How fast the folder's runs trained the same network."""

    name: str
    images_per_s: float  # the median of its runs


@dataclass(frozen=True, kw_only=True)
class Training:
    """What the page trains its own MLP on, and how; ``train.js`` does it."""

    png: str  # images.png in base64
    labels: str
    train: int  # images, the first; the others validate
    columns: int  # of the picture, images
    greys: int
    mean: float
    std: float
    shapes: list[tuple[int, ...]]  # of the kernels
    dropout: float
    batch: int  # images a step
    learning_rate: float  # Adam's
    epsilon: float
    epochs: int
    rates: list[Rate]  # the fastest first
    machine: str  # on which they were measured

    @property
    def asked(self) -> str:
        """The section's first sentence."""
        widths = "-".join(str(shape[0]) for shape in self.shapes)
        alike = ", as the frameworks trained it" if self.rates else ""
        return (
            f"Train an MLP in this browser: {widths}-{self.shapes[-1][-1]}, Adam, batches of "
            f"{self.batch}, dropout {self.dropout:g}{alike}. It sees {self.train:,} training "
            f"images, in {self.greys} greys instead of 256; {len(self.labels) - self.train} images "
            "of the validation set say how well it reads. It answers above, too."
        )

    @property
    def doubts(self) -> str:
        """What the numbers are not."""
        beside = (
            f"The frameworks' numbers are those of this folder's runs, in batches of {self.batch}, "
            f"on {self.machine}; the browser's is of one thread, on the machine that shows this "
            "page. "
            if self.rates
            else ""
        )
        return (
            f"{beside}The first two batches and validation are not counted. The page's forward and "
            "backward pass are plain JavaScript, and are held against the same float64 referee "
            "with the same tolerances as the frameworks."
        )


def training(sample: images.Sample, data: Data, records: Sequence[Record]) -> Training:
    """How the page trains on a sample.

    Args:
        sample: images that a run has left.
        data: the data set they are of.
        records: of runs on it, of any network.
    """
    mlps = [r for r in records if r.experiment.architecture == "mlp" and not r.experiment.native]
    measured = [record for record in mlps if runs.throughput_images_per_s(record) is not None]
    batch = _batch_size(sample, measured)
    alike = [record for record in measured if record.experiment.batch_size == batch]
    machines = dict.fromkeys(wording.machine(runs.host(record.machine)) for record in alike)
    layers = cost.layers("mlp", len(data.class_names)) or ()
    return Training(
        png=base64.b64encode(sample.png).decode(),
        labels=sample.origin.labels,
        train=sample.origin.train,
        columns=images.COLUMNS,
        greys=images.GREYS,
        mean=data.pixel_mean,
        std=data.pixel_std,
        shapes=[(layer.inputs, layer.outputs) for layer in layers],
        dropout=DROPOUT,
        batch=batch,
        learning_rate=ADAM.learning_rate,
        epsilon=EPSILON,
        epochs=EPOCHS,
        rates=_rates(alike)[:MOST_RATES],
        machine=" and ".join(machines),
    )


def _batch_size(sample: images.Sample, records: Sequence[Record]) -> int:
    """The batch size of the runs that is nearest to BATCH, if an epoch here has a few of them."""
    sizes = {record.experiment.batch_size for record in records}
    few = [size for size in sizes if size <= sample.origin.train // FEWEST_STEPS]
    return min(few, key=lambda size: (abs(math.log(size / BATCH)), size), default=BATCH)


def _rates(records: Sequence[Record]) -> list[Rate]:
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(_name(record.experiment), []).append(record)
    rates = [_rate(name, of_name) for name, of_name in by_name.items()]
    return sorted(rates, key=lambda each: -each.images_per_s)


def _rate(name: str, records: Sequence[Record]) -> Rate:
    """Of the runs that no other program disturbed; where there is none, of all, and says so."""
    calm = [record for record in records if not record.disturbed]
    measured = filter(None, map(runs.throughput_images_per_s, calm or records))
    said = name if calm else f"{name}, disturbed"
    return Rate(name=said, images_per_s=statistics.median(measured))


def _name(experiment: Experiment) -> str:
    """'pytorch eager', and what else is unusual: 'pytorch compiled, CUDA, tf32'."""
    device = () if experiment.device == "cpu" else ("device",)
    conditions = wording.heading_conditions(experiment, device)
    return ", ".join(filter(None, (wording.framework(experiment), conditions)))
