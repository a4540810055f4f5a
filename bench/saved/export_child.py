"""Inside a process of the export: convert saved models to ONNX, or compare and time them.

``python -m bench.saved.export_child``, started by ``bench.saved.export``. A process converts in the
framework that can (Keras on its torch backend), or compares in the framework that trained.

Whether an exported network says what the framework's own says: both compute in float32, in
another order, so their logits may be as far apart as a framework's from the referee's. The
tolerance is that of ``bench.checks.certify``. Measured on the 10,000 test images of MNIST, a CPU:
at most 4e-7 (MLP, CNN and ensemble; PyTorch, Keras on TensorFlow and on JAX); allowed are 4e-6. A
single weight that is wrong by a hundredth showed at 9e-5 to 6e-3 in the single networks and at 8e-6
in the ensemble of 16, unless the unit behind it is never active.

No image may be told otherwise. Rounding alone could do that to an image whose two largest logits
are no further apart than the deviation, 1e-5 where they mostly are some 10 apart: one in a million.

The two are timed in turn, in one process, so that both see the same machine. As
``bench.run.measure`` samples the inference of a trainer, but the sampling is cut into rounds, and
in each round the one network is asked, then the other: A B A B. A machine that slows down slows
both, and the ratio of a round is free of it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import numpy as np

import datasets
from bench import UsageError
from bench.machine import hardware
from bench.machine.clock import Clock, endless_batches, seconds_of_calls
from bench.results.card import Card
from bench.results.evidence import Check, Export, ExportRound
from bench.results.models import read_card, sha256
from bench.results.record import Inference, Machine
from bench.run import versions
from bench.run.processes import Parent
from bench.saved.asking import answer_each
from bench.saved.model import load
from bench.stats import tolerances
from bench.stats.tolerances import deviation
from bench.trainers import EVALUATION_BATCH_SIZE, FRAMEWORKS, Images, Logits, Network

ROUNDS = 10
# The threads of a framework wait for more work in a busy loop before they sleep, some 10 ms:
# within that time they would take processors from the network that is asked next.
PAUSE_S = 0.05


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """One model to be converted, or to be compared."""

    model: str  # the saved model's file
    onnx: str  # the exported one's, to be written or read


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """What a process is told; it answers for each model, in their order."""

    work: Literal["convert", "compare"]
    models: tuple[ModelFiles, ...]
    machine: Machine  # as the parent saw it
    data_folder: str  # of arrays cached by datasets.prepare; all models are of these
    threads: int | None = None  # as of Experiment.threads


Work = Callable[[ModelFiles, ExportRequest], Export | None]


def main() -> int:
    """Do the work on every model of the request; answer each as soon as it is done."""
    parent = Parent()
    request = parent.request(ExportRequest)
    hardware.confine(request.threads)  # before a framework is imported
    work: Work = convert if request.work == "convert" else examine
    answer_each(parent, request.models, lambda files: work(files, request))
    return 0


# Convert


def convert(files: ModelFiles, request: ExportRequest) -> None:
    """Write the ONNX file of one saved model."""
    from bench.saved import export_torch  # late: after the processors are limited

    model = Path(files.model)
    card = read_card(model)
    export_torch.write(export_torch.restore(model, card), card, Path(files.onnx))


# Compare and time


class NotNumbers(UsageError):
    """Logits that are not finite: nothing can be said of them."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The logits of one network beside those of another."""

    absolute_deviation: float  # the largest difference of a logit
    logits: Check  # the largest difference over the largest logit of the framework's own
    differing: int  # images whose largest logit is that of another class


def compare(own: Logits, exported: Logits) -> Comparison:
    """Set (n, classes) logits of the same images side by side.

    Raises NotNumbers where one is not finite, ValueError where the shapes differ.
    """
    for name, logits in (("framework", own), ("ONNX Runtime", exported)):
        if not np.isfinite(logits).all():
            raise NotNumbers(f"logits of the {name} are not finite numbers")
    allowed = tolerances.of("logits", "fp32")
    return Comparison(
        absolute_deviation=float(np.max(np.abs(exported.astype(np.float64) - own))),
        logits=Check(
            quantity="logits",
            deviation=deviation(exported, own),
            tolerance=allowed.value,
            reason=allowed.reason,
        ),
        differing=int((own.argmax(axis=1) != exported.argmax(axis=1)).sum()),
    )


def measure(
    own: Network,
    exported: Network,
    images: Images,
    *,
    clock: Clock = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[ExportRound, ...]:
    """Rounds at a large batch, then rounds of one image at a time.

    Args:
        own, exported: the networks.
        images: (n, 28, 28) float32, normalised, to ask with.
        clock, sleep: of the process.
    """
    rounds: list[ExportRound] = []
    for size in (min(EVALUATION_BATCH_SIZE, len(images)), 1):
        batches = endless_batches(images, size)
        for _ in range(ROUNDS):
            turns: list[Inference] = []
            for network in (own, exported):
                sleep(PAUSE_S)
                samples_s = seconds_of_calls(network.infer, batches, clock, share=ROUNDS)
                turns.append(Inference(batch_size=size, samples_s=samples_s))
            rounds.append(ExportRound(own=turns[0], exported=turns[1]))
    return tuple(rounds)


def examine(files: ModelFiles, request: ExportRequest) -> Export:
    """Compare the logits of all test images, then time both networks in turn.

    Raises SavedModelError where a file cannot be used, NotNumbers where logits are not finite.
    """
    model, onnx_file = Path(files.model), Path(files.onnx)
    own = load(model)
    data = datasets.open_cached(Path(request.data_folder))
    _check_classes(own.card, data, model)
    from bench.saved import onnx  # late: after the framework, whose threads come first

    exported = onnx.restore(onnx_file)
    images = datasets.normalise(data.test.images, mean=own.card.pixel_mean, std=own.card.pixel_std)
    comparison = compare(own.network.logits(images), exported.logits(images))
    record = own.card.record
    return Export(
        run_id=record.run_id,
        experiment=record.experiment,
        seed=record.seed,
        # As a saved model is loaded, whatever execution trained it: the framework's default.
        own=f"{own.framework} {FRAMEWORKS[own.framework].default}",
        model_sha256=sha256(model),
        onnx_sha256=sha256(onnx_file),
        opset=_opset(onnx_file),
        versions=versions.installed((*FRAMEWORKS[own.framework].packages, "onnx", "onnxruntime")),
        threads=exported.threads,
        images=len(images),
        images_fingerprint=data.fingerprint,
        **vars(comparison),
        rounds=measure(own.network, exported, images),
        machine=request.machine,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _check_classes(card: Card, data: datasets.Dataset, model: Path) -> None:
    if card.class_names != data.class_names:
        raise UsageError(
            f"{model} is for {card.task} with the classes {' '.join(card.class_names)}; the images "
            f"are {data.task} with {' '.join(data.class_names)}: give it those of its own task"
        )


def _opset(onnx_file: Path) -> int:
    import onnx

    model = onnx.load(onnx_file, load_external_data=False)
    return next(int(s.version) for s in model.opset_import if s.domain in ("", "ai.onnx"))


if __name__ == "__main__":
    sys.exit(main())
