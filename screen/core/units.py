"""Conversion factors (CODATA through SciPy). Inside: Å, eV, THz (ordinary frequency), K, amu."""

from __future__ import annotations

from scipy import constants

KELVIN_TO_EV = constants.k / constants.e
"""Boltzmann constant in eV/K."""

THZ_TO_EV = constants.h * 1e12 / constants.e
"""Planck constant times 1 THz in eV."""

EV_PER_A3_TO_GPA = constants.e * 1e30 / 1e9
"""1 eV/Å³ in GPa."""
