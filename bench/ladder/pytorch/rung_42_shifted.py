"""Letters: each batch is shifted by up to two pixels, which is as good as more letters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_41_digits as former
from bench.ladder.pytorch.loop import Batch, Pile, Rung

LADDER = "letters"
FARTHEST = 2  # pixels


def shifted(rung: Rung, pile: Pile, generator: torch.Generator) -> Callable[[], Iterator[Batch]]:
    """The former's batches, each moved as a whole; the border is empty, so it may come round."""
    unmoved = former.RUNG.feed(rung, pile, generator)

    def epoch() -> Iterator[Batch]:
        for images, labels in unmoved():
            moves = torch.randint(-FARTHEST, FARTHEST + 1, (2,), generator=generator)
            yield images.roll(tuple(moves.tolist()), (2, 3)), labels

    return epoch


RUNG = replace(former.RUNG, feed=shifted)
