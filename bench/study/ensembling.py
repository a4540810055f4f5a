"""``python -m bench ensemble``: an ensemble's members trained at once, and one after the other.

    python -m bench ensemble                                  # 16 members, widths 64 and 128
    python -m bench ensemble --members 4,16,64 --rounds 20
    python -m bench ensemble --device cuda --out results/NAME # ensembling.json beside the records

Exit code 0 where all ways came to the same weights, 1 where not, or where PyTorch or its device is
missing; 2 for a mistake in the command line.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench import UsageError
from bench.cli import add_device
from bench.machine import devices, hardware
from bench.machine.clock import Stopwatch
from bench.results.evidence import EnsembleArm, EnsembleSetting, EnsembleTimes, Ensembling, Way
from bench.results.folder import Results, ResultsError
from bench.run import versions
from bench.run.door import parser_of
from bench.run.progress import StageDisplay
from bench.run.reading import whole, wholes
from bench.study.ensembles import FASTER_WAYS, speed_up
from bench.trainers import FRAMEWORKS, FrameworkMissing, Weights
from datasets import Stage
from models.members import HIDDEN, MEMBERS

SUITE_ROUNDS = 6  # enough for an interval


def main(argv: Sequence[str]) -> int:
    """Measure every setting, print each as it comes, and return the exit code."""
    options = _parser().parse_args(argv)
    results = None if options.out is None else Results(options.out)
    try:
        with nullcontext() if results is None else results.lock():
            timed = _carry_out(options, results)
    except (UsageError, ResultsError) as error:
        print(f"bench ensemble: error: {error}", file=sys.stderr)
        return 2
    except FrameworkMissing as error:
        print(f"bench ensemble: {error}", file=sys.stderr)
        return 1
    return 0 if all(map(same_work, timed)) else 1


def in_suite(results: Results, device: str) -> None:
    """Measure for a suite, which holds its folder, what is not there yet; or say why it cannot be.

    It takes half a minute on two cores.
    """
    if results.ensembling() is not None:
        return
    words = ["--device", device, "--rounds", str(SUITE_ROUNDS)]
    try:
        _carry_out(_parser().parse_args(words), results)
    except FrameworkMissing as error:
        print(f"No ensembles were timed: {error}", file=sys.stderr)


def _carry_out(options: argparse.Namespace, results: Results | None) -> list[EnsembleTimes]:
    """Measure, and leave it in the folder, where there is one, which is held by now."""
    here = hardware.observe()
    devices.choose_devices([options.device], here)
    if options.device != "cpu":  # before PyTorch is imported: it sees the one GPU
        os.environ.update(devices.environment(options.device, os.environ, here.gpus))
    timed = list(_measured(options))
    if results is not None:
        results.save_evidence(
            Ensembling(
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
                machine=here,
                versions=versions.installed(FRAMEWORKS["pytorch"].packages),
                timed=tuple(timed),
            )
        )
    return timed


def _measured(options: argparse.Namespace) -> Iterator[EnsembleTimes]:
    axes = itertools.product(options.members, options.width, options.batch_size)
    for members, width, batch_size in axes:
        setting = EnsembleSetting(
            members=members,
            width=width,
            batch_size=batch_size,
            steps=options.steps,
            device=options.device,
        )
        stage = Stage(name=f"{members} of {width}", total=options.rounds, unit="rounds")
        with StageDisplay() as show:
            timed = measure(setting, rounds=options.rounds, advanced=partial(show, stage))
        print("\n".join(sentences(timed)), flush=True)
        yield timed


def _parser() -> argparse.ArgumentParser:
    parser = parser_of(
        "python -m bench ensemble",
        "Train the members of an ensemble at once and one after the other, and time both.",
        "--members 4,16,64 --rounds 20",
        "--device cuda --out results/mine",
    )
    several, widths = "; several with commas", (HIDDEN, 2 * HIDDEN)
    for option, kind, default, meaning in (
        ("--members", wholes, (MEMBERS,), f"networks in an ensemble{several}"),
        ("--width", wholes, widths, f"hidden units of each{several}"),
        ("--batch-size", wholes, (128,), f"images a step{several}"),
        ("--steps", whole, 100, "optimiser steps in a round"),
        ("--rounds", whole, 10, "how often each way is timed"),
    ):
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
        parser.add_argument(
            option, type=kind, default=default, metavar="N", help=f"{meaning} (default: {shown})"
        )
    add_device(parser)
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="results folder to leave ensembling.json in"
    )
    return parser


# The arms round by round: the same steps of the same members on the same batches, three ways


def measure(
    setting: EnsembleSetting, *, rounds: int, advanced: Callable[[int], None] = lambda _: None
) -> EnsembleTimes:
    """Train every way for so many rounds. ``advanced`` hears how many rounds are done.

    An untimed round warms every arm up and shows that all arrive at the same weights. Then the
    arms take turns, and who begins moves on from round to round, so that a machine that slows
    down slows all alike.

    Raises FrameworkMissing where PyTorch, or its support for the device, is not installed.
    """
    try:
        torch_arms: Any = importlib.import_module("bench.trainers.pytorch_ensembles")
    except ModuleNotFoundError as error:
        raise FrameworkMissing(
            f"the members are PyTorch networks, and the package {error.name!r} is not installed"
        ) from error
    members, batches = torch_arms.starts(setting)
    start = torch_arms.start_weights(members)
    arms = {way: make(members, batches) for way, make in torch_arms.WAYS.items()}
    deviations = _warmed_up(arms, start)
    ways: tuple[Way, ...] = tuple(arms)
    seconds: dict[Way, list[float]] = {way: [] for way in ways}
    for round_ in range(rounds):
        first = round_ % len(ways)
        for way in ways[first:] + ways[:first]:
            watch = Stopwatch(synchronize=arms[way].synchronize, clock=time.perf_counter)
            seconds[way].append(watch.time("train", arms[way].train)[1])
        advanced(round_ + 1)
    return EnsembleTimes(
        setting=setting,
        threads=torch_arms.threads(),
        arms=tuple(
            EnsembleArm(way=way, rounds_s=tuple(seconds[way]), deviation=deviations[way])
            for way in ways
        ),
    )


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


# What came of it, for a reader: from the record alone

# Deviations of weights below it are rounding's: 1e-6 is usual, another order of batches is 1.
SAME_WEIGHTS = 1e-3


def same_work(timed: EnsembleTimes) -> bool:
    """Whether all arms came to the same weights but for rounding."""
    return all(arm.deviation < SAME_WEIGHTS for arm in timed.arms)


def sentences(timed: EnsembleTimes) -> list[str]:
    """One setting: what was trained, what each way took, and how much faster it was."""
    setting = timed.setting
    device = devices.label(setting.device)
    lines = [
        f"{setting.members} members of 784-{setting.width}-{setting.classes}, batch size "
        f"{setting.batch_size:,}, {device}, {timed.threads} threads, Adam; a step "
        f"of all members, median of {len(timed.arms[0].rounds_s)} rounds of {setting.steps} steps:"
    ]
    for arm in timed.arms:
        line = f"  {arm.way:12}{1000 * median(arm.rounds_s) / setting.steps:9.3f} ms"
        if arm.way in FASTER_WAYS:
            faster = speed_up(timed, arm.way)
            line += f", {faster.ratio:.2f} times as fast"
            if faster.interval:
                line += f" (95 %: {faster.interval.low:.2f} to {faster.interval.high:.2f})"
            line += f"; weights agree to {arm.deviation:.0e}"
        lines.append(line)
    if not same_work(timed):
        lines.append("  The arms did NOT come to the same weights: these times mean nothing.")
    return lines
