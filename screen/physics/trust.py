"""Reasons to doubt a linear Grüneisen expansion."""

from __future__ import annotations

import numpy as np

from screen.core.records import Expansion
from screen.core.units import EV_PER_A3_TO_GPA, THZ_TO_EV
from screen.core.voigt import mean_normal
from screen.physics.phonons import acoustic_at_gamma

GROWTH = 8.0  # ∂ln α/∂ln V, roughly: δ_T + q of most crystals lies between 5 and 8
ERROR = 0.1  # of α
ELASTIC_RESIDUAL = 0.05  # of the rms stress
OUTLIER = 10.0  # |tr γ/3|; modes of stable crystals lie between −5 and 5
LONG_WAVE = 1 / 3  # of a reciprocal lattice vector
SOFT = 0.1  # THz: below it, γ = −1/(2ω²) ... magnifies errors of the force constants


def expansion_flags(expansion: Expansion) -> list[str]:
    """Names of what is doubtful; empty where nothing is."""
    checks = {
        "elastic_residual": expansion.elastic_residual > ELASTIC_RESIDUAL,
        "gruneisen_outlier": largest_gruneisen(expansion) > OUTLIER,
        "soft_mode": softest_mode(expansion) < SOFT,
        "nonlinear_at_300": linear_up_to(expansion) < 300.0 <= expansion.temperatures[-1],
        "fc3_alone": expansion.alpha_fc3 is not None
        and np.array_equal(expansion.alpha, expansion.alpha_fc3),
    }
    return [name for name, doubtful in checks.items() if doubtful]


def largest_gruneisen(expansion: Expansion) -> float:
    """Largest |tr γ/3| of a mode."""
    return float(np.abs(mean_normal(expansion.mode_gruneisen)).max())


def softest_mode(expansion: Expansion) -> float:
    """Lowest frequency, THz, besides the acoustic modes of long waves, which are low in any crystal.

    Of the three lowest bands only q-points count that lie a third of the way to the zone border.
    """
    inside = np.abs(expansion.q - np.round(expansion.q)).max(axis=1) < LONG_WAVE
    counted = np.ones(expansion.frequencies.shape, dtype=bool)
    counted[inside, :3] = False
    return float(expansion.frequencies[counted].min(initial=np.inf))


def linear_up_to(expansion: Expansion) -> float:
    """Highest temperature on the grid, K, up to which the linear α is good to about 10 %; 0 if none.

    α is that of the static cell. It grows with the volume, of which zero-point motion and
    ∫α_V dT change the relative amount s, roughly as exp(8 s).
    """
    steps = np.diff(expansion.temperatures)
    mean = (expansion.alpha_volume[1:] + expansion.alpha_volume[:-1]) / 2
    start = expansion.alpha_volume[0] * expansion.temperatures[0] + zero_point_expansion(expansion)
    growth = start + np.concatenate([[0.0], np.cumsum(mean * steps)])
    small = GROWTH * np.abs(growth) < ERROR
    first_large = int(np.argmin(small)) if not small.all() else len(small)
    return float(expansion.temperatures[first_large - 1]) if first_large else 0.0


def zero_point_expansion(expansion: Expansion) -> float:
    """Relative change of volume by zero-point motion, tr S·Σ ħω γ/2V, linear."""
    counted = (expansion.frequencies > 0) & ~acoustic_at_gamma(expansion.q, expansion.frequencies)
    energies = np.where(counted, expansion.frequencies, 0.0) * THZ_TO_EV / 2
    weights = expansion.weights / expansion.weights.sum()
    driving = np.einsum("q,qs,qsi->i", weights, energies, expansion.mode_gruneisen)  # eV
    compliance = np.linalg.inv(expansion.stiffness) * EV_PER_A3_TO_GPA  # Å³/eV
    return float((driving @ compliance)[:3].sum() / expansion.volume)
