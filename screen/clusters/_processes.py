"""Worker processes on this machine, in any interpreters, under one scheduler of our own."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, SpecCluster, Status
from distributed.worker_memory import parse_memory_limit

from screen.clusters._dask import CONFIG, DaskWorkers
from screen.clusters._interpreters import ForeignNanny
from screen.core.errors import CampaignError
from screen.core.protocols import Workers

LOGGER = logging.getLogger("distributed")
STARTS = 3  # times that the workers are started before giving up
CLOSE_S = 20  # a nanny that restarts its worker can make close() wait for ever
SCHEDULER: dict[str, Any] = {
    "host": "127.0.0.1",
    "dashboard_address": "127.0.0.1:0",  # any free port: several campaigns on one machine
}


@dataclass(frozen=True)
class Process:
    """One worker process of one thread."""

    resources: tuple[str, ...]
    python: Path
    environment: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def started(processes: Sequence[Process], memory_limit: str) -> Iterator[Workers]:
    """Start all processes, share out the cores among them, and end them with the context.

    ``memory_limit`` is of each process, e.g. "8 GiB", or "auto" for equal shares.
    """
    count = len(processes)
    memory = parse_memory_limit(memory_limit, 1, count, logger=LOGGER)
    threads = thread_environment(len(os.sched_getaffinity(0)), count)
    with dask.config.set({**CONFIG, "distributed.nanny.pre-spawn-environ": threads}):
        cluster = _cluster({n: _worker(process, memory) for n, process in enumerate(processes)})
        client = Client(cluster)
        try:
            yield DaskWorkers(
                client,
                {name for process in processes for name in process.resources},
                refill=lambda: _refill(cluster, count),
                full=count,
            )
        finally:
            with suppress(TimeoutError, AssertionError, OSError):
                # results are stored before this point: a failing teardown loses nothing
                client.close(timeout=CLOSE_S)
                cluster.close(timeout=CLOSE_S)


def _cluster(workers: Mapping[int, Any]) -> SpecCluster:
    """Start a scheduler and workers, anew where one of them dies while it starts."""
    failed: RuntimeError | None = None
    for _ in range(STARTS):
        try:
            return SpecCluster(
                scheduler={"cls": Scheduler, "options": SCHEDULER},
                workers=workers,
                silence_logs=logging.ERROR,  # a busy worker that closes late is no news
                name="thermoscreen",
            )
        except RuntimeError as error:
            failed = error
    raise CampaignError(
        f"{len(workers)} workers do not start; see [cluster] workers and memory_limit"
    ) from failed


def _refill(cluster: SpecCluster, count: int) -> None:
    """Start workers in the place of those that died while they started.

    Such a one takes its nanny with it, which the cluster goes on counting.
    """

    async def forget_the_dead() -> None:
        for name in [name for name, worker in cluster.workers.items() if _is_dead(worker)]:
            del cluster.workers[name]

    cluster.sync(forget_the_dead)
    cluster.scale(count)


def _is_dead(worker: Any) -> bool:
    """Say whether a nanny, or the process of a foreign one, has ended."""
    ended = getattr(getattr(worker, "process", None), "returncode", None) is not None
    return ended or worker.status in {Status.failed, Status.closed}


def thread_environment(cores: int, workers: int) -> dict[str, str]:
    """Threads per process, so that all workers together use each core once; memory settings.

    glibc gives every large array back to the system when it is freed and page-faults it in
    again when the next one is made; keeping it saves 11 to 35 % of SevenNet's processor time
    (64 to 512 atoms).
    """
    share = str(max(1, cores // workers))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    keep = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)}
    return {**dict.fromkeys(names, share), **keep}


def _worker(process: Process, memory: int | None) -> dict[str, Any]:
    """Specification of a worker: in this interpreter as a child of ours, else by a command."""
    options = {
        "host": "127.0.0.1",
        "nthreads": 1,
        "memory_limit": memory,
        "resources": dict.fromkeys(process.resources, 1),
        "dashboard": False,
        "env": dict(process.environment),
    }
    if process.python == Path(sys.executable):
        return {"cls": Nanny, "options": {**options, "silence_logs": logging.ERROR}}
    return {"cls": ForeignNanny, "options": {"python": process.python, "options": options}}
