"""Workers that compute nothing: tasks say how long they would take, and a clock jumps from end to end.

A discrete-event simulation behind the protocol that the driver uses, so that the driver itself is
what is tested and sized. Workers fail at random (exponential lifetimes), are taken away when their
wall time is over, and some tasks straggle; all by one seed. A task that loses its worker goes to
another one, as Dask does: ``ALLOWED_FAILURES`` times, and as often as wall times end.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import numpy as np

from screen.clusters._dask import CONFIG
from screen.clusters._simulated import (
    HOUR,
    Running,
    SimulatedTask,
    SimulatedWorker,
    SimulateOptions,
    Timed,
    Usage,
)
from screen.core.errors import CampaignError
from screen.core.protocols import Completed, Slots, WorkerKind, Workers
from screen.core.settings import validated

__all__ = ["SimulateOptions", "SimulatedWorkers", "Timed", "Usage", "connect", "simulated"]

CPU = "cpu"
ALLOWED_FAILURES: int = CONFIG["distributed.scheduler.allowed-failures"]


@dataclass
class SimulatedWorkers:
    """Workers, a clock and a heap of events; see ``core.protocols.Workers``."""

    options: SimulateOptions
    groups: Mapping[str, tuple[int, frozenset[str]]]  # kind -> number, resources
    clock: float = 0.0  # s since the start
    usage: dict[str, Usage] = field(init=False)

    def __post_init__(self) -> None:
        self._random = np.random.default_rng(self.options.seed)
        self._events: list[tuple[float, int, Running | SimulatedWorker]] = []
        self._order = count()  # events at the same time in the order in which they were made
        self._idle: dict[str, deque[SimulatedWorker]] = {kind: deque() for kind in self.groups}
        self._alive = dict.fromkeys(self.groups, 0)
        self._waiting: deque[SimulatedTask] = deque()
        self.usage = {kind: Usage(number) for kind, (number, _) in self.groups.items()}
        for kind, (number, resources) in self.groups.items():
            for _ in range(number):
                self._start(SimulatedWorker(kind, resources))

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
        self._begin(SimulatedTask(key, resource, function, args))

    def next_completed(self, timeout: float | None = None) -> Completed | None:
        """Jump to the next event; None when it ended no task for good, or there is none."""
        if not self._events:
            return None
        self.clock, _, event = heapq.heappop(self._events)
        if isinstance(event, SimulatedWorker):
            self._start(event)
            return None
        return self._end(event)

    def stages(self) -> Mapping[str, str]:
        """Nothing: asking would cost more than the simulation."""
        return {}

    def _begin(self, task: SimulatedTask) -> None:
        """Give a task to an idle worker; without one it waits."""
        worker = self._take(task.resource)
        if worker is None:
            self._waiting.append(task)
            return
        timed = task.function(worker.resources, lambda stage: None, *task.arguments)
        if not isinstance(timed, Timed):
            raise CampaignError(
                "the simulate cluster computes nothing: use `thermoscreen plan --simulate`"
            )
        slow = self._random.random() < self.options.stragglers
        stretch = self.options.slowdown if slow else 1.0
        running = Running(task, worker, timed, self.clock, stretch)
        end = self.clock + self._seconds(running)
        self._push(min(end, worker.ends), running)

    def _begin_waiting(self) -> None:
        """Try again with those that wait."""
        for _ in range(len(self._waiting)):
            self._begin(self._waiting.popleft())

    def _end(self, running: Running) -> Completed | None:
        """End a task: by itself, or with its worker; None if it begins anew elsewhere."""
        worker, usage = running.worker, self.usage[running.worker.kind]
        spent = self.clock - running.began
        if self.clock < running.began + self._seconds(running):
            done, useful = self._finished_steps(running, spent)
            running.timed.finish(done)
            usage.busy += useful
            usage.lost += spent - useful
            usage.losses += 1
            self._lose(worker)
            failures = running.task.failures + (not worker.taken)
            if failures > ALLOWED_FAILURES:
                return Completed(running.task.key, lost=True)
            self._begin(replace(running.task, failures=failures))
            return None
        usage.busy += spent
        if worker.ends <= self.clock:
            self._lose(worker)
        else:
            self._idle[worker.kind].append(worker)
            self._begin_waiting()
        result = running.timed.finish(len(running.timed.steps))
        return Completed(running.task.key, result)

    def _finished_steps(self, running: Running, spent: float) -> tuple[int, float]:
        """Count the steps that ended within ``spent`` seconds, and how long they took."""
        useful = self.options.overhead_s
        for number, (_, seconds) in enumerate(running.timed.steps):
            if useful + seconds * running.stretch > spent:
                return number, min(useful, spent)
            useful += seconds * running.stretch
        return len(running.timed.steps), useful

    def _seconds(self, running: Running) -> float:
        work = sum(seconds for _, seconds in running.timed.steps)
        return self.options.overhead_s + work * running.stretch

    def _take(self, resource: str) -> SimulatedWorker | None:
        """Return an idle worker that offers a resource; one whose time is over is replaced."""
        for kind, (_, resources) in self.groups.items():
            if resource in resources and self._idle[kind]:
                worker = self._idle[kind].popleft()
                if worker.ends <= self.clock:  # it died while it was idle, and nobody noticed
                    self.usage[kind].restarts += 1
                    self._renew(worker)
                return worker
        return None

    def _lose(self, worker: SimulatedWorker) -> None:
        self._alive[worker.kind] -= 1
        self._push(self.clock + self.options.restart_s, worker)

    def _start(self, worker: SimulatedWorker) -> None:
        self.usage[worker.kind].restarts += self.clock > 0
        self._renew(worker)
        self._alive[worker.kind] += 1
        self._idle[worker.kind].append(worker)
        self._begin_waiting()

    def _renew(self, worker: SimulatedWorker) -> None:
        """Draw when a new worker dies, or is taken away."""
        options, never = self.options, float("inf")
        walltime = never if options.walltime_h is None else options.walltime_h * HOUR
        mean = options.mtbf_h
        lifetime = never if mean is None else float(self._random.exponential(mean * HOUR))
        worker.ends = self.clock + min(walltime, lifetime)
        worker.taken = walltime <= lifetime

    def _push(self, at: float, event: Running | SimulatedWorker) -> None:
        heapq.heappush(self._events, (at, next(self._order), event))


OPTIONS = SimulateOptions


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
