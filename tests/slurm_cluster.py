"""A small real Slurm on this machine: a controller and two nodes, started for one test session and taken down."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "sinfo")
_PATHS = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))

_CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
ReturnToService=2
KillWait=60
FirstJobId={first_job}
SchedulerParameters=requeue_delay=1,sched_interval=2
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={port1} CPUs=2 State=UNKNOWN
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={port2} CPUs=2 State=UNKNOWN
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=work Nodes=node1,node2 Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO PriorityTier=1 GraceTime=300
PartitionName=urgent Nodes=node1,node2 MaxTime=INFINITE State=UP OverSubscribe=NO PriorityTier=9 PreemptMode=OFF
"""


@dataclass(frozen=True)
class SlurmCluster:
    """A running Slurm.

    Attributes
    ----------
    environment
        What a process needs in its environment to talk to it.
    """

    environment: dict[str, str]

    def call(self, *command: str) -> str:
        """Return what a Slurm command prints."""
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def state(self, job: str) -> str:
        """Return the state of a job: PENDING, RUNNING, COMPLETED, ..."""
        return self.field(job, "JobState")

    def field(self, job: str, name: str) -> str:
        """Return one field of ``scontrol show job``."""
        words = self.call("scontrol", "show", "job", job).split()
        return next(word.partition("=")[2] for word in words if word.startswith(f"{name}="))

    def wait_until(self, job: str, *states: str, seconds: float = 480.0) -> str:
        """Return the state of a job as soon as it is one of `states`."""
        deadline = time.monotonic() + seconds
        while (state := self.state(job)) not in states:
            assert time.monotonic() < deadline, f"job {job} is still {state}"
            time.sleep(0.3)
        return state


def why_not() -> str:
    """Return why Slurm cannot be started here, "" if it can be tried."""
    if os.geteuid() != 0:
        return "the daemons of Slurm need root"
    missing = [name for name in PROGRAMS if shutil.which(name, path=_PATHS) is None]
    return f"not installed: {', '.join(missing)} (Debian: slurm-wlm, munge)" if missing else ""


@contextmanager
def running_slurm(folder: Path) -> Iterator[SlurmCluster | None]:
    """Run a controller and two node daemons, with all their files in `folder`; None if they do not come up."""
    config = _write_config(folder)
    environment = {"SLURM_CONF": str(config), "PATH": _PATHS}
    cluster = SlurmCluster(environment)
    try:
        yield cluster if _start(folder, environment) else None
    finally:
        _stop(folder)


def _write_config(folder: Path) -> Path:
    (folder / "state").mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o400)
    ports = dict(zip(("port", "port1", "port2"), _free_ports(3), strict=True))
    config = folder / "slurm.conf"
    # shared memory that killed ranks leave behind is named after the job: no later cluster may use the name again
    first_job = int(time.time()) % 60_000_000
    config.write_text(_CONFIG.format(host=socket.gethostname(), folder=folder, first_job=first_job, **ports))
    return config


def _free_ports(count: int) -> list[int]:
    found = []
    with closing(socket.socket()) as a, closing(socket.socket()) as b, closing(socket.socket()) as c:
        for probe in (a, b, c)[:count]:
            probe.bind(("127.0.0.1", 0))
            found.append(int(probe.getsockname()[1]))
    return found


def _start(folder: Path, environment: dict[str, str]) -> bool:
    munge = [
        "munged",
        "--force",
        f"--key-file={folder}/munge.key",
        f"--socket={folder}/munge.socket",
        f"--pid-file={folder}/munged.pid",
        f"--log-file={folder}/munged.log",
        f"--seed-file={folder}/munged.seed",
    ]
    commands = [munge, ["slurmctld"], ["slurmd", "-N", "node1"], ["slurmd", "-N", "node2"]]
    everything = {**os.environ, **environment}
    for command in commands:
        program = shutil.which(command[0], path=_PATHS) or command[0]
        done = subprocess.run(
            [program, *command[1:]], env=everything, stdin=subprocess.DEVNULL, capture_output=True, timeout=60
        )
        if done.returncode != 0:
            return False
    return _nodes_come_up(everything)


def _nodes_come_up(environment: dict[str, str]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = subprocess.run(
            ["sinfo", "-h", "-N", "-p", "work", "-o", "%T"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
        )
        if done.stdout.split() == ["idle", "idle"]:
            return True
        time.sleep(0.3)
    return False


def _stop(folder: Path) -> None:
    for name in ("slurmd-node1", "slurmd-node2", "slurmctld", "munged"):
        pid_file = folder / f"{name}.pid"
        if pid_file.exists():
            _end(int(pid_file.read_text()))


def _end(pid: int, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    try:
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
