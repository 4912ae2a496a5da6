"""What the other potentials say: the range of a curve over all that are fit for κ."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from screen.core.crystal import FloatArray


@dataclass(frozen=True, eq=False)
class Spread:
    """Lowest and highest value of several potentials at each temperature."""

    temperatures: FloatArray  # (nT,) K
    low: FloatArray  # (nT,)
    high: FloatArray  # (nT,)
    potentials: int


def spread_of(
    table: pa.Table | None,
    row: Mapping[str, Any],
    columns: tuple[str, str],
    ensemble: Collection[str],
) -> Spread | None:
    """Return the range over potentials that ran the protocol of ``row``; None for fewer than two.

    Parameters
    ----------
    table
        Rows of a property of one material, with ``model_digest`` and ``protocol_digest``.
    columns
        Names of the temperature grid and of the values on it.
    ensemble
        Digests of the potentials that count.
    """
    if table is None:
        return None
    grid, name = columns
    found = [
        (item[grid], item[name])
        for item in table.to_pylist()
        if item["protocol_digest"] == row["protocol_digest"]
        and item["model_digest"] in ensemble
        and item[name] is not None
    ]
    if len(found) < 2:
        return None
    shared = sorted(set.intersection(*(set(temperatures) for temperatures, _ in found)))
    values = np.array(
        [[dict(zip(*item, strict=True))[temperature] for temperature in shared] for item in found],
        dtype=np.float64,
    )
    if not shared:
        return None
    return Spread(np.array(shared), values.min(axis=0), values.max(axis=0), len(found))
