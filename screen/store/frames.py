"""Rows of Python values as Arrow tables of declared columns; failed numbers become NULL."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa

from screen.core.columns import Column, SqlType
from screen.core.errors import StoreError

Row = Mapping[str, Any]


def table_of(name: str, columns: Sequence[Column], rows: Sequence[Row]) -> pa.Table:
    """Build an Arrow table; a value that a row lacks is NULL, so are NaN and infinity.

    Parameters
    ----------
    name
        The table's name, for messages.

    Raises
    ------
    StoreError
        A row has a column that is not declared, or a value does not fit its SQL type.
    """
    _check_names(name, columns, rows)
    arrays = []
    for column in columns:
        values = [row.get(column.name) for row in rows]
        try:
            arrays.append(_ENCODERS[column.sql_type](values))
        except (TypeError, ValueError, OverflowError, pa.ArrowException) as error:
            raise StoreError(_misfit(name, column, rows, error)) from error
    return pa.Table.from_arrays(arrays, names=[column.name for column in columns])


def first_rows(
    reader: pa.RecordBatchReader, n_rows: int | None, n_bytes: int | None = None
) -> pa.Table:
    """Read ``n_rows`` rows, or all if there are fewer; the rest is never computed.

    Raises
    ------
    StoreError
        They take more than ``n_bytes``.
    """
    batches: list[pa.RecordBatch] = []
    found = size = 0
    for batch in reader:
        batches.append(batch)
        found += len(batch)
        size += batch.nbytes
        if n_bytes is not None and size > n_bytes:
            raise StoreError(
                f"the result takes more than {n_bytes / 1e6:g} MB: ask for fewer rows or columns"
            )
        if n_rows is not None and found >= n_rows:
            break
    return pa.Table.from_batches(batches, schema=reader.schema).slice(0, n_rows)


def with_unique_names(table: pa.Table) -> pa.Table:
    """Return a table in which a second ``a`` is ``a_1``, as DuckDB calls it in a subquery."""
    names: dict[str, str] = {}  # DuckDB does not tell upper case from lower
    for given in table.column_names:
        tries = (f"{given}_{number}" if number else given for number in count())
        name = next(name for name in tries if name.lower() not in names)
        names[name.lower()] = name
    return table.rename_columns(list(names.values()))


def plain(value: Any) -> Any:  # noqa: PLR0911  # one return per kind of value
    """Turn NumPy values, tuples, mappings, times and bytes into JSON values; NaN becomes None."""
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, Decimal):  # what DuckDB makes of sum(BIGINT)
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return str(value) if isinstance(value, date | time | timedelta | UUID) else value


def utc(value: str | datetime) -> datetime:
    """Return a time as naive UTC; without a zone it is taken as UTC.

    Raises
    ------
    ValueError
        The text is no ISO 8601 time.
    """
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def _check_names(name: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Refuse values that would be dropped silently."""
    declared = {column.name for column in columns}
    for row in rows:
        if not row.keys() <= declared:
            unknown = ", ".join(sorted(row.keys() - declared))
            raise StoreError(f"{name} has no column {unknown}; declare it in COLUMNS")


def _misfit(name: str, column: Column, rows: Sequence[Row], error: Exception) -> str:
    """Say which value does not fit its column."""
    for row in rows:
        try:
            _ENCODERS[column.sql_type]([row.get(column.name)])
        except (TypeError, ValueError, OverflowError, pa.ArrowException):
            value = repr(row.get(column.name))[:80]
            who = f" of {row['material_id']}" if "material_id" in row else ""
            return f"{name}.{column.name}{who} is {value}, not {column.sql_type}: {error}"
    return f"{name}.{column.name} is not {column.sql_type}: {error}"


def _doubles(values: Iterable[Any]) -> pa.Array:
    """Encode scalars; None, NaN and infinity become NULL."""
    numbers = np.array([math.nan if value is None else value for value in values])
    if numbers.dtype.kind not in "biuf" and numbers.size:
        raise TypeError("no number")
    return _finite(numbers.astype(np.float64))


def _finite(numbers: np.ndarray[Any, np.dtype[np.float64]]) -> pa.Array:
    """Encode a flat array; NaN and infinity become NULL."""
    return pa.array(numbers, type=pa.float64(), mask=~np.isfinite(numbers))


def _integers(values: Iterable[Any]) -> pa.Array:
    """Encode integers; a float counts if it is whole, NaN becomes NULL."""
    return pa.array([None if _absent(value) else _whole(value) for value in values], pa.int64())


def _whole(value: Any) -> int:
    if isinstance(value, str) or int(value) != value:
        raise ValueError(f"{value!r} is no whole number")
    return int(value)


def _absent(value: Any) -> bool:
    """Say whether a scalar is None or failed."""
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def _booleans(values: Iterable[Any]) -> pa.Array:
    return pa.array([None if value is None else _truth(value) for value in values], pa.bool_())


def _truth(value: Any) -> bool:
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{value!r} is no truth value")
    return bool(value)


def _texts(values: Iterable[Any]) -> pa.Array:
    return pa.array([None if value is None else value for value in values], pa.string())


def _jsons(values: Iterable[Any]) -> pa.Array:
    """Encode any plain value as JSON text; None stays NULL."""
    return pa.array([None if value is None else _json(value) for value in values], pa.string())


def _json(value: Any) -> str:
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False)


def _times(values: Iterable[Any]) -> pa.Array:
    """Encode times as naive UTC."""
    moments = [None if value is None else utc(value) for value in values]
    return pa.array(moments, pa.timestamp("us"))


def _double_lists(width: int | None) -> Callable[[Iterable[Any]], pa.Array]:
    """Return the encoder of arrays of shape (n,), or (n, width); NaN inside becomes NULL."""

    def encode(values: Iterable[Any]) -> pa.Array:
        parts = [None if value is None else _part(value, width) for value in values]
        given = [part for part in parts if part is not None]
        flat = np.concatenate(given).reshape(-1) if given else np.empty(0)
        items = _finite(flat)
        if width is not None:
            items = pa.FixedSizeListArray.from_arrays(items, width)
        return _listed(parts, items)

    return encode


def _part(value: Any, width: int | None) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Check one array's shape."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" and array.size:
        array = np.array(
            [[math.nan if x is None else x for x in np.atleast_1d(row)] for row in array]
        )
        array = array.reshape(-1) if width is None else array
    shape = (len(array),) if width is None else (len(array), width)
    if array.size and array.shape != shape:
        raise ValueError(f"shape {array.shape} instead of {shape}")
    return array.reshape(shape).astype(np.float64)


def _listed(parts: Sequence[Any], items: pa.Array) -> pa.Array:
    """Cut a flat array into lists; a part that is None is a NULL list."""
    lengths = [0 if part is None else len(part) for part in parts]
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    absent = pa.array([part is None for part in parts], pa.bool_())
    return pa.ListArray.from_arrays(pa.array(offsets), items, mask=absent)


def _integer_lists(values: Iterable[Any]) -> pa.Array:
    lists = [None if value is None else [_whole(item) for item in value] for value in values]
    return pa.array(lists, pa.list_(pa.int64()))


def _text_lists(values: Iterable[Any]) -> pa.Array:
    lists = [None if value is None else list(value) for value in values]
    return pa.array(lists, pa.list_(pa.string()))


_ENCODERS: Mapping[SqlType, Callable[[Iterable[Any]], pa.Array]] = {
    "VARCHAR": _texts,
    "DOUBLE": _doubles,
    "BIGINT": _integers,
    "BOOLEAN": _booleans,
    "TIMESTAMP": _times,
    "JSON": _jsons,
    "DOUBLE[]": _double_lists(None),
    "DOUBLE[3][]": _double_lists(3),
    "DOUBLE[6][]": _double_lists(6),
    "BIGINT[]": _integer_lists,
    "VARCHAR[]": _text_lists,
}
