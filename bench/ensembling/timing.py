"""The arms round by round: the same steps of the same members on the same batches, three ways.

An untimed round warms every arm up and shows that all arrive at the same weights. Then the arms
take turns, and who begins moves on from round to round, so that a machine that slows down slows
all alike.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bench.evidence import EnsembleArm, EnsembleSetting, EnsembleTimes, Way
from bench.stopwatch import Stopwatch
from bench.trainers import FrameworkMissing, Weights


def measure(
    setting: EnsembleSetting, *, rounds: int, advanced: Callable[[int], None] = lambda _: None
) -> EnsembleTimes:
    """Train every way for so many rounds. ``advanced`` hears how many rounds are done.

    Raises FrameworkMissing where PyTorch, or its support for the device, is not installed.
    """
    torch_arms = _arms()
    members, batches = torch_arms.starts(setting)
    start = torch_arms.start_weights(members)
    arms = {way: make(members, batches) for way, make in torch_arms.WAYS.items()}
    deviations = _warmed_up(arms, start)
    seconds: dict[Way, list[float]] = {way: [] for way in arms}
    for round_ in range(rounds):
        for way in _in_turn(tuple(arms), round_):
            watch = Stopwatch(synchronize=arms[way].synchronize, clock=time.perf_counter)
            seconds[way].append(watch.time("train", arms[way].train)[1])
        advanced(round_ + 1)
    return EnsembleTimes(
        setting=setting,
        threads=torch_arms.threads(),
        arms=tuple(
            EnsembleArm(way=way, rounds_s=tuple(seconds[way]), deviation=deviations[way])
            for way in arms
        ),
    )


def _arms() -> Any:
    try:
        return importlib.import_module("bench.trainers.pytorch_ensembles")
    except ModuleNotFoundError as error:
        raise FrameworkMissing(
            f"the members are PyTorch networks, and the package {error.name!r} is not installed"
        ) from error


def _warmed_up(arms: Mapping[Way, Any], start: Weights) -> dict[Way, float]:
    """Train every arm for a round, and return how far each is then from the first."""
    for arm in arms.values():
        arm.train()
        arm.synchronize()
    wanted = next(iter(arms.values())).weights()
    return {way: deviation(arm.weights(), wanted, start) for way, arm in arms.items()}


def deviation(weights: Weights, wanted: Weights, start: Weights) -> float:
    """How far weights are from where they should be, by how far they should have moved.

    Means over a tensor, and of the tensors the largest.
    """
    return max(
        float(np.abs(weights[name] - array).mean() / np.abs(array - start[name]).mean())
        for name, array in wanted.items()
    )


def _in_turn(ways: tuple[Way, ...], round_: int) -> tuple[Way, ...]:
    first = round_ % len(ways)
    return ways[first:] + ways[:first]
