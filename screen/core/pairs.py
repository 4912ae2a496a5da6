"""κ of every pair of bands at q: the Wigner equation in the relaxation-time approximation.

κ(s, s') = (ω+ω')/4 (c/ω + c'/ω') v² (Γ+Γ')/2 / [(ω−ω')² + (Γ+Γ')²/4] / V, where v² is an element
of Re v^α_ss' v^β*_ss' (Simoncelli, Marzari, Mauri, PRX 12, 041011, 2022, eq. 49; Γ full widths).
Pairs with |f − f'| < 1e-4 THz are populations, the rest coherences.

Arrays are (..., nb) for modes and (..., nb, nb) for pairs. Constants are phonopy's, which are in
frequencies and in what the solvers store; they differ from CODATA 2022 by less than 1e-6.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from screen.core.crystal import FloatArray

CUTOFF = 1e-4  # THz; a mode at or below takes no part
DEGENERATE = 1e-4  # THz; pairs that are closer are populations


def heat_capacities(frequencies: FloatArray, temperature: float) -> FloatArray:
    """Heat capacity of each mode, same shape, eV/K; 0 where f ≤ 1e-4 THz (THz, K)."""
    if temperature <= 0:
        return np.zeros_like(frequencies)
    thz_per_kelvin, kelvin_to_ev, _ = _constants()
    x = np.where(frequencies > CUTOFF, frequencies, 1.0) / (thz_per_kelvin * temperature)
    # sinh overflows where the heat capacity vanishes
    values = kelvin_to_ev * (x / 2 / np.sinh(np.minimum(x / 2, 300.0))) ** 2
    return np.asarray(np.where(frequencies > CUTOFF, values, 0.0))


def pair_factors(
    frequencies: FloatArray, linewidths: FloatArray, temperature: float, volume: float
) -> FloatArray:
    """κ of each pair per (THz·Å)² of its velocities, (..., nb, nb) in W/m/K.

    Frequencies and full widths in THz, temperature in K, ``volume`` of the primitive cell in Å³.
    Pairs that nothing scatters are left out, as in phono3py.
    """
    active = frequencies > CUTOFF
    f = np.where(active, frequencies, 1.0)
    heat = heat_capacities(frequencies, temperature) / f
    capacity = (f[..., :, None] + f[..., None, :]) * (heat[..., :, None] + heat[..., None, :]) / 4
    capacity *= active[..., :, None] & active[..., None, :]
    width = (linewidths[..., :, None] + linewidths[..., None, :]) / 2
    square = (f[..., :, None] - f[..., None, :]) ** 2 + width**2
    lorentzian = np.divide(width, square, out=np.zeros_like(square), where=square > 0)
    *_, conductivity = _constants()
    return np.asarray(capacity * lorentzian * conductivity / volume)


def degenerate_pairs(frequencies: FloatArray) -> npt.NDArray[np.bool_]:
    """Which pairs are populations, (..., nb, nb), from frequencies (..., nb) THz."""
    return np.asarray(np.abs(frequencies[..., :, None] - frequencies[..., None, :]) < DEGENERATE)


def shared_coherences(coherences: FloatArray, heat: FloatArray) -> FloatArray:
    """Coherences of each mode: 2 Σ_s' κ_C(s, s') c_s/(c_s + c_s'), (..., nb).

    Each pair belongs to its two modes in the ratio of their heat capacities ``heat`` (..., nb)
    (Póta et al., arXiv 2408.00755, eq. 8). The sum over modes is that over ``coherences``.
    """
    total = heat[..., :, None] + heat[..., None, :]
    share = np.divide(heat[..., :, None], total, out=np.full_like(total, 0.5), where=total > 0)
    return np.asarray((2 * coherences * share).sum(axis=-1))


@cache
def _constants() -> tuple[float, float, float]:
    """k_B/h in THz/K, k_B in eV/K, and W/m/K per eV/K (THz·Å)²/(THz·Å³)."""
    from phonopy.physical_units import get_physical_units

    units: Any = get_physical_units()
    return units.KB / units.THzToEv, units.KB, units.EV * 1e22 / (2 * np.pi)
