"""Values for table rows: tensors and temperature curves as plain Python numbers."""

from __future__ import annotations

import numpy as np

from screen.core.crystal import FloatArray

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


def at_temperature(
    temperatures: FloatArray, values: FloatArray, temperature: float
) -> float | None:
    """Value at ``temperature`` (K), linear between grid points; None outside the grid."""
    if not temperatures[0] <= temperature <= temperatures[-1]:
        return None
    return float(np.interp(temperature, temperatures, values))


def mean_diagonal(tensors: FloatArray) -> FloatArray:
    """Mean of xx, yy, zz of (nT, 3, 3) tensors, (nT,)."""
    return np.asarray(np.trace(tensors, axis1=1, axis2=2) / 3)


def voigt(tensors: FloatArray) -> list[list[float]]:
    """(nT, 3, 3) to nT lists xx, yy, zz, yz, xz, xy."""
    return [[float(tensor[i, j]) for i, j in VOIGT] for tensor in tensors]
