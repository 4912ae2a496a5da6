"""Isotopic composition: mass variances for scattering, mean masses for the dynamics.

Natural compositions are phonopy's. An element without one (Tc, Pm, Po ...) counts as one isotope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.errors import SettingsError

Abundances = Mapping[str, Mapping[int, float]]


def mass_variances(symbols: Sequence[str], abundances: Abundances) -> FloatArray:
    """Σ_i c_i (1 − m_i/m̄)² of each atom, (n_atoms,) (Tamura, PRB 27, 858, 1983).

    ``abundances`` maps element → mass number → fraction; elements that are not in it are natural.

    Raises
    ------
    SettingsError
        An element or a mass number is unknown.
    """
    check(abundances)
    found = []
    for symbol in symbols:
        masses, fractions = _composition(symbol, abundances)
        found.append(fractions @ (1 - masses / (fractions @ masses)) ** 2)
    return np.array(found, dtype=np.float64)


def set_masses(phono3py: Any, abundances: Abundances) -> None:
    """Give the atoms of the elements in ``abundances`` the mean mass of their isotopes, amu."""
    primitive = phono3py.primitive
    masses = np.array(primitive.masses)
    for n, symbol in enumerate(primitive.symbols):
        if symbol in abundances:
            isotopes, fractions = _composition(symbol, abundances)
            masses[n] = fractions @ isotopes
    phono3py.masses = masses


def check(abundances: Abundances) -> None:
    """Refuse what is no isotope.

    Raises
    ------
    SettingsError
        An element or a mass number is unknown.
    """
    known = _natural()
    for symbol, fractions in abundances.items():
        isotopes = [number for number, _, _ in known.get(symbol) or ()]
        for number in fractions:
            if number not in isotopes:
                raise SettingsError(
                    f"isotope_abundances: {symbol!r} has no isotope {number}; known: "
                    f"{', '.join(map(str, isotopes)) or 'none, leave this element out'}"
                )


def _composition(symbol: str, abundances: Abundances) -> tuple[FloatArray, FloatArray]:
    """Masses (amu) and fractions of an element's isotopes."""
    isotopes = _natural().get(symbol)
    if not isotopes:
        return np.ones(1), np.ones(1)
    masses = np.array([mass for _, mass, _ in isotopes])
    if symbol in abundances:
        given = abundances[symbol]
        return masses, np.array([given.get(number, 0.0) for number, _, _ in isotopes])
    return masses, np.array([fraction for _, _, fraction in isotopes])


def _natural() -> dict[str, Any]:
    from phonopy.structure.atomic_data import get_atomic_data

    data: dict[str, Any] = get_atomic_data().isotope_data
    return data
