"""What a run leaves: one immutable record, as versioned JSON. Raw values only.

Whatever can be computed from these (throughput, time to accuracy, percentiles) is computed
on reading, in ``bench.stats.runs``. Seconds are of a monotonic clock read after the device was
synchronised; bytes are bytes; accuracies are fractions.

Schema version 2 is the first released; early records of it count predictions' warm-up as warm-up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from bench.experiment import Experiment, Run
from bench.results.observed import Dispatch as Dispatch
from bench.results.observed import Energy as Energy
from bench.results.observed import GpuSamples as GpuSamples
from bench.results.observed import Pulse as Pulse
from bench.results.observed import Recheck as Recheck
from bench.results.observed import Rehearsal as Rehearsal
from bench.results.sound import RecordError, parse, problems, with_checksum

SCHEMA_VERSION = 2
# of the processors' time, by other programs; or of the GPU's, by heat: then it is run again
DISTURBED = 0.10

Status = Literal[
    "ok",
    "failed",  # an error inside the run
    "crashed",  # the process ended without a word
    "out of memory",  # of the machine or of the device
    "diverged",  # the training loss is no longer a number
    "timed out",
    "not installed",  # the framework, or its support for the device
]


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One CUDA device as the driver describes it."""

    name: str
    memory_bytes: int | None  # None where the driver does not say
    driver: str
    uuid: str | None = None  # by which CUDA is told to use this one
    compute_capability: tuple[int, int] | None = None  # (8, 0) of an A100; None: not told


@dataclass(frozen=True, kw_only=True)
class Machine:
    """The hardware and system a run was measured on."""

    cpu: str  # the processor's model name
    cores: int  # logical processors this process may use
    memory_bytes: int
    system: str  # such as 'Linux 6.1 x86_64'
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Data:
    """The images a run was measured on."""

    task: str
    source: str
    drawn: bool  # True: drawn by the project itself, not real handwriting
    fingerprint: str  # SHA-256 over all images and labels in their order, hex
    class_names: tuple[str, ...]
    train_images: int
    validation_images: int
    test_images: int
    duplicates_removed: int  # exact duplicates dropped before splitting
    pixel_mean: float  # of the training images, on the scale 0..1
    pixel_std: float
    reading: tuple[str, ...] = ()  # how a user's own files were read: sentences

    @property
    def drawn_images(self) -> int | None:
        """How many had to be drawn for these, duplicates among them; None: they are real."""
        images = self.train_images + self.validation_images + self.test_images
        return images + self.duplicates_removed if self.drawn else None


@dataclass(frozen=True, kw_only=True)
class Phases:
    """Seconds of each phase of a run, apart. None: the phase did not happen."""

    import_s: float  # the framework's packages, and its device looked for
    data_s: float  # opening the images, splitting and normalising them
    build_s: float  # network and optimiser
    transfer_s: float  # data to the device, where the framework keeps it there
    warm_up_s: float  # first training steps: compilation and autotuning
    train_s: float  # all optimiser steps after the warm-up
    prediction_warm_up_s: float | None = None  # the same for evaluation and inference
    evaluation_s: float | None = None  # validation and test
    checkpoint_s: float | None = None  # copying the best weights and writing them
    inference_s: float | None = None  # measuring inference throughput and latency
    start_s: float | None = None  # from the start of the process to the import: before all others
    energy_s: float | None = None  # training on, after everything else, to measure energy
    sustained_s: float | None = None  # training on until it lasts, on fast devices
    dispatch_s: float | None = None  # giving such a device a few steps, to see whether it waits
    augmentation_s: float | None = None  # distorting the training images, epoch by epoch
    rehearsal_s: float | None = None  # steps and exchanges of several replicas, timed apart


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of training between two readings of the clock."""

    images: int
    steps: int
    train_s: float
    train_loss: float  # mean per image over the stretch, of the changing model


@dataclass(frozen=True, kw_only=True)
class Sustained:
    """Training on without a stop, where the stretches are too short for a device's throughput."""

    calls: int  # of train() on the same images, between two readings of the clock
    images: int
    steps: int
    train_s: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The validation set read once, off the training clock."""

    images_seen: int  # training images since the start
    train_s: float  # training seconds since the start
    accuracy: float
    loss: float  # mean cross-entropy per image, natural logarithm
    evaluation_s: float
    # of a sample of the training images, undistorted, dropout off; None: not read
    training_accuracy: float | None = None
    training_loss: float | None = None


@dataclass(frozen=True, kw_only=True)
class Test:
    """The test set, read once, with the weights of the lowest validation loss."""

    __test__ = False  # not a pytest class

    evaluation: int  # index into Measurement.evaluations of the checkpoint used
    correct: int
    images: int
    loss: float
    wrong: tuple[int, ...] | None = None  # indices of the test images got wrong; None: not kept
    reads: int = 1  # how often the test set was opened in the run


@dataclass(frozen=True, kw_only=True)
class Inference:
    """One network asked again and again, from host memory to host memory."""

    batch_size: int
    samples_s: tuple[float, ...]  # seconds of each call, in order, warm-up left out


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """All that was measured in a run that ended well."""

    phases: Phases
    parameter_count: int
    segments: tuple[Segment, ...]
    evaluations: tuple[Evaluation, ...] = ()  # empty where the goal is throughput
    test: Test | None = None
    inference: tuple[Inference, ...] = ()  # large batch, then batch 1
    peak_process_memory_bytes: int | None = None
    peak_device_memory_bytes: int | None = None  # while it trained
    resident_device_memory_bytes: int | None = None  # of it the data: what transfer() took
    sustained: Sustained | None = None  # None: the stretches of training are long enough
    gpu: GpuSamples | None = None  # None: no GPU trained
    dispatch: Dispatch | None = None  # None: train() itself waits, or the device is the CPU
    energy: Energy | None = None  # None: not asked for
    steps_counted: int | None = None  # of all segments, by the optimiser; None: by no one
    recheck: Recheck | None = None  # None: not made
    rehearsal: Rehearsal | None = None  # None: not of replicas
    # of the processors' time while it trained and was evaluated, by others; None: not counted
    others_share: float | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one run leaves, whether it ended well or not."""

    run_id: str
    experiment: Experiment
    seed: int
    status: Status
    reason: str | None = None  # why it did not end well; None when it did
    started_at: str  # UTC, ISO 8601
    wall_s: float  # from the start of the process to its record
    machine: Machine
    versions: dict[str, str]  # 'python' and the framework's packages -> version
    data: Data
    settings: dict[str, str] = field(default_factory=dict)  # as read back inside the run
    measurement: Measurement | None = None
    pulse: Pulse | None = None  # taken by the scheduler before the run; None: not taken
    position: int | None = None  # its turn among the runs of its seed, drawn from it
    tries: int = 1  # how often it was run: while others disturbed it; the last is kept
    schema_version: int = SCHEMA_VERSION

    @property
    def run(self) -> Run:
        """The run this is the record of."""
        return Run(experiment=self.experiment, seed=self.seed, position=self.position)

    @property
    def others_share(self) -> float:
        """What others took of the processors meanwhile, 0..1; 0 where it was not counted."""
        return (self.measurement.others_share if self.measurement else None) or 0.0

    @property
    def throttled_share(self) -> float:
        """The part of its training in which heat held the GPU back, 0..1; 0 without a GPU."""
        gpu = self.measurement.gpu if self.measurement else None
        return gpu.throttled_share if gpu else 0.0

    @property
    def disturbed(self) -> bool:
        """Whether either was so much that its seconds are not those of a quiet, cool machine."""
        return max(self.others_share, self.throttled_share) > DISTURBED


def encode(record: object) -> bytes:
    """Indented JSON of a record of any kind, with a checksum; not-a-number becomes null."""
    return with_checksum(msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def decode(content: bytes, path: Path) -> Record:
    """Read a record, and check its types, its ranges and its checksum.

    Raises RecordError naming ``path`` where it is no record, or of another schema version.
    """
    version = parse(content, path, _Versioned, "a record").schema_version
    if version != SCHEMA_VERSION:
        raise RecordError(
            f"{path}: schema version {version}, wanted {SCHEMA_VERSION}; "
            "read it with the version of the project that wrote it"
        )
    record = parse(content, path, Record, "a record")
    for problem in problems(record):
        raise RecordError(f"{path}: this cannot be a record: {problem}")
    return record


class _Versioned(msgspec.Struct):
    schema_version: int
