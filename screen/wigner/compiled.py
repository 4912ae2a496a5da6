"""The scattering sums by the compiled kernels, on as many threads as torch uses."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from screen.wigner.interaction import Amplitudes
from screen.wigner.tables import Tables


def available() -> bool:
    """Whether Numba is installed."""
    return find_spec("numba") is not None


@cache
def _kernels() -> ModuleType:
    from screen.wigner import kernels

    return kernels


def add_triplets(tables: Tables, slab: Amplitudes, gamma: Tensor) -> None:
    """Do what ``eager.add_triplets`` does."""
    kernels = _kernels()
    half = slab.half.numpy()
    triplets = (slab.place, slab.owner, slab.centre, slab.first, slab.second, slab.multiplicity)
    modes = kernels.Modes(
        tables.inverse.numpy(),
        tables.periodic.numpy(),
        tables.sets.numpy(),
        tables.degenerate.numpy(),
        tables.occupations.numpy(),
    )
    if tables.smearing is None:
        kernel = kernels.add_triplets
        energies: tuple[Any, ...] = (
            kernels.Around(
                tables.levels.numpy(),
                tables.plus.numpy(),
                tables.minus.numpy(),
                tables.bounds_plus.numpy(),
                tables.bounds_minus.numpy(),
                tables.tetrahedra.numpy(),
            ),
        )
    else:
        kernel = kernels.add_triplets_smeared
        energies = (tables.frequencies.numpy(), tables.smearing.sigma, tables.smearing.horizon)

    def part(members: slice) -> Tensor:
        partial = torch.zeros_like(gamma)
        given = kernels.Slab(half, *(array[members] for array in triplets))
        run_kernel(kernel, given, modes, *energies, partial.numpy())
        return partial

    for partial in _in_threads(part, len(slab.first)):
        gamma += partial


def add_isotopes(tables: Tables, points: Sequence[int], variances: Tensor, gamma: Tensor) -> None:
    """Do what ``eager.add_isotopes`` does."""
    kernels = _kernels()
    e, g = tables.eigenvectors.numpy(), variances.numpy()
    taking_part, sets = tables.inverse.numpy() > 0, tables.sets.numpy()
    f, levels = tables.frequencies.numpy(), tables.levels.numpy()
    around, bounds = tables.around.numpy(), tables.bounds.numpy()
    tetrahedra, smearing = tables.tetrahedra.numpy(), tables.smearing

    def part(members: slice) -> Tensor:
        partial = torch.zeros_like(gamma)
        for point, total in zip(points, partial.numpy(), strict=True):
            given = kernels.Isotopes(e[point], e[members], g, taking_part[members], sets[members])
            if smearing is None:
                run_kernel(
                    kernels.add_isotopes,
                    given,
                    levels[point],
                    around[members],
                    bounds[members],
                    tetrahedra,
                    total,
                )
            else:
                there = f[members]
                run_kernel(
                    kernels.add_isotopes_smeared, given, f[point], there, smearing.sigma, total
                )
        return partial

    for partial in _in_threads(part, len(f)):
        gamma += partial


def run_kernel(kernel: Any, *arguments: Any) -> None:
    """Call a kernel; the first call of a process compiles it or loads it from Numba's cache.

    One process at a time does so: workers that start together would else all compile, and those of
    different processors could overwrite each other's files.
    """
    if not kernel.signatures:
        with _alone(kernel.stats.cache_path):
            kernel.compile(tuple(map(_kernels().typeof, arguments)))
    kernel(*arguments)


@contextmanager
def _alone(folder: str | None) -> Iterator[None]:
    """Keep other processes that use a folder waiting, where that is possible."""
    with ExitStack() as held:
        if folder is not None:
            with suppress(OSError):  # another user's lock, or a file system without locks
                lock = held.enter_context((Path(folder) / "thermoscreen.lock").open("a"))
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _in_threads(part: Callable[[slice], Tensor], length: int) -> list[Tensor]:
    """Split a range evenly over torch's threads; the results stay in order."""
    threads = torch.get_num_threads()
    if threads == 1 or length < 8 * threads:
        return [part(slice(0, length))]
    edges = np.linspace(0, length, threads + 1).astype(int).tolist()
    slices = [slice(begin, end) for begin, end in pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(part, slices))
