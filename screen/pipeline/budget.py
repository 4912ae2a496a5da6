"""Which task starts next, and what to do when a worker dies: a pure state machine, without clocks.

Tasks wait by the resource that they need, so that no kind of worker idles behind another's
queue. On an unexpected loss the scheduler suspects every task that the worker had, so a lost
task is not guilty yet. It goes to quarantine; when nothing else is left, the suspects run one at
a time, and who loses a worker alone is condemned. So is who finds no memory even alone.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from screen.core.protocols import Slots

T = TypeVar("T", bound=Hashable)

CPU = "cpu"  # its tasks end what has begun: they go first


class Budget(Generic[T]):
    """Order in which tasks run: the queues first, then the suspects one at a time."""

    def __init__(self) -> None:
        self._queues: dict[str, deque[T]] = {CPU: deque()}
        self._quarantine: deque[tuple[T, str]] = deque()
        self._running: dict[T, str] = {}
        self._alone: T | None = None
        self.condemned: list[T] = []

    def add(self, task: T, resource: str = CPU) -> None:
        """Put a task in the queue of the resource that it needs."""
        self._queues.setdefault(resource, deque()).append(task)

    def add_first(self, task: T, resource: str = CPU) -> None:
        """Put a task at the front: work in progress ends before new work starts."""
        self._queues.setdefault(resource, deque()).appendleft(task)

    def next(self, slots: Slots) -> T | None:
        """Task to start now on a cluster with these slots, or None."""
        if self._alone is not None or len(self._running) >= slots.total:
            return None
        busy = Counter(self._running.values())
        for resource in sorted(self._queues, key=lambda name: (name != CPU, busy[name])):
            if self._queues[resource] and busy[resource] < slots.offering.get(resource, 0):
                task = self._queues[resource].popleft()
                break
        else:
            if self._running or any(self._queues.values()) or not self._quarantine:
                return None
            task, resource = self._quarantine.popleft()
            self._alone = task
        self._running[task] = resource
        return task

    def ended(self, task: T) -> None:
        """Record that a task ended by itself."""
        del self._running[task]
        if self._alone == task:
            self._alone = None

    def lost(self, task: T) -> bool:
        """Record that a task lost its worker or its memory; True if it did so alone."""
        resource = self._running.pop(task)
        if self._alone == task:
            self._alone = None
            self.condemned.append(task)
            return True
        self._quarantine.append((task, resource))
        return False

    @property
    def tasks(self) -> Counter[str]:
        """Count tasks that run or wait, by the resource that they need."""
        waiting = {resource: len(queue) for resource, queue in self._queues.items()}
        suspects = (resource for _, resource in self._quarantine)
        return Counter(waiting) + Counter(self._running.values()) + Counter(suspects)

    @property
    def running(self) -> frozenset[T]:
        """Tasks that run now."""
        return frozenset(self._running)

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return not (self._running or self._quarantine or any(self._queues.values()))
