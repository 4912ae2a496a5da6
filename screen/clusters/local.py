"""Worker processes on this machine, each offering the processor and the potential."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import dask
from dask.utils import parse_bytes
from distributed import Client, LocalCluster
from pydantic import Field, field_validator

from screen.clusters._dask import CONFIG, DaskWorkers
from screen.core.protocols import Workers
from screen.core.settings import Settings, validated

CLOSE_S = 20  # a nanny that restarts its worker can make close() wait for ever


class LocalOptions(Settings):
    """Options of the local cluster."""

    workers: Annotated[int, Field(ge=0)] = 0  # 0: one per processor core
    memory_limit: str = "auto"  # per worker, e.g. "8 GiB"

    @field_validator("memory_limit")
    @classmethod
    def _is_a_size(cls, value: str) -> str:
        if value != "auto":
            parse_bytes(value)  # raises ValueError
        return value


@contextmanager
def connect(options: Mapping[str, Any], resources: Sequence[str]) -> Iterator[Workers]:
    """Start ``workers`` processes of one thread; cores are shared out among them.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    """
    chosen = validated(LocalOptions, options, "[cluster] local")
    cores = len(os.sched_getaffinity(0))
    workers = chosen.workers or cores
    with dask.config.set(
        {**CONFIG, "distributed.nanny.pre-spawn-environ": _environment(cores, workers)}
    ):
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=chosen.memory_limit,
            resources=dict.fromkeys(resources, 1),
            host="127.0.0.1",
            silence_logs=logging.ERROR,  # a busy worker that closes late is no news
            dashboard_address="127.0.0.1:0",  # any free port: several campaigns on one machine
        )
        client = Client(cluster)
        try:
            # a worker that dies while it starts takes its nanny with it: scaling brings both back
            yield DaskWorkers(client, refill=lambda: cluster.scale(workers))
        finally:
            with suppress(TimeoutError, AssertionError, OSError):
                # results are stored before this point: a failing teardown loses nothing
                client.close(timeout=CLOSE_S)
                cluster.close(timeout=CLOSE_S)


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
