"""Dask workers whose number follows the work: jobs of a batch system, pods."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence

from distributed import Client

from screen.clusters._dask import DaskWorkers
from screen.core.protocols import Slots

TEND_S = 5.0  # between looks at the batch system


def units_wanted(
    tasks: Mapping[str, int] | None,
    resources: Sequence[str],
    per_unit: int,
    minimum: int,
    maximum: int,
) -> int:
    """How many jobs or pods of ``per_unit`` workers the tasks for ``resources`` keep busy.

    Without word of the tasks, one at least: nothing would start otherwise.
    """
    if tasks is None:
        return min(max(1, minimum), maximum)
    count = sum(tasks.get(name, 0) for name in resources)
    return min(max(-(-count // per_unit), minimum), maximum)


class GrowingWorkers(DaskWorkers):
    """Workers of a Dask cluster that ``tend(tasks)`` starts and ends from time to time."""

    def __init__(
        self,
        client: Client,
        wanted: Collection[str],
        tend: Callable[[Mapping[str, int] | None], None],
    ) -> None:
        """``tend`` is told the tasks by resource, or None before the driver has counted them."""
        super().__init__(client, wanted)
        self._tend = tend
        self._tasks: dict[str, int] | None = None
        self._tended = float("-inf")

    def need(self, tasks: Mapping[str, int]) -> None:
        """Take note of the tasks that run or wait, by resource."""
        self._tasks = dict(tasks)

    @property
    def slots(self) -> Slots:
        """Threads of the workers that are there; the driver asks in each turn of its loop.

        Raises
        ------
        CampaignError
            Workers cannot be started any more.
        """
        now = time.monotonic()
        if now - self._tended > TEND_S:
            self._tended = now
            self._tend(self._tasks)
        return super().slots
