"""How much may be held at once, and what to do when it was too much."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

T = TypeVar("T")

CPU_SHARE, CPU_MOST = 0.25, 2**30  # of free memory, bytes
CUDA_SHARE = 0.5


def default_budget(device: torch.device) -> int:
    """Bytes that a calculation may take for its intermediates: a share of what is free now."""
    if device.type == "cuda":
        return int(CUDA_SHARE * torch.cuda.mem_get_info(device)[0])
    return int(min(CPU_SHARE * free_bytes(), CPU_MOST))


def free_bytes() -> int:
    """Memory of this machine that is free or can be freed."""
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except FileNotFoundError:
        pass  # no Linux
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def halving(calculate: Callable[[int], T], size: int) -> T:
    """Call ``calculate(size)``; upon out of memory try half the size, down to 1."""
    while True:
        try:
            return calculate(size)
        except (MemoryError, RuntimeError) as error:
            if size == 1 or not _out_of_memory(error):
                raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        size //= 2


def _out_of_memory(error: Exception) -> bool:
    # on a CPU torch raises a bare RuntimeError
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "allocate memory" in str(error)
    )
