"""Declared columns as Arrow tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from screen.core.columns import Column

_TYPES = {
    "VARCHAR": pa.string(),
    "DOUBLE": pa.float64(),
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "DOUBLE[]": pa.list_(pa.float64()),
    "VARCHAR[]": pa.list_(pa.string()),
}


def arrow_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column]) -> pa.Table:
    """Return rows with these columns; what a row does not name is null."""
    schema = pa.schema([(column.name, _TYPES[column.sql_type]) for column in columns])
    return pa.Table.from_pylist(list(rows), schema=schema)
