"""A real Slurm of one node on this host, started for a test and stopped after it.

Authentication is switched off (``auth/none``) and everything listens on the loopback interface only.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel")
CONFIG = """ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,sched_min_interval=0
ReturnToService=2
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
MinJobAge=300
KillWait=2
MaxArraySize=1001
Licenses=face:1
SlurmdParameters=config_overrides
NodeName=localhost NodeAddr=127.0.0.1 NodeHostname={host} CPUs=2 RealMemory={memory} State=UNKNOWN
PartitionName=farm Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
PATIENCE_S = 60.0  # for the daemons; they answer within two seconds on an idle host


class Slurm:
    """Controller and node; every command is Slurm's own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "slurm.conf"
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        ports = []
        for _ in range(2):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                ports.append(free.getsockname()[1])
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 // 2
        self.config.write_text(
            CONFIG.format(folder=folder, ports=ports, host=socket.gethostname().split(".")[0], memory=memory)
        )
        self._daemons: dict[str, subprocess.Popen] = {}

    def start(self, *names: str, fresh: bool = False) -> None:
        for name in names or ("slurmctld", "slurmd"):
            node = ["-N", "localhost"] if name == "slurmd" else ["-c"] if fresh else []
            with (self.folder / f"{name}.out").open("a") as out:
                self._daemons[name] = subprocess.Popen([shutil.which(name) or f"/usr/sbin/{name}", "-D", "-f", str(self.config), *node],
                                                       stdout=out, stderr=out, preexec_fn=die_with_the_test)  # fmt: skip
        self.wait(lambda: "idle" in self.ask("sinfo", "-h", "-o", "%T") or "mix" in self.ask("sinfo", "-h", "-o", "%T"))

    def stop(self, *names: str) -> None:
        for name in names or tuple(self._daemons):
            daemon = self._daemons.pop(name)
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def ask(self, *command: str) -> str:
        """What a command prints; empty where it fails."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
        return done.stdout if done.returncode == 0 else ""

    def jobs(self) -> list[dict]:
        """Every job that the controller knows, finished ones too."""
        return json.loads(self.ask("squeue", "--json", "--states=all") or '{"jobs": []}')["jobs"]

    def states(self, ids: Mapping[str, str]) -> dict[str, set[str]]:
        """States of a submission's jobs by step, over the array tasks."""
        return self._by_step(ids, "job_state")

    def reasons(self, ids: Mapping[str, str]) -> dict[str, set[str]]:
        """Why jobs wait, by step."""
        return self._by_step(ids, "state_reason")

    def _by_step(self, ids: Mapping[str, str], what: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {step: set() for step in ids}
        step_of = {number: step for step, numbers in ids.items() for number in numbers.split(":")}
        for job in self.jobs():
            step = step_of.get(str(job["array_job_id"] or job["job_id"]))
            if step:
                found[step].add(job[what])
        return found

    def settled(self, ids: Mapping[str, str]) -> bool:
        """True when nothing of the submission runs or waits."""
        states = self.states(ids).values()
        return all(states) and not any(each & {"PENDING", "RUNNING", "COMPLETING", "CONFIGURING"} for each in states)

    def wait(self, until: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Wait until something is so; fails with Slurm's own logs."""
        end = time.monotonic() + patience_s
        while not until():
            if time.monotonic() > end:
                logs = {log.name: log.read_text()[-3000:] for log in self.folder.glob("*.log")}
                jobs = {job["name"]: (job["job_state"], job["state_reason"]) for job in self.jobs()}
                pytest.fail(f"waited {patience_s:g} s; {jobs}\n{logs}")
            time.sleep(0.2)


def die_with_the_test() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def why_not() -> str:
    """Why there can be no Slurm here; empty where there can."""
    missing = [name for name in PROGRAMS if not (shutil.which(name) or Path(f"/usr/sbin/{name}").exists())]
    if missing:
        return f"{', '.join(missing)} not installed (make slurm)"
    return "" if os.getuid() == 0 else "Slurm's daemons are started as root here"
