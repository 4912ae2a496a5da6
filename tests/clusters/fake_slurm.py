"""sbatch, squeue and scancel over a folder: each job is a real process of this machine.

It does what Slurm's manual says of the options that are used here, and refuses all others, as
Slurm does: limits are kept (SIGTERM, then SIGKILL), output goes to ``--output``, a partition that
is not there is refused, ``busy`` never has room, and ``down`` is never up.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

KILL_WAIT_S = 2.0
LIMITS = {"--job-name", "--output", "--time", "--partition", "--account", "--qos", "--mem"}
LIMITS |= {"--nodes", "--ntasks", "--cpus-per-task", "--gres", "--constraint"}
FLAGS = {"--no-requeue"}
PARTITIONS = {"cpu": None, "gpu": None, "busy": "Resources", "down": "PartitionDown"}


def install(folder: Path, jobs: Path) -> dict[str, str]:
    """Put the commands into ``folder``; returns the environment that finds them."""
    folder.mkdir()
    jobs.mkdir()
    for command in ("sbatch", "squeue", "scancel"):
        program = folder / command
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {command} "$@"\n')
        program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "FAKE_SLURM": str(jobs)}


def jobs_of(folder: Path) -> list[dict[str, Any]]:
    """All jobs ever submitted, in order."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def seconds(limit: str) -> float:
    days, _, clock = limit.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    if days:
        hours, minutes, rest = [*parts, 0, 0][:3]
    elif len(parts) == 3:
        hours, minutes, rest = parts
    else:
        hours, minutes, rest = 0, *[*parts, 0][:2]
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest


class Table:
    """The jobs of a controller: one file each, replaced at once."""

    def __init__(self) -> None:
        self.folder = Path(os.environ["FAKE_SLURM"])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Between reading a state and writing the next no other command may write one."""
        with (self.folder / "lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def write(self, job: dict[str, Any]) -> None:
        target = self.folder / f"{job['id']:06d}.json"
        new = target.with_suffix(f".{os.getpid()}")
        new.write_text(json.dumps(job))
        new.replace(target)

    def read(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / f"{number:06d}.json").read_text())
        return found

    def add(self, job: dict[str, Any]) -> int:
        for number in range(101, 10**6):
            try:
                (self.folder / f"{number}.taken").touch(exist_ok=False)
            except FileExistsError:
                continue
            self.write({"id": number, **job})
            return number
        raise SystemExit("full")


def sbatch(words: list[str]) -> int:
    if words != ["--parsable"]:
        return refuse("sbatch", f"unrecognized option '{words}'")
    script = sys.stdin.read()
    options: dict[str, str] = {"--partition": "cpu", "--output": "slurm-%j.out", "--time": "1:00"}
    for line in script.splitlines():
        if line.startswith("#SBATCH "):
            key, _, value = line.removeprefix("#SBATCH ").partition("=")
            if key not in LIMITS | FLAGS:
                return refuse("sbatch", f"unrecognized option '{key}'")
            options[key] = value
    if not script.startswith("#!"):
        return refuse("sbatch", "This does not look like a batch script.")
    partition = options["--partition"]
    if partition not in PARTITIONS:
        print(f"sbatch: error: invalid partition specified: {partition}", file=sys.stderr)
        return refuse("sbatch", "Batch job submission failed: Invalid partition name specified")
    table = Table()
    job = {
        **{"name": options.get("--job-name", "sbatch"), "options": options, "script": script},
        **{"state": "PENDING", "reason": PARTITIONS[partition] or "None", "start": None},
    }
    number = table.add(job)
    if PARTITIONS[partition] is None:
        command = [sys.executable, __file__, "run", str(number)]
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        subprocess.Popen(command, start_new_session=True, **streams)
    print(number)
    return 0


def run(words: list[str]) -> int:
    """Be the node: run the script, keep its limit."""
    table, number = Table(), int(words[0])
    job = table.read(number)
    environment = {**os.environ, "SLURM_JOB_ID": str(number)}
    if "--gres" in job["options"]:
        count = int(job["options"]["--gres"].rpartition(":")[2])
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(str(n) for n in range(count))
    output = Path(job["options"]["--output"].replace("%j", str(number)))
    with output.open("ab") as log:
        with table.alone():
            if table.read(number)["state"] != "PENDING":  # cancelled before it started
                return 0
            process = subprocess.Popen(
                [shutil.which("bash") or "bash"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=environment,
                start_new_session=True,
            )
            table.write({**job, "state": "RUNNING", "start": time.time(), "pid": process.pid})
        assert process.stdin is not None
        process.stdin.write(job["script"].encode())
        process.stdin.close()
        limit = seconds(job["options"]["--time"])
        try:
            process.wait(limit)
            state = "COMPLETED" if process.returncode == 0 else "FAILED"
        except subprocess.TimeoutExpired:
            state = "TIMEOUT"
            log.write(f"slurmstepd: error: *** JOB {number} CANCELLED DUE TO TIME LIMIT\n".encode())
            end(process.pid)
            process.wait()
    with table.alone():
        job = table.read(number)
        if job["state"] == "RUNNING":
            table.write({**job, "state": state})
    return 0


def end(pid: int) -> None:
    """SIGTERM to all processes of a job, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        time.sleep(KILL_WAIT_S if number is signal.SIGTERM else 0)


def squeue(words: list[str]) -> int:
    options = dict(word.partition("=")[::2] for word in words)
    if options.keys() != {"--noheader", "--name", "--format"}:
        return refuse("squeue", f"unrecognized option '{words}'")
    for job in jobs_of(Table().folder):
        if job["name"] == options["--name"] and job["state"] in {"PENDING", "RUNNING"}:
            left = seconds(job["options"]["--time"])
            if job["start"] is not None:
                left -= time.time() - job["start"]
            minutes, rest = divmod(max(0, int(left)), 60)
            hours, minutes = divmod(minutes, 60)
            clock = f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
            fields = {"%i": str(job["id"]), "%T": job["state"], "%L": clock, "%r": job["reason"]}
            line = options["--format"]
            for key, value in fields.items():
                line = line.replace(key, value)
            print(line)
    return 0


def scancel(words: list[str]) -> int:
    table = Table()
    with table.alone():
        for job in jobs_of(table.folder):
            meant = str(job["id"]) in words or f"--name={job['name']}" in words
            if meant and job["state"] in {"PENDING", "RUNNING"}:
                table.write({**job, "state": "CANCELLED"})
                if "pid" in job:
                    command = [sys.executable, __file__, "end", str(job["pid"])]
                    subprocess.Popen(command, start_new_session=True)
    return 0


def refuse(command: str, why: str) -> int:
    print(f"{command}: error: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    program, *arguments = sys.argv[1:]
    if program == "end":
        end(int(arguments[0]))
        sys.exit(0)
    sys.exit(
        {"sbatch": sbatch, "squeue": squeue, "scancel": scancel, "run": run}[program](arguments)
    )
