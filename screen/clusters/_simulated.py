"""Simulated machines: their options, what tasks say of themselves, and what was used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from screen.core.settings import Positive, Settings

HOUR = 3600.0  # s


class SimulateOptions(Settings):
    """Machines and their mishaps."""

    gpus: Annotated[int, Field(ge=0)] = 0  # workers of the potentials, one each
    cpus: Annotated[int, Field(ge=0)] = 0  # workers for the processor alone
    workers: Annotated[int, Field(ge=0)] = 0  # workers that offer everything, as of cluster local
    mtbf_h: Positive | None = None  # mean hours between failures of one worker; None: none
    walltime_h: Positive | None = None  # hours after which the batch system takes a worker away
    restart_s: Annotated[float, Field(ge=0)] = 60.0  # until a lost worker is back
    stragglers: Annotated[float, Field(ge=0, lt=1)] = 0.0  # share of tasks that take longer
    slowdown: Annotated[float, Field(ge=1)] = 5.0  # times as long as they should
    overhead_s: Annotated[float, Field(ge=0)] = 0.02  # per task, for the scheduler and the driver
    seed: int = 0


@dataclass(frozen=True)
class Timed:
    """What a simulated task returns at once: its stages, and what to do when it ends."""

    steps: tuple[tuple[str, float], ...]  # stage and seconds, in order
    finish: Callable[[int], Any]  # takes how many steps ended; their result if all did


@dataclass
class Usage:
    """What the workers of one kind have done, in seconds."""

    workers: int
    busy: float = 0.0  # useful work
    lost: float = 0.0  # work of stages that were cut off
    losses: int = 0  # tasks that lost their worker
    restarts: int = 0


@dataclass
class SimulatedWorker:
    """One simulated process."""

    kind: str
    resources: frozenset[str]
    ends: float = 0.0  # time at which it dies, or is taken away
    taken: bool = False  # its end is that of its wall time: nobody is suspected


@dataclass(frozen=True)
class SimulatedTask:
    """A task as it was submitted."""

    key: str
    resource: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    failures: int = 0  # workers that died with it


@dataclass(frozen=True)
class Running:
    """A task on a worker."""

    task: SimulatedTask
    worker: SimulatedWorker
    timed: Timed
    began: float
    stretch: float  # of its time
