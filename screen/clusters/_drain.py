"""Preloaded by workers that must end: begin nothing new before the end, give back what runs at it.

Dask's own ``--lifetime`` drops the running task when it is over, and begins anew when the nanny
restarts a worker, so that the worker would outlive its batch job.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import dask
from distributed.core import Status

KEY = "thermoscreen.worker-end"
"""Dask setting: {"end": seconds since 1970, "drain": seconds}."""
LAST_S = 20.0  # to say good-bye to the scheduler before the batch system kills
POLL_S = 0.2


async def dask_setup(worker: Any) -> None:
    """Plan the end of a worker."""
    plan = dask.config.get(KEY)
    # spread, so that the workers that started together do not all drain together
    begin = plan["end"] - LAST_S - plan["drain"] * (1 + random.random())
    worker.ending = asyncio.create_task(_end(worker, begin, plan["end"] - LAST_S))


async def _end(worker: Any, begin: float, last: float) -> None:
    """Refuse tasks from ``begin`` on; close when the running one has ended, or at ``last``."""
    await asyncio.sleep(begin - time.time())
    # not "paused": the memory monitor would set a paused worker to work again
    worker.status = Status.closing_gracefully
    while (worker.state.executing or worker.data) and time.time() < last:
        await asyncio.sleep(POLL_S)
    # an expected loss: Dask sends a task that still runs elsewhere, and suspects nothing
    await worker.scheduler.retire_workers(
        workers=[worker.address], close_workers=False, remove=True, stimulus_id="worker-end"
    )
    # without waiting for that task here: it would compute what now runs elsewhere
    await worker.close(nanny=True, executor_wait=False, reason="worker-end")
