"""The scattering sums by the compiled kernels, on as many threads as torch uses."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from screen.core.crystal import FloatArray, IntArray
from screen.wigner.tables import Tables


def available() -> bool:
    """Whether Numba is installed."""
    return find_spec("numba") is not None


@cache
def _kernels() -> ModuleType:
    from screen.wigner import kernels

    return kernels


def add_triplets(
    tables: Tables,
    point: int,
    amplitudes: Tensor,
    first: IntArray,
    second: IntArray,
    multiplicity: FloatArray,
    gamma: Tensor,
) -> None:
    """Do what ``eager.add_triplets`` does."""
    values = amplitudes.numpy()
    target = tables.levels[point].numpy()
    looked_up = [
        table.numpy()
        for table in (
            tables.inverse,
            tables.plus,
            tables.minus,
            tables.bounds_plus,
            tables.bounds_minus,
            tables.sets,
            tables.tetrahedra,
            tables.occupations,
        )
    ]

    def part(members: slice) -> Tensor:
        partial = torch.zeros_like(gamma)
        _kernels().add_triplets(
            values[members],
            first[members],
            second[members],
            multiplicity[members],
            target,
            *looked_up,
            partial.numpy(),
        )
        return partial

    for partial in _in_threads(part, len(first)):
        gamma += partial


def add_isotopes(tables: Tables, point: int, variances: Tensor, gamma: Tensor) -> None:
    """Do what ``eager.add_isotopes`` does."""
    here = tables.eigenvectors[point].numpy()
    target = tables.levels[point].numpy()
    points = [
        table.numpy()
        for table in (
            tables.eigenvectors,
            tables.inverse,
            tables.around,
            tables.bounds,
            tables.sets,
        )
    ]
    tetrahedra = tables.tetrahedra.numpy()

    def part(members: slice) -> Tensor:
        partial = torch.zeros_like(gamma)
        there, inverse, around, bounds, sets = (table[members] for table in points)
        _kernels().add_isotopes(
            here,
            there,
            variances.numpy(),
            target,
            inverse > 0,
            around,
            bounds,
            sets,
            tetrahedra,
            partial.numpy(),
        )
        return partial

    for partial in _in_threads(part, len(points[0])):
        gamma += partial


def _in_threads(part: Callable[[slice], Tensor], length: int) -> list[Tensor]:
    """Split a range evenly over torch's threads; the results stay in order."""
    threads = torch.get_num_threads()
    if threads == 1 or length < 8 * threads:
        return [part(slice(0, length))]
    edges = np.linspace(0, length, threads + 1).astype(int).tolist()
    slices = [slice(begin, end) for begin, end in pairwise(edges)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(part, slices))
