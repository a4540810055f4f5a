"""Saved models to ONNX, each set beside the framework that trained it: logits, then latency.

refusal.py      what cannot be exported, and why
pytorch.py      a PyTorch module -> an ONNX file
keras_torch.py  a saved Keras network -> a PyTorch module
comparison.py   the logits of two networks: deviations, tolerance
latency.py      two networks timed in turn
job.py          what a process of the export is told, and what it answers
convert.py      the process that writes ONNX files
examine.py      the process, of the framework that trained, that compares and times
exporting.py    from saved models to exports, by those processes
command.py      python -m bench export
wording.py      an export as it is printed

What an export leaves is ``bench.evidence.Export``; the exported network ready for use is
``bench.saved.onnx``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.record import Record
from bench.results import Results

SEED = 0  # the runs that are exported: one of each experiment
Places = Mapping[tuple[str, str], Path]  # (task, source) -> folder of cached arrays


def export_all(
    results: Results,
    records: Sequence[Record],
    data: Places,
    *,
    pythons: Mapping[str, Path] | None = None,
) -> None:
    """Export the saved models of a results folder that have no export yet: those of seed 0.

    What cannot be exported is left out; what should have been and failed is said on standard
    error. ``exports/RUN.json`` is written even where the comparison fails, for the tables to say
    so, and the ``.onnx`` file is not.

    Args:
        results: the results folder.
        records: its runs.
        data: where the arrays of each task and source lie; runs on others are left out.
        pythons: framework -> interpreter, where it is not this one.
    """
    from bench.export.exporting import export_missing  # late: it needs the scheduler

    export_missing(results, records, data, pythons or {})
