"""What is known of the columns of any query's rows: a column keeps the unit of its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from screen.core.columns import Column
from screen.store import queries
from screen.store.database import Snapshot


def known_columns(snapshot: Snapshot) -> dict[str, Column]:
    """Return columns by name; left out are names that have different units in different tables."""
    found: dict[str, Column] = {}
    ambiguous = set()
    for row in queries.schema(snapshot).drop_columns(["table_name"]).to_pylist():
        column = found.setdefault(row["name"], Column(**row))
        if column.unit != row["unit"]:
            ambiguous.add(column.name)
    return {name: column for name, column in found.items() if name not in ambiguous}


def described(table: pa.Table, known: Mapping[str, Column]) -> list[Column]:
    """Return what is known of each column; only numbers have units."""
    return [
        known[field.name]
        if field.name in known and (_numeric(field.type) or not known[field.name].unit)
        else unknown(field.name)
        for field in table.schema
    ]


def unknown(name: str, sql_type: object = "VARCHAR") -> Column:
    """Return a column of which nothing but the name is known."""
    return Column(name, sql_type, name, "")  # type: ignore[arg-type]  # any type of DuckDB


def headers(columns: Sequence[Column]) -> list[str]:
    """Return each column's name as SQL has it, with its unit if that is known."""
    return [f"{item.name} [{item.unit}]" if item.unit else item.name for item in columns]


def _numeric(kind: pa.DataType) -> bool:
    """Say whether values are numbers, or lists of them."""
    while pa.types.is_list(kind) or pa.types.is_fixed_size_list(kind):
        kind = kind.value_type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))
