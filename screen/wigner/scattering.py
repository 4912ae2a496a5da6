"""Scattering rates γ (half widths) by three phonons, isotopes and boundaries.

|V|² and the tetrahedron weights do not depend on temperature: all temperatures are summed in one
pass. Every irreducible q is independent of the others, so any subset of them can be asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from screen.core.crystal import FloatArray
from screen.wigner import compiled, eager
from screen.wigner.grid import Grid, find_triplets
from screen.wigner.interaction import (
    Transform,
    amplitudes,
    empty_box,
    halve,
    into_box,
    lattice_sums,
)
from screen.wigner.memory import default_budget, halving
from screen.wigner.tables import Tables
from screen.wigner.units import units

SLAB_BYTES = 16e6  # amplitudes at once on a CPU: larger slabs leave the cache
BATCH = 32  # q whose lattice sums are taken together
COPIES = 6  # of a slab's amplitudes that live at the same time


@dataclass(frozen=True)
class Resources:
    """Where and how to compute."""

    device: torch.device
    backend: ModuleType  # ``compiled`` or ``eager``
    budget: int  # bytes of intermediates


def choose_resources(device: str = "cpu", backend: str = "auto", budget: int = 0) -> Resources:
    """Fill in defaults: compiled kernels on a CPU where Numba is installed; a share of memory."""
    chosen = torch.device(device)
    if backend == "auto":
        backend = "compiled" if chosen.type == "cpu" and compiled.available() else "eager"
    module = {"compiled": compiled, "eager": eager}[backend]
    return Resources(chosen, module, budget or default_budget(chosen))


def phonon_rates(
    transform: Transform, tables: Tables, grid: Grid, points: Sequence[int], resources: Resources
) -> FloatArray:
    """Three-phonon γ at grid points: (nT, len(points), nb) THz."""
    nb3 = transform.bands**3
    share = resources.budget / 3
    slab = share if resources.device.type == "cuda" else min(share, SLAB_BYTES)
    lines = _how_many(slab / (16 * COPIES * transform.mesh[2] * nb3), transform.mesh[1])
    planes = _how_many(share / (16 * transform.box[1] * transform.box[2] * nb3), transform.mesh[0])
    batch = _how_many(share / (20 * len(transform.slots) * nb3), BATCH)
    q = torch.tensor(grid.addresses / np.array(grid.mesh), device=resources.device)
    places = empty_box(transform)
    rates = []
    for point, sums in _lattice_sums(transform, q, points, batch):
        box = into_box(transform, sums, tables.periodic[point], places)

        def rate(size: int, point: int = point, box: Tensor = box) -> Tensor:
            # planes shrink with the lines
            fewer = max(1, planes * size // lines)
            return _rate(transform, tables, grid, point, box, (size, fewer), resources.backend)

        rates.append(halving(rate, lines))
    gamma: FloatArray = torch.stack(rates, dim=1).permute(2, 1, 0).cpu().numpy()
    return gamma


def _how_many(wanted: float, most: int) -> int:
    return max(1, min(int(wanted), most))


def _lattice_sums(
    transform: Transform, q: Tensor, points: Sequence[int], batch: int
) -> Iterator[tuple[int, Tensor]]:
    """Yield each point with its lattice sums, several points at a time."""
    begin = 0
    while begin < len(points):

        def sums(size: int, begin: int = begin) -> Tensor:
            return lattice_sums(transform, q[list(points[begin : begin + size])])

        computed = halving(sums, batch)
        size = computed.shape[1]
        for offset in range(size):
            yield points[begin + offset], computed[:, offset]
        begin += size


def _rate(
    transform: Transform,
    tables: Tables,
    grid: Grid,
    point: int,
    box: Tensor,
    sizes: tuple[int, int],
    backend: ModuleType,
) -> Tensor:
    """Three-phonon γ at one point, (nb, nT) THz; ``sizes``: lines and planes at once."""
    triplets = halve(grid, find_triplets(grid, point))
    gamma = tables.frequencies.new_zeros((tables.bands, tables.occupations.shape[1]))
    for chosen, values in amplitudes(transform, grid, box, triplets, tables.periodic, *sizes):
        backend.add_triplets(
            tables,
            point,
            values,
            triplets.first[chosen],
            triplets.second[chosen],
            triplets.weights[chosen],
            gamma,
        )
    return gamma * tables.inverse[point][:, None] * (units().interaction / grid.points)


def isotope_rates(
    tables: Tables, grid: Grid, points: Sequence[int], variances: FloatArray, resources: Resources
) -> FloatArray:
    """Isotope γ at grid points: (len(points), nb) THz (Tamura, PRB 27, 858, 1983).

    ``variances`` Σ_i c_i (1 − m_i/m̄)², (n_atoms,): γ = π/4 f²/N Σ g |e*·e'|² δ(f − f').
    """
    g = torch.tensor(variances, device=resources.device)
    rates = []
    for point in points:
        total = tables.frequencies.new_zeros(tables.bands)
        resources.backend.add_isotopes(tables, point, g, total)
        f = torch.where(tables.inverse[point] > 0, tables.frequencies[point], 0.0)
        rates.append(np.pi / 4 * f**2 * total / grid.points)
    gamma: FloatArray = torch.stack(rates).cpu().numpy()
    return gamma


def boundary_rates(speeds: FloatArray, mean_free_path: float) -> FloatArray:
    """γ of diffuse boundaries, |v|/4πL in THz: speeds in THz·Å, L in µm."""
    return speeds / (4 * np.pi * mean_free_path * 1e4)
