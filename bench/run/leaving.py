"""What a run leaves on the disk: its best weights, its model, its record, and why it failed.

What has been measured is worth the most: where the disk is full the weights are given up first,
and the record says so.
"""

from __future__ import annotations

import contextlib
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from safetensors.numpy import save

from bench.results import write_atomically
from bench.results.folder import Results
from bench.results.record import Record, Status
from bench.run.door import FULL
from bench.run.measure import Diverged
from bench.trainers import FRAMEWORKS, FrameworkMissing, Weights

SaveNetwork = Callable[[Path], None]


class Checkpoint:
    """The best weights so far, in memory and on the disk."""

    def __init__(self, path: Path) -> None:
        self.weights: Weights = {}  # empty: none yet
        self.notes: dict[str, str] = {}  # for the settings of the record: why it is not on the disk
        self._path = path

    def keep(self, weights: Weights) -> None:
        """Put these in the place of those so far."""
        self.weights.update(weights)
        try:
            write_atomically(self._path, save(weights))
            self.notes.clear()
        except OSError as error:
            traceback.print_exc()
            self._path.unlink(missing_ok=True)  # what lies there are other weights
            self.notes["checkpoint not saved"] = _reason(error)


def leave_model(results: Results, record: Record, save_network: SaveNetwork) -> Record:
    """Write the model ready for use, the record in its card; the record as it is afterwards.

    To be called after every clock has stopped. A model that cannot be written must not cost what
    has been measured: the record then says so.
    """
    # late: a run's start is measured, and ends before this
    from bench.results.card import card_of
    from bench.results.models import write_model

    try:
        write_model(_model_path(results, record), card_of(record), save_network)
    except Exception as error:  # noqa: BLE001 - kept beside the settings, and shown
        traceback.print_exc()
        return _noted(record, "model not saved", _reason(error))
    return record


def leave_record(results: Results, record: Record) -> bool:
    """Write the record; where there is no room for it, in that of the model and the checkpoint.

    Whether there was room.
    """
    try:
        results.save(record)
    except OSError as error:
        if error.errno not in FULL:
            raise
        traceback.print_exc()
        for name, path in (
            ("model not saved", _model_path(results, record)),
            ("checkpoint not saved", results.checkpoint_path(record.run_id)),
        ):
            if path.exists():
                path.unlink()
                record = _noted(record, name, f"{_reason(error)}; it made room for the record")
        return _is_saved(results, record)
    return True


def _is_saved(results: Results, record: Record) -> bool:
    with contextlib.suppress(OSError):
        results.save(record)
        return True
    return False


def _model_path(results: Results, record: Record) -> Path:
    ending = FRAMEWORKS[record.experiment.framework].model_ending
    return results.model_path(record.run_id, ending)


def _noted(record: Record, name: str, reason: str) -> Record:
    return replace(record, settings=record.settings | {name: reason})


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


# Why it failed

# TensorFlow has one class of error for memory, disk and files.
OTHER_RESOURCES = ("no space left on device", "quota exceeded", "too many open files")
# What XLA says of a full GPU, and more often of a cuDNN or a driver that is not the one it needs.
UNSURE = "DNN library initialization failed"
UNSURE_HINT = (
    "its log says whether cuDNN or the driver is too old; if not, the GPU's memory may be full: "
    "nvidia-smi shows who uses it"
)


def classify(error: Exception) -> tuple[Status, str]:
    """The status and the reason that a record gives for an error."""
    text = str(error).strip() or "no message"
    reason = f"{type(error).__name__}: {text.splitlines()[0]}"
    if isinstance(error, FrameworkMissing):
        return "not installed", text
    if isinstance(error, Diverged):
        return "diverged", text
    if _is_out_of_memory(error):
        return "out of memory", reason
    return "failed", f"{reason}; {UNSURE_HINT}" if UNSURE in text else reason


def _is_out_of_memory(error: Exception) -> bool:
    """By name and words: the frameworks' own classes cannot be imported here."""
    names, text = {cls.__name__ for cls in type(error).__mro__}, str(error).lower()
    if any(words in text for words in OTHER_RESOURCES):
        return False
    signs = {sign for each in FRAMEWORKS.values() for sign in each.out_of_memory}
    return bool(names & {"MemoryError", *signs}) or any(sign.lower() in text for sign in signs)
