"""How much may be held at once, and what to do when it was too much."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

CPU_SHARE, CPU_MOST = 0.25, 2**30  # of free memory, bytes
CUDA_SHARE = 0.5
CGROUPS = {  # controller: folder, limit, usage, unused files
    "": ("", "memory.max", "memory.current", "inactive_file"),
    "memory": (
        "memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
}


def default_budget(device: torch.device) -> int:
    """Bytes that a calculation may take for its intermediates: a share of what is free now."""
    if device.type == "cuda":
        return int(CUDA_SHARE * torch.cuda.mem_get_info(device)[0])
    return int(min(CPU_SHARE * free_bytes(), CPU_MOST))


def free_bytes() -> int:
    """Bytes that this process can still take: of the machine, its cgroup and ``ulimit -v``."""
    return max(0, min(_free_on_machine(), free_in_cgroups(), _free_below_limit()))


def _free_on_machine() -> int:
    try:
        with Path("/proc/meminfo").open(encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except FileNotFoundError:
        pass  # no Linux
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _free_below_limit() -> int:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except FileNotFoundError:
        pages = 0
    unlimited = limit == resource.RLIM_INFINITY
    return sys.maxsize if unlimited else limit - pages * os.sysconf("SC_PAGE_SIZE")


def free_in_cgroups(
    members: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")
) -> int:
    """Bytes that containers and batch systems still allow, by their cgroups (versions 1 and 2).

    What files occupy in memory and nobody uses counts as free, as the kernel gives it back.
    """
    free = sys.maxsize
    lines = members.read_text(encoding="utf-8").splitlines() if members.exists() else []
    for line in lines:
        _, controller, name = line.split(":", 2)
        if controller not in CGROUPS:
            continue
        folder, most, current, files = CGROUPS[controller]
        group = root / folder / name.lstrip("/")
        while group.is_relative_to(root / folder):  # a limit of any ancestor counts
            limit = _read(group / most)
            if limit.isdigit():
                kept = dict(pair.split() for pair in _read(group / "memory.stat").splitlines())
                used = int(_read(group / current)) - int(kept.get(files, 0))
                free = min(free, int(limit) - used)
            group = group.parent
    return free


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii").strip() if path.is_file() else ""


def in_batches(calculate: Callable[[int, int], Tensor], total: int, size: int) -> list[Tensor]:
    """Results of ``calculate(begin, size)`` for all of ``total`` items, in order.

    Each result does as many items as it is long. Upon out of memory the size is halved, for good.

    Raises
    ------
    MemoryError
        The memory does not suffice at size 1.
    """
    results: list[Tensor] = []
    done = 0
    while done < total:
        try:
            result = calculate(done, size)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            if size == 1:
                raise MemoryError(str(error)) from error
        else:
            results.append(result)
            done += len(result)
            continue
        # outside of the clause, whose traceback kept the tensors alive
        size //= 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    return results


def _out_of_memory(error: Exception) -> bool:
    # on a CPU torch raises a bare RuntimeError
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        "allocate memory" in str(error)
    )
