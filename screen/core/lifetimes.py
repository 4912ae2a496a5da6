"""Lifetimes of phonons against the limits at which they stop to be particles.

τ_W = 1/Δω with the mean spacing of bands Δω = ω_max/(3 N_at): below it neighbouring bands overlap,
and heat tunnels between them as much as it drifts. τ_IR = 1/ω: below it a phonon decays before its
phase has turned by one radian, and there is no quasiparticle (Simoncelli, Marzari, Mauri, PRX 12,
041011, 2022; ω are angular frequencies).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from screen.core.crystal import FloatArray, IntArray


class Regime(IntEnum):
    """What kind of heat carrier a phonon is."""

    PARTICLE_LIKE = 0  # τ > τ_W
    WAVE_LIKE = 1  # τ_IR < τ < τ_W
    OVERDAMPED = 2  # τ < τ_IR


def lifetimes(linewidths: FloatArray) -> FloatArray:
    """τ = 1/(2π linewidth) in ps from full widths in THz, same shape; inf where nothing scatters."""
    return _inverse(linewidths)


def wigner_limit(frequencies: FloatArray) -> float:
    """τ_W = nb/(2π f_max) in ps, from the frequencies (nq, nb) THz of all nb = 3 N_at bands."""
    return float(_inverse(frequencies.max() / frequencies.shape[-1]))


def ioffe_regel_limit(frequencies: FloatArray) -> FloatArray:
    """τ_IR = 1/(2πf) in ps from frequencies in THz, same shape; inf where f ≤ 0."""
    return _inverse(frequencies)


def regimes(frequencies: FloatArray, linewidths: FloatArray) -> IntArray:
    """``Regime`` of each mode, (nq, nb), from frequencies and full widths (nq, nb) THz.

    A mode below both limits is overdamped. So are acoustic modes with τ_W < τ < τ_IR.
    """
    tau = lifetimes(linewidths)
    found = np.where(tau > wigner_limit(frequencies), Regime.PARTICLE_LIKE, Regime.WAVE_LIKE)
    return np.where(tau < ioffe_regel_limit(frequencies), Regime.OVERDAMPED, found)


def _inverse(values: FloatArray | float) -> FloatArray:
    """1/(2π x), inf where x ≤ 0."""
    values = np.asarray(values, dtype=np.float64)
    angular = 2 * np.pi * values
    return np.divide(1.0, angular, out=np.full_like(values, np.inf), where=values > 0)
