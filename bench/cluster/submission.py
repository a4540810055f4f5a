"""Blocks become jobs: through submitit, to Slurm as arrays, or to a process of this machine.

A job is this project's own command with ``--shard``, so an engine knows nothing of blocks, and what
it kills is taken up by the next job. The kinds of nodes are in one TOML file, a table a kind:

    [a100]
    partition = "gpu"
    gpu = "a100"                      # or "a100:2"
    time_min = 240                    # default: from the plan's estimate
    options = "--device cuda --framework pytorch,keras-jax"   # of run_all.py, for this kind
    slurm_account = "teaching"        # any slurm_* option of submitit
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from bench import UsageError, cli
from bench.cli import Options
from bench.cluster import status
from bench.cluster.grid import Grid, Job, Kind, now
from bench.cluster.status import Standing
from bench.machine import hardware
from bench.machine.visible_gpus import VISIBLE
from bench.plan import Plan, describe, make_plan
from bench.report import wording
from bench.results.folder import ResultsError
from bench.results.record import Gpu, Machine
from bench.run import door, reading
from bench.run.environment import PROJECT
from datasets import how_to_install

PACKAGE = "submitit"
MARGIN = 3.0  # times the plan's estimate, which is of another machine
BEFORE_S = 900.0  # for audit, certificates, and a file system that is asleep
NOTICE_S = 60  # before its time is up a job is told, and keeps what it has
MOST_JOBS = 1000  # of an array: Slurm's own limit, where nobody changed it


@dataclass(frozen=True, kw_only=True)
class NodeKind:
    """How nodes of a kind are asked for."""

    name: str = cli.DEFAULT_KIND
    partition: str | None = None
    gpu: str | None = None  # its type, and how many after a colon; None: none is asked for
    time_min: int | None = None  # None: from the plan's estimate
    options: str = ""  # of run_all.py, after those of the command line
    slurm: Mapping[str, Any] = field(default_factory=dict)  # submitit's slurm_* options

    @property
    def words(self) -> list[str]:
        """Its options of run_all.py."""
        return shlex.split(self.options)

    @property
    def machine(self) -> Machine | None:
        """A stand-in for its nodes, for the plan; None: they are like this machine."""
        if self.gpu is None:
            return None
        name, _, count = self.gpu.partition(":")
        gpu = Gpu(name=name, memory_bytes=None, driver="")
        return replace(hardware.observe(), gpus=(gpu,) * int(count or 1))

    def parameters(self, time_min: int) -> dict[str, Any]:
        """What submitit is told."""
        own = {
            "name": f"glyphbench-{self.name}",
            "timeout_min": time_min,
            "stderr_to_stdout": True,
            "slurm_exclusive": True,  # a node for a block alone
            "slurm_srun_args": ["--cpu-bind=none"],  # all its processors for one task
            "slurm_partition": self.partition,
            "slurm_gres": self.gpu and f"gpu:{self.gpu if ':' in self.gpu else self.gpu + ':1'}",
        }
        given = dict(self.slurm)
        more = {"requeue": True, "signal": f"TERM@{NOTICE_S}"}
        more |= given.pop("slurm_additional_parameters", {})
        return own | {"slurm_additional_parameters": more} | given


def read_kinds(path: Path) -> list[NodeKind]:
    """The kinds of nodes of a file. Raises UsageError where it is not as it should be."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"--cluster {path}: {error}; docs/cluster.md shows such a file") from error
    if not tables:
        raise UsageError(f"--cluster {path}: no kind of node; give a table, such as [cpu]")
    return [_kind(path, name, table) for name, table in tables.items()]


def _kind(path: Path, name: str, table: object) -> NodeKind:
    try:
        reading.kind_of_node(name)
        if not isinstance(table, dict):
            raise ValueError(f"{name} = {table!r}: wanted a table, such as [cpu]")
        slurm = {key: value for key, value in table.items() if key.startswith("slurm_")}
        unknown = table.keys() - slurm.keys() - {"partition", "gpu", "time_min", "options"}
        if unknown:
            raise ValueError(
                f"unknown {', '.join(sorted(unknown))}; choose from partition, gpu, time_min, "
                "options and slurm_*"
            )
        own = {key: value for key, value in table.items() if key not in slurm}
        kind = msgspec.convert({**own, "name": name, "slurm": slurm}, NodeKind)
        count = (kind.gpu or "").partition(":")[2] or "1"
        late = kind.time_min is not None and kind.time_min < 1
        if late or not (count.isdecimal() and int(count)):
            raise ValueError("gpu has a count from 1 up after its colon, time_min is from 1 up")
        shlex.split(kind.options)  # quotes may not be closed
    except (argparse.ArgumentTypeError, ValueError) as error:  # msgspec's are ValueErrors
        raise UsageError(f"--cluster {path}, [{name}]: {error}") from error
    return kind


def submit(grid: Grid, options: Options, argv: Sequence[str]) -> int:
    """Submit every block that is neither done nor under way, and return at once.

    ``argv``: the words of the command line, which become those of the jobs. Raises UsageError where
    submitit is missing or refuses, or Slurm does.
    """
    submitit = _submitit(options)
    kinds = read_kinds(options.cluster) if options.cluster else [NodeKind()]
    plans = [_plan(kind, argv) for kind in kinds]
    if options.dry_run:
        for kind, planned in zip(kinds, plans, strict=True):
            print(describe(planned))
            print(f"{kind.name}: {planned.seeds} blocks, {_time_min(kind, planned)} min for each")
        return 0
    with grid.held("submission") as held:
        if not held:
            raise ResultsError(f"{grid.folder}: another command submits its blocks; wait for it")
        for kind, planned in zip(kinds, plans, strict=True):
            grid.announce(_told(kind, planned))
        known = {each.name: each for each in status.standings(grid)}
        for kind, planned in zip(kinds, plans, strict=True):
            _submit_kind(submitit, grid, kind, planned, known, options, argv)
    print(
        f"--status with --out {grid.folder} shows how far they are, --collect makes the report; "
        "this command again submits what is missing or failed"
    )
    return 0


def _submitit(options: Options) -> Any:
    try:
        return importlib.import_module(PACKAGE)
    except ImportError as error:
        raise UsageError(
            f"--on {options.on} needs the package {PACKAGE} ({error}); {how_to_install(PACKAGE)}; "
            "without it, --shard runs blocks by any means"
        ) from error


def _plan(kind: NodeKind, argv: Sequence[str]) -> Plan:
    return make_plan(cli.parse([*argv, *kind.words]), kind.machine)


def _told(kind: NodeKind, planned: Plan) -> Kind:
    return Kind(name=kind.name, seeds=planned.seeds, runs=len(planned.experiments))


def _time_min(kind: NodeKind, planned: Plan) -> int:
    """The minutes that a block may take."""
    block_s = sum(map(planned.estimate_s, planned.runs)) / planned.seeds
    return kind.time_min or math.ceil((MARGIN * block_s + BEFORE_S) / 60)


def _submit_kind(
    submitit: Any,
    grid: Grid,
    kind: NodeKind,
    planned: Plan,
    known: Mapping[str, Standing],
    options: Options,
    argv: Sequence[str],
) -> None:
    names = grid.names(_told(kind, planned))
    local = options.on == "local"
    under_way = [name for name in names if known[name].under_way]
    wanted = [name for name in names if _is_wanted(known[name], kind, planned)]
    if local and under_way:  # by the one job that runs all of them
        wanted = []
    minutes = _time_min(kind, planned)
    words = [*_without(argv, ("--on", "--cluster")), *kind.words]
    words += ["--seeds", str(planned.seeds), "--kind", kind.name]
    command = [sys.executable, str(PROJECT / "run_all.py"), *words]
    if local and wanted:
        parameters = {
            "name": f"glyphbench-{kind.name}",
            "timeout_min": minutes * len(wanted),
            "stderr_to_stdout": True,
        }
        whole = [*_with_all_gpus(), *command, "--shard", "1/1"]
        _send(submitit, grid, options, parameters, {tuple(wanted): whole})
    elif wanted:
        shards: dict[tuple[str, ...], list[str]] = {
            (name,): [*command, "--shard", f"{number}/{len(names)}"]
            for number, name in enumerate(names, 1)
            if name in set(wanted)
        }
        for start in range(0, len(shards), MOST_JOBS):
            array = dict(list(shards.items())[start : start + MOST_JOBS])
            _send(submitit, grid, options, kind.parameters(minutes), array)
    done = sum(known[name].stage == "done" for name in names if name not in wanted)
    print(
        f"{kind.name}: {wording.counted(len(wanted), 'block')} of {len(names)} submitted, "
        f"{minutes} min for each; {done} done, {len(under_way)} under way"
    )


def _is_wanted(standing: Standing, kind: NodeKind, planned: Plan) -> bool:
    """Whether a block is to be submitted; a done one where the plan has grown.

    Of a GPU that is not here it is not known which runs it leaves out.
    """
    grown = kind.gpu is None and len(planned.experiments) > standing.runs
    return not standing.under_way and (standing.stage != "done" or grown)


def _without(words: Sequence[str], flags: Sequence[str]) -> Iterator[str]:
    """The words of a command line without these options and their values."""
    left_out = False
    for word in words:
        flag, equals, _ = word.partition("=")
        if not left_out and flag not in flags:
            yield word
        left_out = not left_out and flag in flags and not equals


def _with_all_gpus() -> list[str]:
    """Gives a local job the GPUs that this process has: submitit takes them all away."""
    chosen = os.environ.get(VISIBLE)
    return ["env", "-u", VISIBLE] if chosen is None else ["env", f"{VISIBLE}={chosen}"]


def _send(
    submitit: Any,
    grid: Grid,
    options: Options,
    parameters: Mapping[str, Any],
    commands: Mapping[tuple[str, ...], Sequence[str]],
) -> None:
    """Submit commands as one array, each for some blocks, and note their jobs."""
    submitted_at = now()  # before the first of them can have ended
    try:
        sys.stdout.flush()
        with _detached():
            executor = submitit.AutoExecutor(folder=grid.logs, cluster=options.on)
            executor.update_parameters(**parameters)
            with executor.batch():
                jobs = [executor.submit(subprocess.check_call, each) for each in commands.values()]
    except OSError as error:
        raise UsageError(f"--on {options.on}: {door.explain(error)}") from error
    except (AssertionError, NameError, RuntimeError, TypeError, ValueError) as error:
        raise UsageError(f"--on {options.on}: {error}") from error
    for names, job in zip(commands, jobs, strict=True):
        for name in names:
            told = Job(
                engine=options.on or "local",
                id=job.job_id,
                log=str(job.paths.stdout),
                submitted_at=submitted_at,
            )
            grid.save_job(name, told)


@contextmanager
def _detached() -> Iterator[None]:
    """What is started within outlives the terminal, and holds none of its streams open."""
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    before = None if hangup is None else signal.signal(hangup, signal.SIG_IGN)
    kept = [os.dup(number) for number in range(3)]
    try:
        with Path(os.devnull).open("r+b", buffering=0) as nothing:
            for number in range(3):
                os.dup2(nothing.fileno(), number)
        yield
    finally:
        for number, stream in enumerate(kept):
            os.dup2(stream, number)
            os.close(stream)
        if hangup is not None:
            signal.signal(hangup, before)
