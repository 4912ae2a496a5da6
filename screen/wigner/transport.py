"""Thermal conductivity of the Wigner transport equation in the relaxation-time approximation.

κ^{αβ} = 1/(N V) Σ_{q s s'} C_ss' Re[v^α_ss' v^β*_ss'] (Γ_s+Γ_s')/2 / [(ω_s−ω_s')² + (Γ_s+Γ_s')²/4]
with C_ss' = (ω_s+ω_s')/4 (c_s/ω_s + c_s'/ω_s') (Simoncelli, Marzari, Mauri, PRX 12, 041011, 2022,
eq. 49; Γ full widths). Pairs with |f − f'| < 1e-4 THz are populations, the rest coherences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from screen.core.crystal import FloatArray
from screen.wigner.grid import Grid
from screen.wigner.phonons import CUTOFF, DEGENERATE, ComplexArray
from screen.wigner.units import units

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True, eq=False)
class Transport:
    """Conductivities at nT temperatures, and their share by mode, in W/m/K."""

    kappa_p: FloatArray  # (nT, 3, 3) populations
    kappa_c: FloatArray  # (nT, 3, 3) coherences
    mode_kappa: FloatArray  # (nT, nq, nb) trace/3; Σ / Σ weights is the conductivity


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


def pair_conductivities(
    temperature: float,
    frequencies: FloatArray,
    gamma: FloatArray,
    pairs: FloatArray,
    volume: float,
) -> FloatArray:
    """κ of every pair of bands at one temperature: (nq, nb, nb, 6) W/m/K; Σ / N is κ.

    ``frequencies`` and ``gamma`` (half widths) (nq, nb) THz; ``volume`` of the primitive cell, Å³.
    Pairs that nothing scatters are left out, as in phono3py.
    """
    active = frequencies > CUTOFF
    f = np.where(active, frequencies, 1.0)
    heat = heat_capacities(frequencies, temperature) / f
    capacity = (f[:, :, None] + f[:, None, :]) * (heat[:, :, None] + heat[:, None, :]) / 4
    capacity *= active[:, :, None] & active[:, None, :]
    width = gamma[:, :, None] + gamma[:, None, :]
    square = (f[:, :, None] - f[:, None, :]) ** 2 + width**2
    lorentzian = np.divide(width, square, out=np.zeros_like(square), where=square > 0)
    return np.asarray((capacity * lorentzian * units().conductivity / volume)[..., None] * pairs)


def heat_capacities(frequencies: FloatArray, temperature: float) -> FloatArray:
    """Heat capacity of each mode, same shape, eV/K; 0 where f ≤ 1e-4 THz."""
    if temperature <= 0:
        return np.zeros_like(frequencies)
    x = np.where(frequencies > CUTOFF, frequencies, 1.0) / (units().thz_per_kelvin * temperature)
    # sinh overflows where the heat capacity vanishes
    values = units().kelvin_to_ev * (x / 2 / np.sinh(np.minimum(x / 2, 300.0))) ** 2
    return np.asarray(np.where(frequencies > CUTOFF, values, 0.0))


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
    population = np.abs(frequencies[:, :, None] - frequencies[:, None, :]) < DEGENERATE
    kappa_p, kappa_c, shares = [], [], []
    for temperature, widths in zip(temperatures, gamma, strict=True):
        pairs = pair_conductivities(temperature, frequencies, widths, star, volume)
        pairs_p = pairs * population[..., None]
        pairs_c = pairs - pairs_p
        kappa_p.append(_tensor(pairs_p.sum(axis=(0, 1, 2)) / grid.points))
        kappa_c.append(_tensor(pairs_c.sum(axis=(0, 1, 2)) / grid.points))
        shares.append(mode_share(pairs_p, pairs_c, heat_capacities(frequencies, temperature)))
    return Transport(np.array(kappa_p), np.array(kappa_c), np.array(shares))


def mode_share(pairs_p: FloatArray, pairs_c: FloatArray, heat: FloatArray) -> FloatArray:
    """κ_P(s) + 2 Σ_s' κ_C(s, s') c_s/(c_s + c_s'), trace/3, (nq, nb) W/m/K.

    Póta et al., arXiv 2408.00755, eq. 8.
    """
    total = heat[:, :, None] + heat[:, None, :]
    share = np.divide(heat[:, :, None], total, out=np.full_like(total, 0.5), where=total > 0)
    mean_p = pairs_p[..., :3].mean(axis=-1).sum(axis=-1)
    return np.asarray(mean_p + (2 * pairs_c[..., :3].mean(axis=-1) * share).sum(axis=-1))


def _tensor(voigt: FloatArray) -> FloatArray:
    """Six components xx yy zz yz xz xy to a symmetric (3, 3)."""
    tensor = np.zeros((3, 3))
    for value, (a, b) in zip(voigt, VOIGT, strict=True):
        tensor[a, b] = tensor[b, a] = value
    return tensor
