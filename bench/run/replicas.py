"""What ``--replicas`` asks of a plan, and whether frameworks and machine can do it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench import UsageError
from bench.experiment import PARALLEL, Experiment
from bench.machine import devices, settings
from bench.presets import DEFAULT_EXECUTION
from bench.results.record import Machine
from bench.trainers import FRAMEWORKS

if TYPE_CHECKING:
    from bench.cli import Options

OFFERING = tuple(name for name, each in FRAMEWORKS.items() if each.no_replicas is None)


def choices(options: Options) -> dict[str, Any]:
    """What of a grid follows from a command line; nothing where it asks for no replicas.

    Beside the replicas stands what users get without asking: so one replica shows what the
    machinery costs. Raises UsageError for a framework, asked for by name, that has no replicas.
    """
    if options.replicas is None:
        return {}
    for name in options.frameworks or ():
        if name not in OFFERING:
            raise UsageError(
                f"--replicas with {name}: {FRAMEWORKS[name].no_replicas}; choose from "
                f"{', '.join(OFFERING)}"
            )
    return {
        "replicas": options.replicas,
        "scalings": options.scalings,
        "frameworks": options.frameworks or OFFERING,
        "executions": options.executions or (DEFAULT_EXECUTION, PARALLEL),
    }


def check(
    planned: Sequence[Experiment], here: Machine, *, asked: bool = False, energy: bool = False
) -> None:
    """Raise UsageError where the machine cannot do one of these experiments.

    Args:
        planned: all of a plan.
        here: the machine.
        asked: whether replicas were asked for, and some experiment is to have them.
        energy: whether joules are to be read, which is done of one GPU.
    """
    if asked and not any(experiment.execution == PARALLEL for experiment in planned):
        raise UsageError(
            f"--replicas: nothing chosen can be shared out; the execution {PARALLEL} is for "
            "networks that several frameworks have, on cpu and cuda"
        )
    for experiment in planned:
        replicas, device = experiment.replicas, experiment.device
        if replicas > experiment.batch_size:
            raise UsageError(
                f"--replicas {replicas}: a batch of {experiment.batch_size} cannot be shared out "
                "among so many; give a larger --batch-size"
            )
        if FRAMEWORKS[experiment.framework].even_shares and experiment.batch_size % replicas:
            raise UsageError(
                f"--replicas {replicas} with {experiment.framework}: it shares batches out evenly, "
                f"which {experiment.batch_size} images cannot be; give another --batch-size"
            )
        if replicas == 1 or not devices.entry(device).numbered:
            continue
        there = len(here.gpus) - devices.number(device)
        if replicas > there:
            raise UsageError(
                f"--replicas {replicas} on {device}: each needs a GPU of its own, and from there "
                f"on are {there}; give fewer"
            )
        if energy:
            raise UsageError(
                f"--energy with --replicas {replicas} on {device}: the joules of one GPU alone "
                "would be read; leave one of them out"
            )


def notes(planned: Sequence[Experiment]) -> list[str]:
    """What the user should know of replicas that are more than the processors they share."""
    processors = len(settings.processors())
    on_cpu = [experiment for experiment in planned if experiment.device == "cpu"]
    crowded = sorted({e.replicas for e in on_cpu if e.replicas > (e.threads or processors)})
    return [f"{n} replicas share {processors} processors: they take turns." for n in crowded]
