"""Workers that compute nothing: tasks say how long they would take, and a clock jumps from end to end.

A discrete-event simulation behind the protocol that the driver uses, so that the driver itself is
what is tested and sized. Workers fail at random (exponential lifetimes), are taken away when their
wall time is over, and some tasks straggle; all by one seed.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from screen.core.errors import CampaignError
from screen.core.protocols import Completed, Slots, WorkerKind, Workers
from screen.core.settings import Positive, Settings, validated

CPU = "cpu"
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
class _Worker:
    """One simulated process."""

    kind: str
    resources: frozenset[str]
    ends: float = 0.0  # time at which it dies


@dataclass(frozen=True)
class _Running:
    """A task on a worker."""

    key: str
    worker: _Worker
    timed: Timed
    began: float
    stretch: float  # of its time


@dataclass
class SimulatedWorkers:
    """Workers, a clock and a heap of events; see ``core.protocols.Workers``."""

    options: SimulateOptions
    groups: Mapping[str, tuple[int, frozenset[str]]]  # kind -> number, resources
    clock: float = 0.0  # s since the start
    usage: dict[str, Usage] = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.options.seed)
        self._events: list[tuple[float, int, _Running | _Worker]] = []
        self._order = count()  # events at the same time in the order in which they were made
        self._idle: dict[str, deque[_Worker]] = {kind: deque() for kind in self.groups}
        self._alive = dict.fromkeys(self.groups, 0)
        self._waiting: deque[tuple[str, str, Callable[..., Any], tuple[Any, ...]]] = deque()
        self.usage = {kind: Usage(number) for kind, (number, _) in self.groups.items()}
        for kind, (number, resources) in self.groups.items():
            for _ in range(number):
                self._start(_Worker(kind, resources))

    @property
    def slots(self) -> Slots:
        """How many tasks can run on the workers that are alive."""
        offering: dict[str, int] = {}
        for kind, (_, resources) in self.groups.items():
            for name in resources:
                offering[name] = offering.get(name, 0) + self._alive[kind]
        return Slots(sum(self._alive.values()), offering)

    def need(self, tasks: Mapping[str, int]) -> None:
        """Nothing follows the work: the machine is what it is."""

    def submit(self, key: str, resource: str, function: Callable[..., Any], *args: Any) -> None:
        """Ask a task how long it takes, and put its end on the clock.

        Raises
        ------
        CampaignError
            The task would compute: this cluster has nothing to compute with.
        """
        worker = self._take(resource)
        if worker is None:  # all of its kind are restarting
            self._waiting.append((key, resource, function, args))
            return
        timed = function(worker.resources, lambda stage: None, *args)
        if not isinstance(timed, Timed):
            raise CampaignError(
                "the simulate cluster computes nothing: use `thermoscreen plan --simulate`"
            )
        slow = self._random.random() < self.options.stragglers
        stretch = self.options.slowdown if slow else 1.0
        running = _Running(key, worker, timed, self.clock, stretch)
        end = self.clock + self._seconds(running)
        self._push(min(end, worker.ends), running)

    def next_completed(self, timeout: float | None = None) -> Completed | None:
        """Jump to the next event; None when it was a worker that came back, or there is none."""
        if not self._events:
            return None
        self.clock, _, event = heapq.heappop(self._events)
        if isinstance(event, _Worker):
            self._start(event)
            return None
        return self._end(event)

    def stages(self) -> Mapping[str, str]:
        """Nothing: asking would cost more than the simulation."""
        return {}

    def _end(self, running: _Running) -> Completed:
        """End a task: by itself, or with its worker."""
        worker, usage = running.worker, self.usage[running.worker.kind]
        spent = self.clock - running.began
        if self.clock < running.began + self._seconds(running):
            done, useful = self._finished_steps(running, spent)
            running.timed.finish(done)
            usage.busy += useful
            usage.lost += spent - useful
            usage.losses += 1
            self._lose(worker)
            return Completed(running.key, lost=True)
        usage.busy += spent
        if worker.ends <= self.clock:
            self._lose(worker)
        else:
            self._idle[worker.kind].append(worker)
        return Completed(running.key, running.timed.finish(len(running.timed.steps)))

    def _finished_steps(self, running: _Running, spent: float) -> tuple[int, float]:
        """Count the steps that ended within ``spent`` seconds, and how long they took."""
        useful = self.options.overhead_s
        for number, (_, seconds) in enumerate(running.timed.steps):
            if useful + seconds * running.stretch > spent:
                return number, min(useful, spent)
            useful += seconds * running.stretch
        return len(running.timed.steps), useful

    def _seconds(self, running: _Running) -> float:
        work = sum(seconds for _, seconds in running.timed.steps)
        return self.options.overhead_s + work * running.stretch

    def _take(self, resource: str) -> _Worker | None:
        """Return an idle worker that offers a resource; one whose time is over is replaced."""
        for kind, (_, resources) in self.groups.items():
            if resource in resources and self._idle[kind]:
                worker = self._idle[kind].popleft()
                if worker.ends <= self.clock:  # it died while it was idle, and nobody noticed
                    self.usage[kind].restarts += 1
                    worker.ends = self.clock + self._lifetime()
                return worker
        return None

    def _lose(self, worker: _Worker) -> None:
        self._alive[worker.kind] -= 1
        self._push(self.clock + self.options.restart_s, worker)

    def _start(self, worker: _Worker) -> None:
        self.usage[worker.kind].restarts += self.clock > 0
        worker.ends = self.clock + self._lifetime()
        self._alive[worker.kind] += 1
        self._idle[worker.kind].append(worker)
        for _ in range(len(self._waiting)):
            key, resource, function, args = self._waiting.popleft()
            self.submit(key, resource, function, *args)

    def _lifetime(self) -> float:
        """Seconds until a new worker dies."""
        options = self.options
        walltime = float("inf") if options.walltime_h is None else options.walltime_h * HOUR
        if options.mtbf_h is None:
            return walltime
        return min(walltime, float(self._random.exponential(options.mtbf_h * HOUR)))

    def _push(self, at: float, event: _Running | _Worker) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Offer simulated workers: ``gpus`` for the potentials, ``cpus`` beside, or ``workers`` for all.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    CampaignError
        A resource would have no worker.
    """
    yield simulated(validated(SimulateOptions, options, "[cluster] simulate"), kinds)


def simulated(options: SimulateOptions, kinds: Sequence[WorkerKind]) -> SimulatedWorkers:
    """Make the workers; each potential's environment is on every GPU.

    Raises
    ------
    CampaignError
        A resource would have no worker.
    """
    potentials = frozenset(name for kind in kinds for name in kind.resources if name != CPU)
    groups = {
        "gpu": (options.gpus, potentials),
        "cpu": (options.cpus, frozenset({CPU})),
        "worker": (options.workers, potentials | {CPU}),
    }
    used = {kind: group for kind, group in groups.items() if group[0]}
    offered = frozenset[str]().union(*(resources for _, resources in used.values()))
    missing = sorted((potentials | {CPU}) - offered)
    if missing:
        raise CampaignError(
            f"no simulated worker offers {' or '.join(missing)}: give gpus and cpus, or workers"
        )
    return SimulatedWorkers(options, used)
