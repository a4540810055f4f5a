"""How far the preparation of data is: a bar on a terminal, a few plain lines elsewhere."""

from __future__ import annotations

import sys
from time import monotonic
from types import TracebackType
from typing import Any

from datasets import Stage

QUIET_S = 1.0  # a shorter stage is not worth a line


class StageDisplay:
    """Shows stages of work: a bar each on a terminal, a few plain lines elsewhere.

    An object of it is a ``datasets.Progress``.
    """

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._bar: Any = None  # a tqdm, where there is a terminal
        self._quarters = 0  # of the stage, said already
        self._begun_s = 0.0

    def __call__(self, stage: Stage, done: int) -> None:
        if stage != self._stage:
            self._begin(stage)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        else:
            self._say(stage, done)

    def __enter__(self) -> StageDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the bar of the last stage."""
        if self._bar is not None:
            self._bar.close()
        self._stage = self._bar = None

    def _begin(self, stage: Stage) -> None:
        self.close()
        self._stage, self._quarters, self._begun_s = stage, 0, monotonic()
        if sys.stderr.isatty():
            from tqdm import tqdm

            scale = 1024 if stage.unit == "B" else 1000
            self._bar = tqdm(
                desc=stage.name,
                total=stage.total or None,
                unit=stage.unit if stage.unit == "B" else f" {stage.unit}",
                unit_scale=True,
                unit_divisor=scale,
                leave=False,
            )

    def _say(self, stage: Stage, done: int) -> None:
        quarters = 4 * done // stage.total if stage.total else 0
        if quarters > self._quarters and monotonic() - self._begun_s > QUIET_S:
            self._quarters = quarters
            print(f"{stage.name}: {25 * quarters} %", file=sys.stderr, flush=True)
