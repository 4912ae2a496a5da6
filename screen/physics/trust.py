"""Reasons to doubt a linear Grüneisen expansion."""

from __future__ import annotations

import numpy as np

from screen.core.records import Expansion
from screen.core.voigt import mean_normal
from screen.physics.phonons import acoustic_at_gamma

SMALL_SHIFT = 0.05  # of a frequency
ELASTIC_RESIDUAL = 0.05  # of the rms stress
OUTLIER = 10.0  # |tr γ/3|; modes of stable crystals lie between −5 and 5
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
    """Lowest frequency besides the acoustic modes at Γ, THz."""
    acoustic = acoustic_at_gamma(expansion.q, expansion.frequencies)
    return float(expansion.frequencies[~acoustic].min())


def linear_up_to(expansion: Expansion) -> float:
    """Highest temperature on the grid, K, up to which frequencies change by less than 5 %.

    The relative change of a mean frequency is γ ∫α_V dT; beyond it, neither γ nor the elastic
    constants of the cell at 0 K describe the expanded crystal.
    """
    steps = np.diff(expansion.temperatures)
    mean = (expansion.alpha_volume[1:] + expansion.alpha_volume[:-1]) / 2
    start = expansion.alpha_volume[0] * expansion.temperatures[0]
    growth = start + np.concatenate([[0.0], np.cumsum(mean * steps)])
    small = np.abs(expansion.gruneisen * growth) < SMALL_SHIFT
    first_large = int(np.argmin(small)) if not small.all() else len(small)
    return float(expansion.temperatures[max(first_large - 1, 0)])
