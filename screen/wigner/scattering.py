"""Scattering rates γ (half widths) by three phonons, isotopes and boundaries.

|V|² and the weights of energy conservation do not depend on temperature: all temperatures are
summed in one pass. Every irreducible q is independent of the others, so any subset of them can be
asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from screen.core.crystal import FloatArray
from screen.core.errors import TransportError
from screen.wigner import compiled, eager
from screen.wigner.grid import Grid, find_triplets
from screen.wigner.interaction import (
    Amplitudes,
    Transform,
    empty_box,
    half_amplitudes,
    into_box,
    join,
    lattice_sums,
)
from screen.wigner.memory import default_budget, in_batches
from screen.wigner.tables import Tables
from screen.wigner.units import units

CACHE_BYTES = 1e6  # of amplitudes that are taken together on a CPU, if it is not a whole plane
BATCH = 2  # q whose lattice sums are taken together on a CPU; more of them leave the cache
COPIES = 6  # of amplitudes that live at the same time
ACTIVE_BYTES = 32  # of the list of pairs of modes that isotopes may scatter, per pair


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


@dataclass(frozen=True, eq=False)
class _Work:
    """What all batches of a calculation share."""

    transform: Transform
    tables: Tables
    grid: Grid
    backend: ModuleType
    q: Tensor  # (n, 3) fractional
    box: Tensor  # room for the lattice sums of one q
    planes: int  # of the mesh, Fourier transformed together along the third axis
    lines: int  # of the mesh, whose amplitudes are held together


def phonon_rates(
    transform: Transform, tables: Tables, grid: Grid, points: Sequence[int], resources: Resources
) -> FloatArray:
    """Three-phonon γ at grid points: (nT, len(points), nb) THz.

    Raises
    ------
    TransportError
        Not even one line of the mesh fits into memory.
    """
    n2, n1, n0 = transform.mesh
    value = 16 * transform.bands**3  # bytes of the amplitudes of one q and q'
    share = resources.budget / 3
    lines = min(share / (COPIES * n0 * value), len(points) * n1 * n2)
    batch = min(share / (1.25 * len(transform.slots) * value), len(points))
    if resources.device.type == "cpu":
        lines = min(lines, max(n1, CACHE_BYTES / (n0 * value)))
        batch = min(batch, BATCH)
    try:
        work = _Work(
            transform,
            tables,
            grid,
            resources.backend,
            q=torch.tensor(grid.addresses / np.array(grid.mesh), device=resources.device),
            box=empty_box(transform),
            planes=_how_many(share / (transform.box[1] * transform.box[2] * value)),
            lines=_how_many(lines),
        )
        rates = in_batches(partial(_rates_of_batch, work, points), len(points), _how_many(batch))
    except MemoryError as error:
        raise TransportError(
            f"{error}; use a machine with more memory or conductivity.solver = 'phono3py'",
            kind="memory",
        ) from error
    gamma: FloatArray = torch.cat(rates).permute(2, 0, 1).cpu().numpy()
    return gamma


def _how_many(wanted: float) -> int:
    return max(1, int(wanted))


def _rates_of_batch(work: _Work, points: Sequence[int], begin: int, size: int) -> Tensor:
    """γ of points that share the work of their lattice sums, (size or fewer, nb, nT) THz."""
    batch = points[begin : begin + size]
    sums = lattice_sums(work.transform, work.q[list(batch)])
    return torch.cat(in_batches(partial(_rates_of_some, work, batch, sums), len(batch), work.lines))


def _rates_of_some(
    work: _Work, points: Sequence[int], sums: Tensor, begin: int, lines: int
) -> Tensor:
    """γ of one point, or of several whose triplets fit into ``lines``, (some, nb, nT) THz."""
    tables = work.tables
    in_mesh = work.transform.mesh[0] * work.transform.mesh[1]
    some = points[begin : begin + max(1, lines // in_mesh)]
    slabs = (
        slab
        for owner, point in enumerate(some)
        for slab in _slabs(work, owner, point, sums[:, begin + owner], lines)
    )
    gamma = tables.frequencies.new_zeros((len(some), tables.bands, tables.occupations.shape[1]))
    for slab in [join(list(slabs))] if len(some) > 1 else slabs:
        work.backend.add_triplets(tables, slab, gamma)
    return gamma * tables.inverse[list(some)][:, :, None] * (units().interaction / work.grid.points)


def _slabs(work: _Work, owner: int, point: int, sums: Tensor, lines: int) -> Iterator[Amplitudes]:
    """Amplitudes of all triplets of a point, ``lines`` of the mesh at a time."""
    triplets = find_triplets(work.grid, point)
    eigenvectors = work.tables.periodic
    box = into_box(work.transform, sums, eigenvectors[point], work.box)
    planes = max(1, work.planes * lines // work.lines)
    for members, place, half in half_amplitudes(
        work.transform, box, triplets.first, eigenvectors, lines, planes
    ):
        first = triplets.first[members]
        yield Amplitudes(
            half,
            place,
            owner=np.full_like(first, owner),
            centre=np.full_like(first, point),
            first=first,
            second=triplets.second[members],
            multiplicity=triplets.weights[members],
        )


def isotope_rates(
    tables: Tables, grid: Grid, points: Sequence[int], variances: FloatArray, resources: Resources
) -> FloatArray:
    """Isotope γ at grid points: (len(points), nb) THz (Tamura, PRB 27, 858, 1983).

    ``variances`` Σ_i c_i (1 − m_i/m̄)², (n_atoms,): γ = π/4 f²/N Σ g |e*·e'|² δ(f − f').
    """
    g = torch.tensor(variances, device=resources.device)
    n, nb = tables.frequencies.shape

    def rates(begin: int, size: int) -> Tensor:
        some = list(points[begin : begin + size])
        total = tables.frequencies.new_zeros((len(some), nb))
        resources.backend.add_isotopes(tables, some, g, total)
        f = torch.where(tables.inverse[some] > 0, tables.frequencies[some], 0.0)
        return np.pi / 4 * f**2 * total / grid.points

    batch = _how_many(resources.budget / (ACTIVE_BYTES * n * nb**2))
    gamma: FloatArray = torch.cat(in_batches(rates, len(points), batch)).cpu().numpy()
    return gamma


def boundary_rates(speeds: FloatArray, mean_free_path: float) -> FloatArray:
    """γ of diffuse boundaries, |v|/4πL in THz: speeds in THz·Å, L in µm."""
    return speeds / (4 * np.pi * mean_free_path * 1e4)
