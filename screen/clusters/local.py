"""Worker processes on this machine, each offering the processor and the potential."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Annotated, Any

from dask.utils import parse_bytes
from pydantic import Field, field_validator

from screen.clusters._processes import Process, started
from screen.core.protocols import WorkerKind, Workers
from screen.core.settings import Settings, validated


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


OPTIONS = LocalOptions


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Start ``workers`` processes of one thread, one of each kind at least, and share the cores.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    """
    chosen = validated(LocalOptions, options, "[cluster] local")
    count = max(chosen.workers or len(os.sched_getaffinity(0)), len(kinds))
    processes = [Process(kind.resources, kind.python) for kind in islice(cycle(kinds), count)]
    with started(processes, chosen.memory_limit) as workers:
        yield workers
