"""The text of a Slurm job that runs workers of one kind; Slurm's way to write times and sizes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from screen.clusters._drain import LAST_S
from screen.clusters._processes import thread_environment
from screen.clusters._security import SecurityFiles
from screen.core.settings import Settings

UNITS = {"K": 2**-10, "M": 1, "G": 2**10, "T": 2**20}  # MiB
Count = Annotated[int, Field(ge=0)]


def seconds_of(time: str) -> float:
    """Slurm's time limits: ``M``, ``M:S``, ``H:M:S``, ``D-H``, ``D-H:M`` or ``D-H:M:S``.

    Raises
    ------
    ValueError
        It is none of them.
    """
    days, dash, clock = time.rpartition("-")
    parts = clock.split(":")
    if not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", time):
        raise ValueError(f"{time!r} is no time limit such as 12:00:00 or 2-00:00:00")
    numbers = [int(part) for part in parts]
    if dash:
        hours, minutes, seconds = [*numbers, 0, 0][:3]
    elif len(numbers) == 3:
        hours, minutes, seconds = numbers
    else:
        hours, minutes, seconds = [0, *numbers, 0][:3]
    return float(((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds)


def mebibytes_of(memory: str) -> int:
    """Slurm's sizes: a number in MiB, or with K, M, G or T.

    Raises
    ------
    ValueError
        It is none of them.
    """
    match = re.fullmatch(r"(\d+)([KMGT]?)", memory)
    if match is None or not int(match[1]):
        raise ValueError(f"{memory!r} is no size such as 64G or 64000 (MiB)")
    return max(1, int(int(match[1]) * UNITS[match[2] or "M"]))


class JobOptions(Settings):
    """What one job of a kind of workers asks for."""

    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    time: str = "24:00:00"
    gpus: Count | Annotated[str, Field(pattern=r"^[\w.-]+:[1-9]\d*$")] = 0  # 2, or "a100:2"
    cpus: Annotated[int, Field(ge=1)] = 1
    memory: str
    workers: Count = 0  # processes of a job; 0: one per GPU, or one
    min_jobs: Count = 0
    max_jobs: Annotated[int, Field(ge=1)] = 4
    drain_s: Annotated[float, Field(ge=0)] = 900.0  # before the limit nothing new is begun
    lines: tuple[str, ...] = ()  # further options of sbatch, e.g. "--constraint=a100"
    prologue: tuple[str, ...] = ()  # commands before the workers, e.g. "module load cuda"

    @field_validator("memory")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        mebibytes_of(value)
        return value

    @model_validator(mode="after")
    def _fits(self) -> JobOptions:
        if self.begins_until_s <= 0:
            raise ValueError(
                f"a job of time = {self.time!r} would begin nothing: its last 2 x drain_s + "
                f"{LAST_S:.0f} s are for ending; give more time or less drain_s"
            )
        if self.min_jobs > self.max_jobs:
            raise ValueError(f"min_jobs = {self.min_jobs} exceeds max_jobs = {self.max_jobs}")
        return self

    @property
    def ending_s(self) -> float:
        """Seconds before its limit from which a job may begin nothing new."""
        return 2 * self.drain_s + LAST_S

    @property
    def begins_until_s(self) -> float:
        """Seconds after its start in which a job surely begins new work."""
        return seconds_of(self.time) - self.ending_s

    @property
    def gpu_count(self) -> int:
        """GPUs of a job."""
        return self.gpus if isinstance(self.gpus, int) else int(self.gpus.rpartition(":")[2])

    @property
    def processes(self) -> int:
        """Worker processes of a job."""
        return self.workers or max(1, self.gpu_count)


@dataclass(frozen=True)
class Place:
    """What all jobs of a run share."""

    name: str  # of every job, so that they can be found again
    scheduler: str  # address
    folder: Path  # logs, on a path that all nodes share
    files: SecurityFiles
    interface: str | None = None


def job_script(place: Place, options: JobOptions, resources: tuple[str, ...], python: Path) -> str:
    """Script for ``sbatch``: one worker process per GPU, or ``workers`` of them."""
    asked = [
        f"--job-name={place.name}",
        f"--output={place.folder}/%j.log",
        "--nodes=1",
        "--ntasks=1",
        "--no-requeue",  # a new job replaces it
        f"--time={options.time}",
        f"--cpus-per-task={options.cpus}",
        f"--mem={mebibytes_of(options.memory)}M",
        *([f"--gres=gpu:{options.gpus}"] if options.gpu_count else []),
        *(
            f"--{key}={value}"
            for key in ("partition", "account", "qos")
            if (value := getattr(options, key)) is not None
        ),
        *options.lines,
    ]
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {line}" for line in asked),
            f"end=${{SLURM_JOB_END_TIME:-$(($(date +%s) + {seconds_of(options.time):.0f}))}}",
            *options.prologue,
            *_exports(thread_environment(options.cpus, options.processes)),
            'IFS=, read -r -a gpus <<< "${CUDA_VISIBLE_DEVICES:-}"',
            "trap 'kill $(jobs -p) 2>/dev/null; wait' TERM INT",
            f"for ((n = 0; n < {options.processes}; n++)); do",
            '    [ ${#gpus[@]} -eq 0 ] || export CUDA_VISIBLE_DEVICES="${gpus[n % ${#gpus[@]}]}"',
            f"    {_worker(place, options, resources, python)} &",
            "done",
            "wait",
            "",
        ]
    )


def _exports(environment: Mapping[str, str]) -> list[str]:
    return [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]


def _worker(place: Place, options: JobOptions, resources: tuple[str, ...], python: Path) -> str:
    """Command line of a worker; its name begins with the job's number."""
    words = [
        *(str(python), "-P", "-m", "screen.clusters", "worker", place.scheduler),
        *("--resources", " ".join(f"{name}=1" for name in resources)),
        *("--memory-limit", f"{mebibytes_of(options.memory) // options.processes}MiB"),
        *("--drain", f"{options.drain_s:g}"),
        *place.files.arguments,
        *(("--interface", place.interface) if place.interface else ()),
    ]
    return f'{shlex.join(words)} --end "$end" --name "$SLURM_JOB_ID-$n"'
