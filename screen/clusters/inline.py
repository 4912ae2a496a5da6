"""Run tasks here, one after the other: for debugging, tests and single crystals."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from screen.core.errors import SettingsError
from screen.core.protocols import Completed, Slots, WorkerKind, Workers
from screen.core.settings import Settings, validated


class InlineWorkers:
    """One slot that offers every resource; a task runs when its result is asked for."""

    def __init__(self, resources: Iterable[str]) -> None:
        self._resources = frozenset(resources)
        self.slots = Slots(1, dict.fromkeys(self._resources, 1))
        self._waiting: deque[tuple[str, Callable[..., Any], tuple[Any, ...]]] = deque()
        self._stages: dict[str, str] = {}

    def need(self, tasks: Mapping[str, int]) -> None:
        """Nothing follows the work here: there is this process."""

    def submit(self, key: str, resource: str, function: Callable[..., Any], *args: Any) -> None:
        """Queue a task."""
        self._waiting.append((key, function, args))

    def next_completed(self, timeout: float | None = None) -> Completed | None:
        """Run the next task; errors are raised where they happen, for a debugger to see."""
        if not self._waiting:
            return None
        key, function, args = self._waiting.popleft()

        def report(stage: str) -> None:
            self._stages[key] = stage

        try:
            return Completed(key, function(self._resources, report, *args))
        finally:
            self._stages.pop(key, None)

    def stages(self) -> Mapping[str, str]:
        """Stage of the running task."""
        return dict(self._stages)


class InlineOptions(Settings):
    """There are none."""


OPTIONS = InlineOptions


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Offer this process; takes no options.

    Raises
    ------
    SettingsError
        An option was given, or a potential has an interpreter of its own.
    """
    validated(InlineOptions, options, "[cluster] inline")
    for kind in kinds:
        if kind.python != Path(sys.executable):
            raise SettingsError(
                f"the inline cluster runs in {sys.executable}, but {' and '.join(kind.resources)} "
                f"need {kind.python}; use cluster local, or run the campaign with that interpreter"
            )
    yield InlineWorkers(name for kind in kinds for name in kind.resources)
