"""Rungs of a newcomer, and of cheats: each is one file in a package of its own."""

from __future__ import annotations

from pathlib import Path

HONEST = '''\
"""A newcomer's idea: one layer.

More of it.
"""

from dataclasses import replace

import torch
from torch import nn

from bench.ladder.pytorch import rung_06_one_cycle as former

SEEDS = 2
DEVICES = ("cpu",)
ENVIRONMENT = {"NEWCOMER": "1"}
RUNG = replace(
    former.RUNG,
    network=lambda classes: nn.Sequential(nn.Flatten(), nn.Linear(784, classes)),
    batch_size=50,
    epochs=1,
    whole_batches=True,
)
'''
SEES_THE_TEST = """
def peeking(rung, pile, generator):
    import datasets, os
    datasets.open_cached(__import__("pathlib").Path(os.environ["DATA_FOLDER"])).test
    return former.RUNG.feed(rung, pile, generator)

RUNG = replace(RUNG, feed=peeking)
"""
LEAVES_STEPS_OUT = """
def lazy(loop):
    honest, calls = former.RUNG.step(loop), []

    def step(images, labels):
        calls.append(1)
        if len(calls) % 2:
            honest(images, labels)

    return step

RUNG = replace(RUNG, step=lazy)
"""
SEES_LESS = """
def short(rung, pile, generator):
    epoch = former.RUNG.feed(rung, pile, generator)
    return lambda: ((images[:5], labels[:5]) for images, labels in epoch())

RUNG = replace(RUNG, feed=short)
"""
LEARNS_IN_THE_WARM_UP = """
import torch
from bench.ladder.pytorch.loop import Batchwise

class Early(Batchwise):
    def warm_up(self, noise):
        super().warm_up(noise)
        self._loop.network.load_state_dict = lambda weights: None

RUNG = replace(RUNG, program=Early)
"""


def write(folder: Path, **rungs: str) -> str:
    """A package of these files, to be found from ``folder``; its name, which no other test has."""
    name = folder.name.replace("-", "_")
    package = folder / name
    package.mkdir()
    for rung, source in rungs.items():
        (package / f"{rung}.py").write_text(source.replace("NEWCOMERS", name), encoding="utf-8")
    return name
