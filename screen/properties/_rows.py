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


def mean_diagonal(tensors: FloatArray) -> FloatArray:
    """Mean of xx, yy, zz of (nT, 3, 3) tensors, (nT,)."""
    return np.asarray(np.trace(tensors, axis1=1, axis2=2) / 3)
