"""Values for table rows: tensors and temperature curves as plain Python numbers."""

from __future__ import annotations

import numpy as np

from screen.core.crystal import FloatArray


def at_temperature(
    temperatures: FloatArray, values: FloatArray, temperature: float
) -> float | None:
    """Value at ``temperature`` (K), linear between grid points; None outside the grid."""
    if not temperatures[0] <= temperature <= temperatures[-1]:
        return None
    return float(np.interp(temperature, temperatures, values))


def conductivity_at(
    temperatures: FloatArray, kappa: FloatArray, temperature: float
) -> float | None:
    """κ at ``temperature`` (K): ln κ linear in ln T, exact for κ ∝ 1/T; None outside the grid."""
    if temperature in temperatures:
        return float(kappa[temperatures == temperature][0])
    tiny = np.finfo(np.float64).tiny  # κ_C may vanish
    value = at_temperature(
        np.log(temperatures), np.log(np.maximum(kappa, tiny)), float(np.log(temperature))
    )
    return None if value is None else float(np.exp(value))


def mean_diagonal(tensors: FloatArray) -> FloatArray:
    """Mean of xx, yy, zz of (nT, 3, 3) tensors, (nT,)."""
    return np.asarray(np.trace(tensors, axis1=1, axis2=2) / 3)
