"""Every phonon mode of a stored conductivity as a table for other programs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from screen.core.crystal import FloatArray
from screen.core.lifetimes import Regime, lifetimes, regimes
from screen.core.records import Conductivity
from screen.core.spectra import mean_free_paths, mode_conductivities, speeds

THZ_ANGSTROM = 100.0  # m/s


def mode_table(record: Conductivity) -> pa.Table:
    """One row per temperature, irreducible q and band; units are in the names, κ in W/m/K.

    κ_P and κ_C of a mode (its star included) sum to those of the crystal at each temperature.
    """
    return pa.concat_tables([_at_temperature(record, n) for n in range(len(record.temperatures))])


def _at_temperature(record: Conductivity, index: int) -> pa.Table:
    n_points, n_bands = record.frequencies.shape
    widths = record.linewidths[index]
    kappa_p, kappa_c = mode_conductivities(record, index)
    names = np.array([regime.name.lower() for regime in Regime])
    columns = {
        "temperature_k": np.full((n_points, n_bands), record.temperatures[index]),
        **{
            f"q_{axis}": np.repeat(record.q[:, n : n + 1], n_bands, axis=1)
            for n, axis in enumerate("abc")
        },
        "weight": np.repeat(record.weights[:, None], n_bands, axis=1),
        "band": np.tile(np.arange(n_bands), (n_points, 1)),
        "frequency_thz": record.frequencies,
        "speed_m_s": speeds(record) * THZ_ANGSTROM,
        "linewidth_thz": widths,
        **_parts(record),
        "lifetime_ps": lifetimes(widths),
        "mean_free_path_nm": mean_free_paths(record, index),
        "kappa_p": kappa_p,
        "kappa_c": kappa_c,
        "regime": names[regimes(record.frequencies, widths)],
    }
    return pa.table({name: values.ravel() for name, values in columns.items()})


def _parts(record: Conductivity) -> dict[str, FloatArray]:
    """Linewidths by isotopes and boundaries; 0 where they were left out."""
    nothing = np.zeros_like(record.frequencies)
    return {
        f"{name}_linewidth_thz": nothing if widths is None else widths
        for name, widths in (
            ("isotope", record.isotope_linewidths),
            ("boundary", record.boundary_linewidths),
        )
    }
