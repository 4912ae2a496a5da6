"""Wigner against Boltzmann: how a crystal conducts heat at each temperature."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from screen.core.columns import Column
from screen.core.crystal import FloatArray
from screen.core.lifetimes import ioffe_regel_limit, lifetimes, wigner_limit
from screen.core.pairs import CUTOFF
from screen.core.records import Conductivity, Record
from screen.core.spectra import RegimeShares, regime_shares
from screen.core.verdicts import Verdict, coherence_share, verdict
from screen.core.voigt import mean_diagonal

_BY_KAPPA = (
    Column("temperature", "DOUBLE", "T", "Temperature.", "K"),
    Column("kappa", "DOUBLE", "κ", "κ_P + κ_C, mean of xx, yy, zz.", "W/m/K"),
    Column("kappa_p", "DOUBLE", "κ_P", "Populations, degenerate pairs included.", "W/m/K"),
    Column("kappa_c", "DOUBLE", "κ_C", "Coherences: what the Boltzmann equation misses.", "W/m/K"),
    Column("coherence_share", "DOUBLE", "κ_C/κ", "Share of the coherences in κ."),
)
_BY_MODES = (
    Column(
        "beyond_wigner_share",
        "DOUBLE",
        "modes beyond the Wigner limit",
        "Share of the modes that decay within the inverse of the mean spacing of bands.",
    ),
    Column(
        "beyond_ioffe_regel_share",
        "DOUBLE",
        "modes beyond the Ioffe–Regel limit",
        "Share of the modes that decay within 1/ω.",
    ),
    Column(
        "wave_like_share",
        "DOUBLE",
        "wave-like share of κ",
        "Share of κ in phonons with lifetimes between the Ioffe–Regel and the Wigner limit.",
    ),
    Column(
        "overdamped_share",
        "DOUBLE",
        "overdamped share of κ",
        "Share of κ in phonons with lifetimes below the Ioffe–Regel limit: doubt κ itself.",
    ),
)
_VERDICT = Column("verdict", "VARCHAR", "verdict", "particle, mixed or wave-like, by κ_C/κ.")

COLUMNS = (*_BY_KAPPA, *_BY_MODES, _VERDICT)
"""One row for each temperature."""

BY_TEMPERATURE = (
    *(replace(column, sql_type="DOUBLE[]") for column in _BY_MODES),
    replace(_VERDICT, sql_type="VARCHAR[]"),
)
"""Beside ``temperatures``, ``kappa_p`` and ``kappa_c`` where a row is a compound."""

_TYPES = {"DOUBLE": pa.float64(), "VARCHAR": pa.string()}


@dataclass(frozen=True, eq=False)
class Carriers(Record):
    """What carries the heat at nT temperatures; shares are from 0 to 1."""

    temperatures: FloatArray  # (nT,) K
    kappa_p: FloatArray  # (nT,) W/m/K, mean of xx, yy, zz; degenerate pairs included
    kappa_c: FloatArray  # (nT,) W/m/K
    beyond_wigner: FloatArray  # (nT,) of the modes, τ < τ_W
    beyond_ioffe_regel: FloatArray  # (nT,) of the modes, τ < τ_IR
    wave_like: FloatArray  # (nT,) of κ, τ_IR < τ < τ_W; NaN where κ = 0
    overdamped: FloatArray  # (nT,) of κ, τ < τ_IR; NaN where κ = 0

    @property
    def coherence_share(self) -> FloatArray:
        """κ_C/κ, (nT,); NaN where κ = 0."""
        return coherence_share(self.kappa_p, self.kappa_c)

    @property
    def verdicts(self) -> tuple[Verdict | None, ...]:
        """Verdict at each temperature, see ``core.verdicts``; None where κ = 0."""
        return tuple(verdict(float(share)) for share in self.coherence_share)


def carriers(record: Conductivity) -> Carriers:
    """Say what carries the heat of a conductivity.

    Limits as in ``core.lifetimes``. Modes count by number, each with the size of its star; those
    without frequency (the acoustic ones at Γ: f ≤ 1e-4 THz) take no part.
    """
    kappa_p, kappa_c = mean_diagonal(record.kappa_p), mean_diagonal(record.kappa_c)
    shares = [
        regime_shares(record, index) if total else RegimeShares(math.nan, math.nan, math.nan)
        for index, total in enumerate(kappa_p + kappa_c)
    ]
    tau = lifetimes(record.linewidths)
    return Carriers(
        temperatures=record.temperatures,
        kappa_p=kappa_p,
        kappa_c=kappa_c,
        beyond_wigner=_share_of_modes(record, tau < wigner_limit(record.frequencies)),
        beyond_ioffe_regel=_share_of_modes(record, tau < ioffe_regel_limit(record.frequencies)),
        wave_like=np.array([share.wave_like for share in shares]),
        overdamped=np.array([share.overdamped for share in shares]),
    )


def carriers_table(found: Carriers) -> pa.Table:
    """One row for each temperature, with ``COLUMNS``; null where κ = 0."""
    values: dict[str, Iterable[Any]] = {
        "temperature": found.temperatures,
        "kappa": found.kappa_p + found.kappa_c,
        "kappa_p": found.kappa_p,
        "kappa_c": found.kappa_c,
        "coherence_share": found.coherence_share,
        **_by_temperature(found),
    }
    schema = pa.schema([(column.name, _TYPES[column.sql_type]) for column in COLUMNS])
    return pa.table({name: _absent(item) for name, item in values.items()}, schema=schema)


def verdict_columns(record: Conductivity) -> dict[str, list[Any]]:
    """Values for ``BY_TEMPERATURE``, in the order of the record's temperatures."""
    return {name: _absent(item) for name, item in _by_temperature(carriers(record)).items()}


def _by_temperature(found: Carriers) -> dict[str, Iterable[Any]]:
    return {
        "beyond_wigner_share": found.beyond_wigner,
        "beyond_ioffe_regel_share": found.beyond_ioffe_regel,
        "wave_like_share": found.wave_like,
        "overdamped_share": found.overdamped,
        "verdict": found.verdicts,
    }


def _share_of_modes(record: Conductivity, chosen: Any) -> FloatArray:
    """Share by number, (nT,), of modes ``chosen`` (nT, nq, nb) among those with a frequency."""
    number = record.weights[:, None] * (record.frequencies > CUTOFF)
    return np.asarray((number * chosen).sum(axis=(1, 2)) / number.sum())


def _absent(values: Iterable[Any]) -> list[Any]:
    """Return plain values, None for NaN."""
    plain = values.tolist() if isinstance(values, np.ndarray) else list(values)
    return [None if isinstance(value, float) and math.isnan(value) else value for value in plain]
