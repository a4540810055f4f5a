"""How far each block is: by what it says of itself, what its engine knows, and its job's log."""

from __future__ import annotations

import re
import subprocess
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil

from bench import UsageError
from bench.cluster.grid import Block, Grid, Job
from bench.results.sound import printable

ANSWER_S = 60.0  # as long as Slurm's controller may take
LOG_TAIL_BYTES = 2**14
OF_SLURM = re.compile(r"\*\*\* (.+?) \*\*\*")  # how slurmstepd says why it ended a job
REASON_WIDTH = 100  # characters
WITHOUT_A_WORD = "its process ended without a word"

Stage = Literal["not begun", "waiting", "running", "done", "failed"]


@dataclass(frozen=True, kw_only=True)
class Queued:
    """A job that its engine still has."""

    stage: Literal["waiting", "running"]
    reason: str = ""  # why it waits


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One block."""

    name: str
    stage: Stage
    recorded: int  # runs that have a record
    runs: int  # planned
    node: str  # empty: none so far
    reason: str  # why it waits or failed; empty of others

    @property
    def under_way(self) -> bool:
        """Whether somebody has it already."""
        return self.stage in ("waiting", "running")


def standings(grid: Grid, *, ask: bool = True) -> list[Standing]:
    """Every block of every kind.

    ``ask``: False: engines are not asked, as where the folder is a copy on another machine. Raises
    ResultsError where the folder is no grid, UsageError where Slurm does not answer.
    """
    named = [(kind, name) for kind in grid.kinds() for name in grid.names(kind)]
    blocks = {name: block for _, name in named if (block := grid.block(name)) is not None}
    done = {name for name, block in blocks.items() if block.state == "done"}
    jobs = {name: job for _, name in named if (job := grid.job(name)) is not None}
    queued = live(job for name, job in jobs.items() if name not in done) if ask else {}
    listed = []
    for kind, name in named:
        block = blocks.get(name)
        stage, reason = _stage(grid, name, block, jobs.get(name), queued)
        listed.append(
            Standing(
                name=name,
                stage=stage,
                recorded=grid.recorded(name),
                runs=block.runs if block else kind.runs,
                node=block.node if block else "",
                reason=textwrap.shorten(printable(reason), REASON_WIDTH, placeholder=" …"),
            )
        )
    return listed


def _stage(
    grid: Grid, name: str, block: Block | None, job: Job | None, queued: dict[str, Queued]
) -> tuple[Stage, str]:
    if block is not None and block.state == "done":
        return "done", ""
    if block is not None and block.state == "running" and _is_held(grid, name):
        return "running", ""
    failed = block if block is not None and block.state == "failed" else None
    of_engine = queued.get(job.id) if job else None
    # A local job is of all blocks: that it goes on says nothing of one that has failed in it.
    in_it = job is not None and failed is not None and (failed.ended_at or "") >= job.submitted_at
    if job and of_engine and not (in_it and job.engine == "local"):
        return of_engine.stage, of_engine.reason
    if failed is not None:
        return "failed", failed.reason or ""
    if job is not None and job.engine == "local" and block is None:
        return "failed", f"its job ended before its turn came; it printed {job.log}"
    if job is not None:
        return "failed", last_words(Path(job.log)) or WITHOUT_A_WORD
    return ("failed", WITHOUT_A_WORD) if block else ("not begun", "")


def _is_held(grid: Grid, name: str) -> bool:
    with grid.held(name, patience_s=0) as ours:
        return not ours


def live(jobs: Iterable[Job]) -> dict[str, Queued]:
    """The jobs that their engines still have, by their ids.

    Raises UsageError where Slurm does not answer: nothing is known then.
    """
    listed = list(jobs)
    known: dict[str, Queued] = {}
    if any(job.engine == "slurm" for job in listed):
        known = dict(_queue_of_slurm())
    for job in listed:
        if job.engine == "local" and _is_controller(int(job.id)):
            known[job.id] = Queued(stage="waiting", reason="its turn comes")
    return known


def _queue_of_slurm() -> Iterator[tuple[str, Queued]]:
    """By squeue, which every Slurm has; sacct needs a database."""
    command = ["squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r"]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=ANSWER_S
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or error
        raise UsageError(
            f"Slurm does not say which jobs there are ({' '.join(command)}: {said}); give the "
            "command again where squeue answers"
        ) from error
    for line in told.splitlines():
        job_id, state, reason = line.strip().split("|", 2)
        if state in ("PENDING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"):
            yield job_id, Queued(stage="waiting", reason=f"{state.lower()}: {reason}")
        else:
            yield job_id, Queued(stage="running")


def _is_controller(pid: int) -> bool:
    """Whether that process of this machine is one of submitit's for a local job."""
    try:
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE
        return alive and "submitit.local._local" in process.cmdline()
    except psutil.Error:
        return False


def last_words(log: Path) -> str:
    """Why a job ended, from what it printed: Slurm's own word, or its last line."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - LOG_TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    if told := OF_SLURM.findall(text):
        return str(told[-1])
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def show(listed: Sequence[Standing]) -> str:
    """A line a block, and how many there are of each stage."""
    wide = max(len(each.name) for each in listed)
    nodes = max(len(each.node) for each in listed)
    lines = (
        f"{each.name:{wide}}  {each.stage:9}  {each.recorded:>3} of {each.runs}  "
        f"{each.node:{nodes}}  {each.reason}".rstrip()
        for each in listed
    )
    stages: list[Stage] = ["done", "running", "waiting", "failed", "not begun"]
    counts = {stage: sum(each.stage == stage for each in listed) for stage in stages}
    told = ", ".join(f"{count} {stage}" for stage, count in counts.items() if count)
    return "\n".join([*lines, f"{len(listed)} blocks: {told}"])
