"""The jobs of a run in Slurm: as many as the work needs, replaced when they end, none left over."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from distributed import Client

from screen.clusters._growing import units_wanted
from screen.clusters._slurm_commands import Listed, last_words, listed_jobs, run_slurm
from screen.clusters._slurm_script import JobOptions
from screen.core.errors import CampaignError

LOGGER = logging.getLogger("thermoscreen.slurm")
STILLBORN = 3  # jobs in a row that ended before a worker came: the next would, too
UNSUBMITTED = 10  # refusals in a row of what was accepted before: the account may have run dry
IDLE_S = 120.0  # a job that too little work is there for is kept so long
NEVER = frozenset(
    {
        *("PartitionTimeLimit", "PartitionNodeLimit", "BadConstraints", "InvalidAccount"),
        *("InvalidQOS", "AccountNotAllowed", "QOSNotAllowed", "PartitionDown", "PartitionInactive"),
    }
)
"""Reasons of Slurm for which a job waits until somebody changes it."""


@dataclass(frozen=True)
class Group:
    """Jobs that are alike."""

    resources: tuple[str, ...]
    options: JobOptions
    script: str


@dataclass
class _Job:
    group: Group
    state: str = "PENDING"
    left_s: float = float("inf")
    reason: str = ""
    worked: bool = False  # a worker of it was seen

    @property
    def begins(self) -> bool:
        """It waits, or still begins new work; otherwise another is needed."""
        return self.state == "PENDING" or self.left_s > self.group.options.ending_s


@dataclass
class Jobs:
    """All jobs of a run; ``tend`` is called every few seconds."""

    name: str  # of every job
    folder: Path  # of the logs
    groups: Sequence[Group]
    client: Client
    _jobs: dict[str, _Job] = field(default_factory=dict)
    _stillborn: Counter[Group] = field(default_factory=Counter)  # in a row
    _refused: Counter[Group] = field(default_factory=Counter)  # in a row
    _accepted: set[Group] = field(default_factory=set)
    _proven: set[Group] = field(default_factory=set)  # a worker of it was seen
    _surplus_since: dict[Group, float] = field(default_factory=dict)

    def tend(self, tasks: Mapping[str, int] | None) -> None:
        """See what became of the jobs, and submit or end some.

        Raises
        ------
        CampaignError
            Slurm refuses the jobs, lets them wait for ever, or they end before a worker comes.
        """
        idle = self._look()
        for group in self.groups:
            options = group.options
            wanted = units_wanted(
                tasks, group.resources, options.processes, options.min_jobs, options.max_jobs
            )
            here = [number for number, job in self._of(group) if job.begins]
            missing = wanted - len(here)
            if self._stillborn[group] >= STILLBORN:  # those that work go on alone
                works = any(job.worked for _, job in self._of(group))
                missing = min(missing, 0 if works else 1)
            for _ in range(missing):
                if not self._submit(group):
                    break
            if len(here) <= wanted:
                self._surplus_since[group] = time.monotonic()
            elif time.monotonic() - self._surplus_since[group] > IDLE_S:
                self._end(here, len(here) - wanted, idle)

    def _of(self, group: Group) -> list[tuple[str, _Job]]:
        return [(number, job) for number, job in self._jobs.items() if job.group is group]

    def cancel(self) -> None:
        """End every job of this run, also one whose number never reached us."""
        done = run_slurm("scancel", f"--name={self.name}")
        if done.returncode != 0:
            LOGGER.warning("scancel --name=%s failed: %s", self.name, done.stderr.strip())

    def _look(self) -> dict[str, list[str]]:
        """Take note of states and workers; returns the idle workers' addresses by job."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        processing = self.client.processing()
        idle: dict[str, list[str]] = {}
        for address, worker in workers.items():
            number = str(worker["name"]).partition("-")[0]
            if (job := self._jobs.get(number)) is not None:
                if not job.worked:
                    self._stillborn[job.group] = 0
                    self._proven.add(job.group)
                job.worked = True
                free = idle.setdefault(number, [])
                free += [] if processing.get(address) else [address]
        listed = listed_jobs(self.name)
        if listed is not None:
            self._update(listed)
        return idle

    def _update(self, listed: Mapping[str, Listed]) -> None:
        for number, job in list(self._jobs.items()):
            if number not in listed or listed[number].state == "COMPLETING":
                del self._jobs[number]
                self._ended(number, job)
                continue
            job.state, job.left_s, job.reason = listed[number]
            hopeless = job.state == "PENDING" and job.reason in NEVER
            if hopeless and job.group not in self._proven:  # else somebody works on the machine
                raise CampaignError(
                    f"Slurm will never start job {number} for {' '.join(job.group.resources)}: "
                    f"{job.reason}; correct [cluster] partition, time, account or qos"
                )

    def _ended(self, number: str, job: _Job) -> None:
        """Count jobs that ended before a worker came."""
        LOGGER.info("job %s ended", number)
        if job.worked:
            return
        self._stillborn[job.group] += 1
        log = self.folder / f"{number}.log"
        works = any(other.worked for _, other in self._of(job.group))
        if self._stillborn[job.group] >= STILLBORN and not works:
            raise CampaignError(
                f"{self._stillborn[job.group]} jobs in a row for {' '.join(job.group.resources)} "
                f"ended before a worker came; the last words of job {number} "
                f"({log}): {last_words(log)}"
            )

    def _submit(self, group: Group) -> bool:
        """Submit a job; False where Slurm takes none now."""
        done = run_slurm("sbatch", "--parsable", script=group.script)
        if done.returncode == 0:
            number = done.stdout.strip().partition(";")[0]  # "number;cluster" in a federation
            self._jobs[number] = _Job(group)
            self._refused[group] = 0
            self._accepted.add(group)
            LOGGER.info("job %s for %s submitted", number, " ".join(group.resources))
            return True
        self._refused[group] += 1
        words = " / ".join(done.stderr.strip().splitlines()) or f"exit code {done.returncode}"
        LOGGER.info("sbatch refuses a job: %s", words)
        alone = not self._of(group)
        if group not in self._accepted or (alone and self._refused[group] >= UNSUBMITTED):
            raise CampaignError(f"sbatch refuses a job for {' '.join(group.resources)}: {words}")
        return False

    def _end(self, numbers: Sequence[str], count: int, idle: Mapping[str, list[str]]) -> None:
        """End jobs that wait, then those whose workers are all idle."""
        waiting = [number for number in numbers if self._jobs[number].state == "PENDING"][:count]
        if waiting:
            run_slurm("scancel", *waiting)
        for number in waiting:  # it has not failed
            del self._jobs[number]
        free = [
            number
            for number in numbers
            if number in self._jobs
            and len(idle.get(number, ())) == self._jobs[number].group.options.processes
        ][: count - len(waiting)]
        if free:
            LOGGER.info("ending idle jobs %s", " ".join(free))
            # a worker that leaves by itself gives back what came to it in the meantime
            self.client.retire_workers([address for n in free for address in idle[n]])
