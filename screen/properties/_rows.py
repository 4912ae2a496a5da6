"""Values for table rows: tensors and temperature curves as plain Python numbers."""

from __future__ import annotations

import numpy as np

from screen.core.crystal import FloatArray


def around(temperatures: FloatArray, temperature: float) -> list[int]:
    """Grid points that ``temperature`` (K) lies on or between: one, two, or outside the grid none."""
    above = int(np.searchsorted(temperatures, temperature))
    if above < len(temperatures) and temperatures[above] == temperature:
        return [above]
    return [above - 1, above] if 0 < above < len(temperatures) else []


def at_temperature(
    temperatures: FloatArray, values: FloatArray | None, temperature: float
) -> float | None:
    """Value at ``temperature`` (K), linear between grid points; None outside the grid."""
    if (
        values is None
        or not len(temperatures)
        or not temperatures[0] <= temperature <= temperatures[-1]
    ):
        return None
    return float(np.interp(temperature, temperatures, values))


def by_powers(temperatures: FloatArray, values: FloatArray, temperature: float) -> float | None:
    """Value at ``temperature`` (K), its logarithm linear in ln T: exact for κ ∝ 1/T; None outside."""
    if temperature in temperatures:
        return float(values[temperatures == temperature][0])
    tiny = np.finfo(np.float64).tiny  # κ_C may vanish
    value = at_temperature(
        np.log(temperatures), np.log(np.maximum(values, tiny)), float(np.log(temperature))
    )
    return None if value is None else float(np.exp(value))
