"""Worker processes on this machine, each offering the processor and the potential."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import Annotated, Any

import dask
from dask.utils import parse_bytes
from distributed import Client, Nanny, Scheduler, SpecCluster
from distributed.worker_memory import parse_memory_limit
from pydantic import Field, field_validator

from screen.clusters._dask import CONFIG, DaskWorkers
from screen.clusters._interpreters import ForeignNanny
from screen.core.protocols import WorkerKind, Workers
from screen.core.settings import Settings, validated

SCHEDULER: dict[str, Any] = {
    "host": "127.0.0.1",
    "dashboard_address": "127.0.0.1:0",  # any free port: several campaigns on one machine
}
LOGGER = logging.getLogger("distributed")
CLOSE_S = 20  # a nanny that restarts its worker can make close() wait for ever


class LocalOptions(Settings):
    """Options of the local cluster."""

    workers: Annotated[int, Field(ge=0)] = 0  # 0: one per processor core, or per environment
    memory_limit: str = "auto"  # per worker, e.g. "8 GiB"

    @field_validator("memory_limit")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        if value != "auto":
            parse_bytes(value)  # raises ValueError
        return value


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Start ``workers`` processes of one thread, one of each kind at least, and share the cores.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    """
    chosen = validated(LocalOptions, options, "[cluster] local")
    cores = len(os.sched_getaffinity(0))
    count = max(chosen.workers or cores, len(kinds))
    memory = parse_memory_limit(chosen.memory_limit, 1, count, logger=LOGGER)
    with dask.config.set(
        {**CONFIG, "distributed.nanny.pre-spawn-environ": _environment(cores, count)}
    ):
        cluster = SpecCluster(
            scheduler={"cls": Scheduler, "options": SCHEDULER},
            workers={n: _worker(kind, memory) for n, kind in _shared_out(kinds, count)},
            silence_logs=logging.ERROR,  # a busy worker that closes late is no news
            name="thermoscreen",
        )
        client = Client(cluster)
        try:
            # a worker that dies while it starts takes its nanny with it: scaling brings both back
            yield DaskWorkers(
                client,
                {name for kind in kinds for name in kind.resources},
                refill=lambda: cluster.scale(count),
            )
        finally:
            with suppress(TimeoutError, AssertionError, OSError):
                # results are stored before this point: a failing teardown loses nothing
                client.close(timeout=CLOSE_S)
                cluster.close(timeout=CLOSE_S)


def _shared_out(kinds: Sequence[WorkerKind], count: int) -> Iterator[tuple[int, WorkerKind]]:
    """Give each worker a number and a kind, in turn."""
    return zip(range(count), cycle(kinds), strict=False)


def _worker(kind: WorkerKind, memory: int | None) -> dict[str, Any]:
    """Specification of a worker: in this interpreter as a child of ours, else by a command."""
    options = {
        "host": "127.0.0.1",
        "nthreads": 1,
        "memory_limit": memory,
        "resources": dict.fromkeys(kind.resources, 1),
        "dashboard": False,
    }
    if kind.python == Path(sys.executable):
        return {"cls": Nanny, "options": {**options, "silence_logs": logging.ERROR}}
    return {"cls": ForeignNanny, "options": {"python": kind.python, "options": options}}


def _environment(cores: int, workers: int) -> dict[str, str]:
    """Threads per process, so that all workers together use each core once; memory settings.

    glibc gives every large array back to the system when it is freed and page-faults it in
    again when the next one is made; keeping it saves 11 to 35 % of SevenNet's processor time
    (64 to 512 atoms).
    """
    share = str(max(1, cores // workers))
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")
    keep = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**34)}
    return {**dict.fromkeys(names, share), **keep}
