"""Let what runs go on when its driver is gone: on a scheduler that somebody else keeps."""

from __future__ import annotations

from typing import Any

from distributed.diagnostics.plugin import SchedulerPlugin

PREFIX = "thermoscreen-"
"""Of the Dask keys of our tasks."""


class TasksOutliveDrivers(SchedulerPlugin):
    """Make the scheduler itself want each of our tasks from its start to its end.

    ``distributed.fire_and_forget`` asks for that too, but in a message of the client's that is lost
    where it overtakes the graph: a driver killed then took its running tasks with it. When a task
    has ended, Dask drops this wish by itself.
    """

    name = "thermoscreen-tasks-outlive-drivers"
    idempotent = True  # one serves all drivers

    async def start(self, scheduler: Any) -> None:
        """Keep the scheduler in mind."""
        self._scheduler = scheduler

    def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:
        """Follow a task that is given to a worker."""
        if finish == "processing" and str(key).startswith(PREFIX):
            self._scheduler.client_desires_keys([key], "fire-and-forget")
