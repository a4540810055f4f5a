"""PyTorch on one replica or several: a process each, one network, their gradients averaged.

The trainer that a run calls lives in the run's own process: it is the first replica. For each
further one it has ``torch.multiprocessing`` start a process; they meet at 127.0.0.1 and nowhere
else. All of them make the same calls at the same time, each on its share of every batch: what is
called here is told to the others first. Answers come from the first alone.

gloo joins CPUs, and NCCL GPUs; several GPUs have never been tried by us.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed
from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]
from torch.multiprocessing.spawn import spawn
from torch.nn import functional

from bench.experiment import PARALLEL
from bench.results.observed import Exchange, Rehearsal
from bench.trainers import FrameworkMissing, Setup, Trainer, WrongWorld, pytorch, torch_device
from bench.trainers.torch_executions import DataParallel

HOST = "127.0.0.1"
LOOPBACK = {"linux": "lo", "darwin": "lo0"}  # else gloo asks for the name of this machine
BACKENDS = {"cpu": "gloo", "cuda": "nccl"}
PATIENCE = timedelta(seconds=120)  # of a replica that waits for the others
GRACE_S = 5.0  # for a replica that is about to end, when the first cannot reach it
SEEDS_APART = 2**40  # so that no two replicas draw the same dropout: seeds are below 2^30
THREADS = torch.get_num_threads()  # before any of them are shared out
REHEARSED_IMAGES, SAMPLES = 2560, 5  # a sample of the rehearsal; samples of its steps
EXCHANGES = 20  # of each size


def create(setup: Setup) -> Trainer:
    """A trainer of one network; raises FrameworkMissing where a device is not there."""
    if setup.experiment.execution == PARALLEL:
        return cast(Trainer, Leader(setup))
    return pytorch.create(setup)


class ReplicaEnded(RuntimeError):
    """Another replica has ended in the middle of the work; the message says how."""


# Each replica


class Replica(pytorch.PyTorchTrainer):
    """One of several trainers in step, each in its process; see ``bench.trainers.Trainer``."""

    def __init__(self, setup: Setup, rank: int) -> None:
        super().__init__(replace(setup, seed=setup.seed + rank * SEEDS_APART))
        self._replicas = distributed.get_world_size()
        self._rank = rank
        self._whole = 0  # images of the batch of which this replica has a share

    def build(self) -> None:
        one = torch.ones((), device=self._device)
        distributed.all_reduce(one)
        self._counted = int(one.item())
        if self._counted != self._setup.experiment.replicas:
            raise WrongWorld(
                f"{self._setup.experiment.replicas} replicas were asked for, and {self._counted} "
                "took part in a sum over all of them"
            )
        super().build()

    def arrange(self, order: NDArray[np.int64]) -> None:
        super().arrange(order)
        batches = torch.split(self._order, self._batch_size)
        self._shares = [(self._share(batch), len(batch)) for batch in batches]

    def _share(self, batch: torch.Tensor) -> torch.Tensor:
        """What of a batch is this replica's: sizes differ by one image at most, and may be 0."""
        return torch.tensor_split(batch, self._replicas)[self._rank]

    def train(self) -> None:
        self._network.train()
        self._loss_sum.zero_()
        for share, images in self._shares:
            self._whole = images
            self._step(share)

    def _loss(
        self, logits: torch.Tensor, labels: torch.Tensor, batch: torch.Tensor
    ) -> torch.Tensor:
        """Of which the mean over all replicas is that of the whole batch, however it is shared."""
        summed = functional.cross_entropy(logits, labels, reduction="sum")
        return summed * (self._replicas / self._whole)

    def _images_of(self, batch: torch.Tensor) -> float:
        return self._whole / self._replicas

    def mean_loss(self) -> float:
        total = self._loss_sum.clone()
        distributed.all_reduce(total)
        return total.item() / len(self._order)

    def synchronize(self) -> None:
        super().synchronize()
        distributed.barrier()

    def rehearse(self) -> Rehearsal:
        steps = max(1, REHEARSED_IMAGES // self._batch_size)
        images = np.arange(len(self._train_images), dtype=np.int64)
        with self._ending_as_it_began(), cast(DataParallel, self._execution).wrapped.no_sync():
            self.arrange(np.resize(images, steps * self._batch_size))
            samples_s = tuple(self._seconds(self.train) for _ in range(SAMPLES))
        counts = (1, max(1, self.parameter_count // 4), self.parameter_count)
        return Rehearsal(
            replicas=self._counted,
            steps=steps,
            samples_s=samples_s,
            exchanges=tuple(map(self._exchange, counts)),
        )

    def _exchange(self, numbers: int) -> Exchange:
        """Sums of so many float32 over all replicas."""
        tensor = torch.zeros(numbers, device=self._device)
        exchange = partial(distributed.all_reduce, tensor)
        exchange()
        samples_s = tuple(self._seconds(exchange) for _ in range(EXCHANGES))
        return Exchange(bytes=tensor.nbytes, samples_s=samples_s)

    def _seconds(self, work: Callable[[], object]) -> float:
        """Of all replicas together: from the moment that all can begin until this one is done."""
        self.synchronize()
        start = time.perf_counter()
        work()
        super().synchronize()
        return time.perf_counter() - start

    def settings(self) -> dict[str, str]:
        return super().settings() | {
            "replicas": str(self._counted),
            "gradients averaged by": f"DistributedDataParallel over {distributed.get_backend()}",
            "threads chosen by": "the replicas, evenly",
        }


# All of them


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where replicas meet, and what each of them has."""

    replicas: int
    device: str  # 'cpu' or 'cuda'
    port: int  # of HOST
    threads: int  # of each

    def join(self, rank: int, store: Store) -> None:
        """Become the replica of this number, from 0; returns when all are there."""
        torch.set_num_threads(self.threads)
        for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
            if sys.platform in LOOPBACK:
                os.environ.setdefault(name, LOOPBACK[sys.platform])
        if self.device == "cuda":
            torch.cuda.set_device(rank)
        distributed.init_process_group(
            BACKENDS[self.device],
            store=store,
            rank=rank,
            world_size=self.replicas,
            timeout=PATIENCE,
        )


class World:
    """The replicas of this process, which is the first, and the processes of the others."""

    current: World | None = None  # PyTorch knows one in a process

    def __init__(self, replicas: int, device: str) -> None:
        """Start them; returns when all have met."""
        store = TCPStore(HOST, 0, is_master=True, wait_for_workers=False, timeout=PATIENCE)
        place = Place(
            replicas=replicas,
            device=device,
            port=store.port,
            threads=max(1, THREADS // replicas),
        )
        pipes = [get_context("spawn").Pipe() for _ in range(1, replicas)]
        self._pipes = [ours for ours, _ in pipes]
        theirs = [their for _, their in pipes]
        started = spawn(  # type: ignore[no-untyped-call]
            _serve, (place, theirs), nprocs=replicas - 1, join=False, daemon=True
        )
        self.processes = started.processes
        for pipe in theirs:
            pipe.close()
        World.current = self
        with self.watched():
            place.join(0, store)

    def tell(self, name: str, arguments: tuple[Any, ...]) -> None:
        """Have every other replica call this method of its trainer, or make one: 'create'."""
        for pipe in self._pipes:
            pipe.send((name, arguments))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """What fails inside because another replica has ended says so, and ends all of them."""
        try:
            yield
        except (RuntimeError, OSError) as error:
            reason = self._ended()
            self.close()
            if reason:
                raise ReplicaEnded(reason) from error
            raise
        except Exception:
            self.close()
            raise

    def _ended(self) -> str | None:
        """Which replica has ended, and how; None: all are at work."""
        sentinels = {process.sentinel: process for process in self.processes}
        for sentinel in wait(list(sentinels), GRACE_S) if sentinels else ():
            sentinels[sentinel].join(GRACE_S)  # it is closed a moment before there is an exit code
        ended = [
            (process.exitcode, f"replica {number} of {1 + len(self.processes)}", pipe)
            for number, (process, pipe) in enumerate(
                zip(self.processes, self._pipes, strict=True), 2
            )
            if process.exitcode is not None
        ]
        said = [
            f"{replica} was ended by signal {-code}" if code < 0 else f"{replica}: {_words(pipe)}"
            for code, replica, pipe in ended
        ]
        # what the others say first is that they cannot reach it either
        return min(said, key=lambda words: ("signal" not in words, "gloo" in words), default=None)

    def close(self) -> None:
        """End all others, and leave."""
        World.current = None
        for process, pipe in zip(self.processes, self._pipes, strict=True):
            process.kill()
            process.join()
            pipe.close()
        if distributed.is_initialized():
            distributed.destroy_process_group()
        torch.set_num_threads(THREADS)


def world_of(replicas: int, device: str) -> World:
    """That of this process; one of other replicas is ended first. Raises FrameworkMissing."""
    if not distributed.is_available():
        raise FrameworkMissing(f"PyTorch {torch.__version__} is built without torch.distributed")
    torch_device.choose(device)
    current = World.current
    if current is not None and len(current.processes) == replicas - 1:
        return current
    if current is not None:
        current.close()
    return World(replicas, device)


def _words(pipe: Connection) -> str:
    """The last words of a replica that has ended by itself."""
    try:
        return str(pipe.recv()) if pipe.poll() else "ended without a word"
    except (EOFError, OSError):
        return "ended without a word"


def _serve(index: int, place: Place, pipes: Sequence[Connection]) -> None:
    """Do in this process what the first replica tells, until it ends."""
    rank, pipe = index + 1, pipes[index]
    trainer: Replica | None = None
    try:
        place.join(rank, TCPStore(HOST, place.port, timeout=PATIENCE))
        while True:
            name, arguments = pipe.recv()
            if name == "create":
                kind, setup = arguments
                trainer = kind(setup, rank)
            else:
                getattr(trainer, name)(*arguments)
    except EOFError:
        os._exit(0)
    except Exception as error:  # noqa: BLE001 - the first replica says it
        traceback.print_exc()
        pipe.send(f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}")
        os._exit(1)  # at once: what others wait for on the way out would make them wait as well


# What is called of every trainer at once; all else is asked of the first replica alone.
BY_ALL = frozenset(
    {
        *("build", "transfer", "warm_up", "renew", "arrange", "train", "mean_loss", "rehearse"),
        *("synchronize", "load_weights"),
    }
)


class Leader:
    """The first replica, which has all others do what it does; see ``bench.trainers.Trainer``."""

    def __init__(
        self, setup: Setup, kind: type[Replica] = Replica, world: World | None = None
    ) -> None:
        """``world``: that the replicas are of; None: as many as the experiment asks for."""
        experiment = setup.experiment
        self._world = world or world_of(experiment.replicas, experiment.device)
        without_answers = replace(setup, validation_images=setup.validation_images[:0])
        with self._world.watched():
            self._world.tell("create", (kind, without_answers))
            self._own = kind(setup, 0)

    def __getattr__(self, name: str) -> Any:
        return partial(self._by_all, name) if name in BY_ALL else getattr(self._own, name)

    def rehearse(self) -> Rehearsal:
        """See ``bench.trainers.Rehearsing``."""
        return cast(Rehearsal, self._by_all("rehearse"))

    def _by_all(self, name: str, *arguments: Any) -> Any:
        with self._world.watched():
            self._world.tell(name, arguments)
            return getattr(self._own, name)(*arguments)
