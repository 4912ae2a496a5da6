"""phonopy's physical constants, so that the engine and its oracle agree to all digits.

phonopy's frequencies carry its constants already; they differ from CODATA 2022 by less than 1e-6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np


@dataclass(frozen=True)
class Units:
    """Factors in Å, eV, THz, K and amu."""

    thz_per_kelvin: float  # k_B/h
    interaction: float  # γ/THz from Σ |V|²[..]/(f f' f''), before division by N


@cache
def units() -> Units:
    """Build the factors.

    Three phonons: |V_λ|² = (ħ/2)³/36/N |V|²/(ω ω' ω'') with V in eV/Å³/amu^{3/2} and
    γ = 18π/ħ² Σ |V_λ|² [..] δ(ω − ..) as an angular frequency (Togo, Chaput, Tanaka, PRB 91,
    094306, 2015, eqs. 9-11); one 1/2π makes γ and one makes δ an ordinary frequency.
    """
    from phonopy.physical_units import get_physical_units

    constants = get_physical_units()
    hbar = constants.Hbar  # eV·s
    amu = constants.AMU * 1e-20 / constants.EV  # eV·s²/Å²
    angular = 2e12 * np.pi  # rad/s per THz
    return Units(
        thz_per_kelvin=constants.KB / constants.THzToEv,
        interaction=float(18 * np.pi * hbar / (8 * 36 * amu**3 * angular**5)),
    )
