"""Query results as files for people and for other programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from screen.core.errors import SettingsError, StoreError
from screen.store.files import write_atomically
from screen.store.frames import plain


def write_table(table: pa.Table, fmt: str, destination: Path | BinaryIO) -> None:
    """Write a table to a file or a binary stream.

    Parameters
    ----------
    fmt
        ``csv`` (lists as JSON text), ``json`` (a list of records), ``jsonl`` (one record per
        line) or ``parquet``. NaN becomes null in JSON and an empty cell in CSV.

    Raises
    ------
    SettingsError
        The format is unknown.
    StoreError
        The file cannot be written.
    """
    if fmt not in FORMATS:
        raise SettingsError(f"no format {fmt!r}; known: {', '.join(FORMATS)}")
    if not isinstance(destination, Path):
        FORMATS[fmt](table, destination)
        return
    try:
        write_atomically(destination, lambda handle: FORMATS[fmt](table, handle))
    except OSError as error:
        raise StoreError(f"cannot write {destination}: {error.strerror}") from error


def _write_csv(table: pa.Table, handle: BinaryIO) -> None:
    """Write a header and one line per row; nested values as JSON text."""
    columns = [_flat(table.column(index)) for index in range(table.num_columns)]
    pyarrow.csv.write_csv(pa.Table.from_arrays(columns, names=table.column_names), handle)


def _flat(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    """Turn what CSV has no words for into text; NaN and infinity become NULL."""
    if pa.types.is_floating(column.type):
        return pyarrow.compute.if_else(pyarrow.compute.is_finite(column), column, None)
    if pa.types.is_nested(column.type):
        return _texts(column, _json)
    if pa.types.is_binary(column.type):
        return _texts(column, bytes.hex)
    return _texts(column, str) if _is_span(column.type) else column


def _is_span(kind: pa.DataType) -> bool:
    """Say whether values are lengths of time."""
    return bool(pa.types.is_interval(kind) or pa.types.is_duration(kind))


def _texts(column: pa.ChunkedArray, write: Callable[[Any], str]) -> pa.Array:
    """Turn values into text; NULL stays NULL."""
    values = column.to_pylist()
    return pa.array([None if value is None else write(value) for value in values], pa.string())


def _write_json(table: pa.Table, handle: BinaryIO) -> None:
    """Write a list of records, one per line."""
    lines = ",\n".join(_json(row) for row in table.to_pylist())
    handle.write(f"[\n{lines}\n]\n".encode() if lines else b"[]\n")


def _write_jsonl(table: pa.Table, handle: BinaryIO) -> None:
    """Write one record per line."""
    handle.writelines(f"{_json(row)}\n".encode() for row in table.to_pylist())


def _json(value: object) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def _write_parquet(table: pa.Table, handle: BinaryIO) -> None:
    """Write typed columns; spans of time and unions, which Parquet does not know, as text."""
    for index, field in enumerate(table.schema):
        if _is_span(field.type) or pa.types.is_union(field.type):
            texts = _texts(table.column(index), str)
            table = table.set_column(index, field.with_type(pa.string()), texts)
    pyarrow.parquet.write_table(table, handle)


FORMATS: Mapping[str, Callable[[pa.Table, BinaryIO], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
}
