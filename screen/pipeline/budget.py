"""What to do when a worker dies: a pure state machine, without clocks or workers.

On an unexpected loss the scheduler suspects every task that the worker had, so a lost task is
not guilty yet. It goes to quarantine; when nothing else is left, the suspects run one at a
time, and who loses a worker alone is condemned.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


class Budget(Generic[T]):
    """Order in which tasks run: the queue first, then the suspects one at a time."""

    def __init__(self, tasks: Iterable[T] = ()) -> None:
        self._queue = deque(tasks)
        self._quarantine: deque[T] = deque()
        self._running: set[T] = set()
        self._alone: T | None = None
        self.condemned: list[T] = []

    def add(self, task: T) -> None:
        """Put a task in the queue."""
        self._queue.append(task)

    def add_first(self, task: T) -> None:
        """Put a task at the front: work in progress ends before new work starts."""
        self._queue.appendleft(task)

    def next(self, slots: int) -> T | None:
        """Task to start now on a cluster with ``slots`` slots, or None."""
        if self._alone is not None or len(self._running) >= slots:
            return None
        if self._queue:
            task = self._queue.popleft()
        elif self._quarantine and not self._running:
            task = self._alone = self._quarantine.popleft()
        else:
            return None
        self._running.add(task)
        return task

    def ended(self, task: T) -> None:
        """Record that a task ended by itself."""
        self._running.remove(task)
        if self._alone == task:
            self._alone = None

    def lost(self, task: T) -> bool:
        """Record that a worker died with this task; True if the task is condemned."""
        self._running.remove(task)
        if self._alone == task:
            self._alone = None
            self.condemned.append(task)
            return True
        self._quarantine.append(task)
        return False

    @property
    def running(self) -> frozenset[T]:
        """Tasks that run now."""
        return frozenset(self._running)

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing waits."""
        return not (self._running or self._queue or self._quarantine)
