"""Thermal conductivity of the Wigner transport equation in the relaxation-time approximation.

κ^{αβ} = 1/N Σ_{q s s'} κ(s, s') with the pairs of ``core.pairs``, summed over stars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.pairs import (
    degenerate_pairs,
    heat_capacities,
    pair_factors,
    shared_coherences,
)
from screen.core.voigt import VOIGT, from_voigt, mean_normal
from screen.wigner.grid import Grid
from screen.wigner.phonons import ComplexArray


@dataclass(frozen=True, eq=False)
class Transport:
    """Conductivities at nT temperatures, and their share by mode, in W/m/K."""

    kappa_p: FloatArray  # (nT, 3, 3) populations
    kappa_c: FloatArray  # (nT, 3, 3) coherences
    mode_kappa: FloatArray  # (nT, nq, nb) trace/3; Σ / Σ weights is the conductivity
    pair_velocities: FloatArray  # (nq, nb, nb) (THz·Å)², trace/3, summed over stars


def pair_velocities(velocities: ComplexArray, grid: Grid) -> FloatArray:
    """Σ over the star of q of Re v^α_ss' v^β*_ss': (nq, nb, nb, 6) (THz·Å)², xx yy zz yz xz xy."""
    products = np.stack(
        [(velocities[:, a] * velocities[:, b].conj()).real for a, b in VOIGT], axis=-1
    )
    rotate = np.zeros((6, 6))  # Σ_R (R ⊗ R) on symmetric tensors
    for row, (a, b) in enumerate(VOIGT):
        for column, (c, d) in enumerate(VOIGT):
            term = grid.rotations[:, a, c] * grid.rotations[:, b, d]
            if c != d:
                term = term + grid.rotations[:, a, d] * grid.rotations[:, b, c]
            rotate[row, column] = term.sum()
    order_of_little_group = len(grid.rotations) / grid.weights
    return np.asarray(products @ rotate.T / order_of_little_group[:, None, None, None])


def compute_transport(
    temperatures: Sequence[float],
    frequencies: FloatArray,
    gamma: FloatArray,
    velocities: ComplexArray,
    grid: Grid,
    volume: float,
) -> Transport:
    """Conductivity from frequencies (nq, nb), γ (nT, nq, nb) and velocities (nq, 3, nb, nb)."""
    star = pair_velocities(velocities, grid)
    population = degenerate_pairs(frequencies)[..., None]
    kappa_p, kappa_c, shares = [], [], []
    for temperature, widths in zip(temperatures, gamma, strict=True):
        pairs = pair_factors(frequencies, 2 * widths, temperature, volume)[..., None] * star
        pairs_p = pairs * population
        pairs_c = pairs - pairs_p
        kappa_p.append(from_voigt(pairs_p.sum(axis=(0, 1, 2)) / grid.points))
        kappa_c.append(from_voigt(pairs_c.sum(axis=(0, 1, 2)) / grid.points))
        heat = heat_capacities(frequencies, temperature)
        coherences = shared_coherences(mean_normal(pairs_c), heat)
        shares.append(mean_normal(pairs_p).sum(axis=-1) + coherences)
    return Transport(np.array(kappa_p), np.array(kappa_c), np.array(shares), mean_normal(star))
