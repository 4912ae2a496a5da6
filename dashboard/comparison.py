"""Several materials, or several potentials for one of them, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from dashboard import display, sheet
from dashboard.charts.comparison import EXPANSION, PARTS, Curve
from dashboard.filters import quoted
from screen.core.columns import Column
from screen.store import queries
from screen.store.database import Snapshot

Row = Mapping[str, Any]

KEY = ("material_id", "model_digest", "protocol_digest")
GRIDS = {
    "conductivity": ("temperatures", "kappa", "kappa_p", "kappa_c"),
    "expansion": ("expansion_temperatures", "expansion"),
}
"""Property to its temperature grid and the values on it."""
QUANTITIES = (*sheet.HEADLINES, *sheet.DETAILS)
FACTS = ("formula", "status", "failure_stage", "failure_kind", "prototype", "model", "protocol")


@dataclass(frozen=True)
class Entry:
    """One result of the comparison."""

    label: str  # unique within the comparison
    row: Row  # of the view ``results``
    grids: Mapping[str, Row]  # property -> its temperature grid and values

    @property
    def method(self) -> str:
        """Potential and protocol."""
        return method_of(self.row)


def method_of(row: Row) -> str:
    """Name what has computed a result."""
    return " · ".join(str(row[name]) for name in ("model", "protocol") if row[name])


def from_address(values: Sequence[str]) -> list[str]:
    """Read identifiers from ``?materials=a,b,c``, each once and in order; also given repeatedly."""
    texts = (text.strip() for value in values for text in value.split(","))
    return list(dict.fromkeys(text for text in texts if text))


def rows_of(snapshot: Snapshot, materials: tuple[str, ...]) -> list[Row]:
    """Return the results of some materials, in the order of their identifiers as given.

    Only the columns that a comparison shows: the view computes all that it is asked for.
    """
    there = {column.name for column in queries.columns_of(snapshot)}
    wanted = ", ".join(name for name in (*KEY, *FACTS, *QUANTITIES) if name in there)
    found = snapshot.query(
        f"SELECT {wanted} FROM results WHERE material_id IN ({_placeholders(materials)}) "
        "ORDER BY model, protocol, model_digest, protocol_digest",
        list(materials),
    )
    return sorted(found.to_pylist(), key=lambda row: materials.index(row["material_id"]))


def known(snapshot: Snapshot, materials: tuple[str, ...]) -> frozenset[str]:
    """Return which of the identifiers the run knows, computed or not."""
    found = snapshot.query(
        f"SELECT material_id FROM materials WHERE material_id IN ({_placeholders(materials)})",
        list(materials),
    )
    return frozenset(found["material_id"].to_pylist())


def grids_of(snapshot: Snapshot, materials: tuple[str, ...]) -> dict[tuple[str, str, str], Any]:
    """Return the temperature grids of all results of some materials, by outcome and property."""
    computed = queries.property_names(snapshot)
    found: dict[tuple[str, str, str], dict[str, Row]] = {}
    for name, columns in GRIDS.items():
        if name not in computed:
            continue
        table = snapshot.query(
            f'SELECT {", ".join((*KEY, *columns))} FROM "{name}" '
            f"WHERE material_id IN ({_placeholders(materials)})",
            list(materials),
        )
        for row in table.to_pylist():
            outcome = tuple(str(row[key]) for key in KEY)
            found.setdefault((outcome[0], outcome[1], outcome[2]), {})[name] = row
    return found


def entries(rows: Sequence[Row], grids: Mapping[tuple[str, str, str], Any]) -> list[Entry]:
    """Return what is compared, named by what differs: formula, identifier, potential, protocol."""
    several = {
        "material": len({row["material_id"] for row in rows}) > 1,
        "method": len({method_of(row) for row in rows}) > 1,
    }
    formulas = {row["formula"]: row["material_id"] for row in rows}
    alike = len(formulas) < len({row["material_id"] for row in rows})
    labels: list[str] = []
    for row in rows:
        identifier = row["material_id"]
        name = row["formula"] or identifier
        parts = [f"{name} ({identifier})" if alike and row["formula"] else str(name)]
        if several["method"]:
            parts = [*(parts if several["material"] else []), method_of(row)]
        labels.append(" · ".join(parts))
    return [
        Entry(
            label if labels.count(label) == 1 else f"{label} {_digests(row)}",
            row,
            grids.get((row["material_id"], row["model_digest"], row["protocol_digest"]), {}),
        )
        for label, row in zip(labels, rows, strict=True)
    ]


def _digests(row: Row) -> str:
    return f"({row['model_digest'][:6]}, {row['protocol_digest'][:6]})"


def numbers(found: Sequence[Entry], columns: Mapping[str, Column]) -> pa.Table:
    """Return quantities as rows, with unit, and one column of numbers as text per entry."""
    names = [
        name
        for name in QUANTITIES
        if name in columns and any(entry.row.get(name) is not None for entry in found)
    ]
    told = [name for name in FACTS[1:] if any(entry.row.get(name) is not None for entry in found)]
    headers = [display.shown_column(columns[name]).header for name in (*names, *told)]
    return pa.table(
        {
            "quantity": headers,
            **{
                entry.label: [
                    display.number(entry.row.get(name), columns[name]) for name in (*names, *told)
                ]
                for entry in found
            },
        }
    )


def sql(found: Sequence[Entry], columns: Mapping[str, Column]) -> str:
    """Return the query behind ``numbers``: one row per entry."""
    names = (*KEY, *FACTS, *QUANTITIES)
    selected = ", ".join(name for name in names if name in columns)
    return f"SELECT {selected}\nFROM results\nWHERE {_outcomes(found)}"


def _outcomes(found: Sequence[Entry]) -> str:
    """Return the condition that picks the entries."""
    rows = ",\n  ".join(
        "(" + ", ".join(quoted(str(entry.row[key])) for key in KEY) + ")" for entry in found
    )
    return f"({', '.join(KEY)}) IN (\n  {rows}\n)"


def curves(found: Sequence[Entry]) -> pa.Table:
    """Return all curves, one row per point, with the unit of each."""
    parts = [(part, PARTS[part].unit, conductivities(found, part)) for part in PARTS]
    rows = [
        {
            "result": curve.label,
            "quantity": name,
            "T [K]": float(temperature),
            "value": float(value),
            "unit": unit,
        }
        for name, unit, drawn in (*parts, ("α_L", EXPANSION.unit, expansions(found)))
        for curve in drawn
        for temperature, value in zip(curve.temperatures, curve.values, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=_CURVES)


_CURVES = pa.schema(
    [
        ("result", pa.string()),
        ("quantity", pa.string()),
        ("T [K]", pa.float64()),
        ("value", pa.float64()),
        ("unit", pa.string()),
    ]
)


def curves_sql(found: Sequence[Entry]) -> str:
    """Return the queries behind the curves, one per property, in stored units."""
    there = [name for name in GRIDS if any(name in entry.grids for entry in found)]
    return "\n\n".join(
        f"SELECT {', '.join((*KEY, *GRIDS[name]))}\nFROM {name}\nWHERE {_outcomes(found)};"
        for name in there
    )


def conductivities(found: Sequence[Entry], part: str) -> list[Curve]:
    """Return a part of κ of every entry that has it."""
    curves = []
    for entry in found:
        grid = entry.grids.get("conductivity")
        if grid is None:
            continue
        kappa, coherences = np.array(grid["kappa"], float), np.array(grid["kappa_c"], float)
        values = {
            "κ": kappa,
            "κ_P": np.array(grid["kappa_p"], float),
            "κ_C": coherences,
            "κ_C/κ": 100 * np.divide(coherences, kappa, out=np.zeros_like(kappa), where=kappa > 0),
        }
        curves.append(Curve(entry.label, np.array(grid["temperatures"], float), values[part]))
    return curves


def expansions(found: Sequence[Entry]) -> list[Curve]:
    """Return α_L in 10⁻⁶/K of every entry that has it."""
    return [
        Curve(
            entry.label,
            np.array(grid["expansion_temperatures"], float),
            1e6 * np.array(grid["expansion"], float),
        )
        for entry in found
        if (grid := entry.grids.get("expansion")) is not None
    ]


def _placeholders(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values)) or "NULL"
