"""One truth for a stored quantity: its name, SQL type, unit and label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SqlType = Literal[
    "VARCHAR",
    "DOUBLE",
    "BIGINT",
    "BOOLEAN",
    "TIMESTAMP",
    "JSON",
    "DOUBLE[]",
    "DOUBLE[3][]",
    "DOUBLE[6][]",
    "BIGINT[]",
    "VARCHAR[]",
]


@dataclass(frozen=True)
class Column:
    """A column of a table, an axis of a plot, a header of a listing."""

    name: str
    sql_type: SqlType
    label: str  # short, for headers and axes, e.g. "κ (300 K)"
    description: str  # one sentence
    unit: str = ""  # empty: a number without unit, or no number

    @property
    def header(self) -> str:
        """Label with unit, e.g. ``κ (300 K) [W/m/K]``."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label
