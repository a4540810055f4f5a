"""A Slurm on this machine: a controller and a few daemons on loopback, in a temporary folder.

    python -m tests.cluster.loopback     # as root; says what to export, and stops at Ctrl-C

Needs Debian's packages slurm-wlm and munge. Nodes are daemons of one host, so their jobs share its
processors: right for trying what becomes of jobs, and wrong for measuring.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

NODES = tuple(f"node{number}" for number in range(1, 9))
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel")
PATIENCE_S = 30.0
CONFIGURATION = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=3
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
SlurmdTimeout=3
KillWait=5
SchedulerParameters=sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
{nodes}
PartitionName=low Nodes=node[1-8] Default=YES MaxTime=60 PriorityTier=1
PartitionName=high Nodes=node[1-8] MaxTime=60 PriorityTier=10
"""


def why_not() -> str | None:
    """Why there can be no Slurm here; None: there can."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"{', '.join(missing)} is not installed: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "Slurm's daemons on loopback are started as root"
    if importlib.util.find_spec("submitit") is None:
        return "submitit is not installed: pip install -c requirements-optional.txt submitit"
    return None


class Loopback:
    """A running Slurm; ``variables`` are what its commands need in their environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.variables = {"SLURM_CONF": str(folder / "slurm.conf")}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start all of it, and return when every node is idle."""
        self.folder.chmod(0o755)
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        host, ports = platform.node().partition(".")[0], _free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1"
            for name, port in zip(NODES, ports[1:], strict=True)
        )
        told = CONFIGURATION.format(folder=self.folder, host=host, ports=ports, nodes=nodes)
        (self.folder / "slurm.conf").write_text(told)
        files = {"socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        options = [f"--{option}={self.folder}/munge.{end}" for option, end in files.items()]
        self._start("munged", ["munged", "--foreground", "--force", f"--key-file={key}", *options])
        self._wait(lambda: (self.folder / "munge.socket").exists())
        self._start("slurmctld", ["slurmctld", "-D", "-c"])
        for name in NODES:
            self.begin(name)
        self._wait(self._all_idle)

    def _all_idle(self) -> bool:
        told = self.call("sinfo", "-h", "-N", "-o", "%N %T").splitlines()
        return {*map(str.strip, told)} == {f"{node} idle" for node in NODES}

    def begin(self, node: str) -> None:
        """Start a node's daemon."""
        self._start(node, ["slurmd", "-D", "-N", node])

    def lose(self, node: str) -> None:
        """Kill a node's daemon and all that runs there, as when its power is cut, and say so.

        Slurm, which would notice within half a minute, queues again what ran there.
        """
        of_node = [process for process in psutil.process_iter() if self._is_of(process, node)]
        # Their guardians bear no environment, and would report their ends.
        guardians = {parent for process in of_node for parent in _guardians(process)}
        self._processes[node].kill()
        self._processes.pop(node).wait()
        for process in (*guardians, *of_node):
            with contextlib.suppress(psutil.Error):
                process.kill()
        self.call("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")

    def hurry(self, job_id: str) -> None:
        """Let a job that was queued again begin: Slurm has it wait two minutes."""
        self.call("scontrol", "update", f"JobId={job_id}", "StartTime=now")

    def call(self, *words: str) -> str:
        """What one of Slurm's commands prints; empty where it fails."""
        variables = os.environ | self.variables
        return subprocess.run(words, env=variables, capture_output=True, text=True).stdout

    def stop(self) -> None:
        """End all that was started here."""
        self.call("scancel", "--me")
        for node in [name for name in self._processes if name in NODES]:
            self.lose(node)
        for process in self._processes.values():
            process.terminate()
            process.wait()

    def _is_of(self, process: psutil.Process, node: str) -> bool:
        """Whether it belongs to a job that runs on a node."""
        try:
            its = process.environ()
        except psutil.Error:
            return False
        ours = its.get("SLURM_CONF") == self.variables["SLURM_CONF"]
        return ours and its.get("SLURMD_NODENAME") == node

    def _start(self, name: str, words: Sequence[str]) -> None:
        with (self.folder / f"{name}.out").open("ab") as out:
            self._processes[name] = subprocess.Popen(
                words,
                env=os.environ | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def _wait(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            ended = [name for name, each in self._processes.items() if each.poll() is not None]
            if ended or time.monotonic() > deadline:
                told = {path.name: path.read_text()[-500:] for path in self.folder.glob("*.out")}
                raise RuntimeError(f"Slurm does not start; ended: {ended}; {told}")
            time.sleep(0.1)


def _guardians(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [parent for parent in process.parents() if parent.name() == "slurmstepd"]
    except psutil.Error:
        return []


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextmanager
def slurm() -> Iterator[Loopback]:
    """A Slurm that runs within."""
    with tempfile.TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        running = Loopback(Path(folder))
        try:
            running.start()
            yield running
        finally:
            running.stop()


def main() -> None:
    """Start one, and stop it at Ctrl-C."""
    if (reason := why_not()) is not None:
        raise SystemExit(reason)
    with slurm() as running:
        for name, value in running.variables.items():
            print(f"export {name}={value}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
