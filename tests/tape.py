"""A CUDA graph's stand-in on the CPU: operations are recorded with their arguments, and replayed.

Like a graph it keeps addresses and plain numbers: each replay reads and writes the very tensors of
the recording, and a Python number is what it was then. Like a capture it lets nothing read a
number off the device. Unlike one it does the work while it records.

As a plugin, ``pytest -p tests.tape``, it stands in wherever a trainer of PyTorch records a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bench.trainers import torch_executions

Call = tuple[Any, tuple[Any, ...], dict[str, Any], Any]


class Tape(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records what PyTorch does, below autograd: backward and optimiser too."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls: list[Call] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("a capture cannot read a number off the device")
        result = func(*args, **(kwargs or {}))
        self._calls.append((func, args, kwargs or {}, result))
        return result

    @torch.no_grad()
    def replay(self) -> None:
        """Do all of it again, into the same memory."""
        for func, args, kwargs, recorded in self._calls:
            again = func(*args, **kwargs)
            for old, new in zip(tree_leaves(recorded), tree_leaves(again), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)


class TapeRecorder:
    """See ``torch_executions.Records``."""

    def warm_up(self, work: Callable[[], None]) -> None:
        work()

    def record(self, work: Callable[[], None]) -> Callable[[], None]:
        tape = Tape()
        with tape:
            work()
        return tape.replay


@pytest.fixture(autouse=True)
def tapes_for_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a CUDA graph would be recorded, a tape is."""
    monkeypatch.setattr(torch_executions, "Recorder", TapeRecorder)
