"""What a crystal conducts heat by: particles, waves or both.

Mode by mode κ_C/κ_P ≈ τ_W/τ, so that κ_C/κ says how long the carriers live against the Wigner limit
(``core.lifetimes``). Simoncelli, Marzari, Mauri, PRX 12, 041011 (2022) tell simple crystals
(linewidths far below the spacing of bands, κ_P ≫ κ_C), complex crystals (κ_P and κ_C together) and
glasses (κ_C ≫ κ_P); the paper has no numbers for ≫, those below are ours.
"""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np

from screen.core.crystal import FloatArray

MIXED_FROM = 0.1
"""κ_C/κ: the Boltzmann equation, which has κ_P alone, misses a tenth of κ.

Below, carriers live about ten times as long as the Wigner limit, and what is missed is less than
good potentials (SRE of κ) and most measurements are off by.
"""

WAVE_LIKE_FROM = 0.5
"""κ_C/κ: coherences carry half of the heat, carriers live about as long as the Wigner limit."""


class Verdict(StrEnum):
    """Kind of conductor at one temperature, by κ_C/κ."""

    PARTICLE = "particle"  # the Boltzmann equation is enough
    MIXED = "mixed"  # from MIXED_FROM
    WAVE_LIKE = "wave-like"  # from WAVE_LIKE_FROM: most heat tunnels


def coherence_share(kappa_p: FloatArray, kappa_c: FloatArray) -> FloatArray:
    """κ_C/κ, same shape, from κ_P (degenerate pairs included) and κ_C in W/m/K; NaN where κ = 0."""
    kappa = np.asarray(kappa_p + kappa_c, dtype=np.float64)
    return np.divide(kappa_c, kappa, out=np.full_like(kappa, np.nan), where=kappa != 0)


def verdict(share: float) -> Verdict | None:
    """``Verdict`` on a κ_C/κ; None where it is NaN: nothing is conducted, as at 0 K."""
    if math.isnan(share):
        return None
    if share >= WAVE_LIKE_FROM:
        return Verdict.WAVE_LIKE
    return Verdict.MIXED if share >= MIXED_FROM else Verdict.PARTICLE
