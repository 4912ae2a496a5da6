"""GPUs of this machine: a worker of each kind per GPU for the potential, others for the processor.

What needs the potential runs where a GPU is; all else runs beside, so that the processor's work on
one material overlaps the GPU's work on the next.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from screen.clusters._processes import Process, started
from screen.clusters.local import LocalOptions
from screen.core.errors import CampaignError
from screen.core.protocols import WorkerKind, Workers
from screen.core.settings import validated

VISIBLE = "CUDA_VISIBLE_DEVICES"
CPU = "cpu"


class CudaOptions(LocalOptions):
    """Options of the cuda cluster; ``workers`` are those without a GPU, one at least."""

    gpus: Annotated[tuple[str, ...], Field(min_length=1)] | None = (
        None  # None: all that are visible
    )


OPTIONS = CudaOptions


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Start a worker of each kind on each GPU, and ``workers`` for the processor.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    CampaignError
        No GPU is visible.
    """
    chosen = validated(CudaOptions, options, "[cluster] cuda")
    gpus = chosen.gpus or visible_gpus()
    on_gpus = [
        Process(tuple(name for name in kind.resources if name != CPU), kind.python, {VISIBLE: gpu})
        for gpu in gpus
        for kind in kinds
    ]
    count = chosen.workers or max(1, len(os.sched_getaffinity(0)) - len(on_gpus))
    beside = [Process((CPU,), Path(sys.executable), {VISIBLE: ""})] * count
    with started([*on_gpus, *beside], chosen.memory_limit) as workers:
        yield workers


def visible_gpus() -> tuple[str, ...]:
    """GPUs that this process may use: those of ``CUDA_VISIBLE_DEVICES``, else of nvidia-smi.

    Raises
    ------
    CampaignError
        There is none.
    """
    given = os.environ.get(VISIBLE)
    if given is None:
        command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
        try:
            given = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as error:
            raise CampaignError(
                f"no GPU is visible here ({error}); use [cluster] name = 'local'"
            ) from error
    gpus = tuple(given.replace(",", " ").split())
    if not gpus:
        raise CampaignError(
            f"{VISIBLE} or nvidia-smi names no GPU; use [cluster] name = 'local', or give gpus"
        )
    return gpus
