"""Isotope scattering as phono3py 3 sums it: tetrahedra with a vertex exactly at ω are lost.

Its C code asks ``omega < v`` and ``v < omega`` and has no branch for equality. ω is a frequency
of the mesh itself, so that ties are the rule here: at the point itself and at −q always, at other
points of the star where rounding leaves the same bits. phono3py 4 and the engine take half-open
intervals.
"""

from __future__ import annotations

import numpy as np
import torch

from screen.core.crystal import FloatArray
from screen.core.pairs import CUTOFF
from screen.wigner.grid import Grid
from screen.wigner.phonons import GridPhonons, average_sets
from screen.wigner.tetrahedron import vertex_weights


def isotope_rate(
    grid: Grid, phonons: GridPhonons, point: int, band: int, variances: FloatArray, lost: bool
) -> float:
    """γ of one mode, THz, with all ties of its star ``lost`` or kept; ``variances`` (n_atoms,)."""
    levels = phonons.levels
    vectors = phonons.eigenvectors.transpose(0, 2, 1).reshape(*levels.shape, -1, 3)
    overlaps = np.abs(np.einsum("ax,nbax->nba", vectors[point, band].conj(), vectors)) ** 2
    strengths = average_sets(overlaps @ variances, phonons.sets)
    around = levels[grid.neighbours(1)]  # (n, nv, nb)
    omega = levels[point, band]
    near = (around.min(axis=1) <= omega) & (omega <= around.max(axis=1))
    points, bands = np.nonzero(near & (phonons.frequencies > CUTOFF))
    weights = _weights(omega, around[points, :, bands].T, grid, lost)
    total = weights @ strengths[points, bands]
    return float(np.pi / 4 * phonons.frequencies[point, band] ** 2 * total / grid.points)


def _weights(omega: float, vertices: FloatArray, grid: Grid, lost: bool) -> FloatArray:
    """Weights of the centres in δ(ω − F), (m,) 1/THz; ``vertices`` (nv, m) THz."""
    target = torch.full((vertices.shape[1],), omega, dtype=torch.float64)
    total = np.zeros(vertices.shape[1])
    for others in grid.tetrahedra:
        corners = torch.tensor(vertices[[0, *others]])
        weights = vertex_weights(target, corners, torch.tensor([[1, 2, 3]])).numpy()
        tied = (corners == target).any(dim=0).numpy()
        total += np.where(tied & lost, 0.0, weights)
    return total / len(grid.tetrahedra)
