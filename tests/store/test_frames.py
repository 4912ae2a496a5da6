"""Python values as Arrow columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pytest

from screen.core.columns import Column, SqlType
from screen.core.errors import StoreError
from screen.store.frames import _ENCODERS, table_of

NAN = float("nan")


def encoded(sql_type: SqlType, *values: Any) -> list[Any]:
    column = Column("x", sql_type, "x", "x")
    found: list[Any] = table_of("t", [column], [{"x": value} for value in values])["x"].to_pylist()
    return found


def test_every_sql_type_has_an_encoder() -> None:
    assert set(_ENCODERS) == set(get_args(SqlType))


@pytest.mark.parametrize("sql_type", get_args(SqlType))
def test_none_and_missing_are_null(sql_type: SqlType) -> None:
    column = Column("x", sql_type, "x", "x")
    assert table_of("t", [column], [{"x": None}, {}])["x"].to_pylist() == [None, None]
    assert len(table_of("t", [column], [])) == 0


def test_numbers() -> None:
    values = (1, 2.5, np.float32(0.5), np.int64(3), NAN, -np.inf, None)
    assert encoded("DOUBLE", *values) == [1.0, 2.5, 0.5, 3.0, None, None, None]
    assert encoded("BIGINT", 1, 2.0, np.int8(3), NAN, 2**62) == [1, 2, 3, None, 2**62]
    assert encoded("BOOLEAN", True, np.False_) == [True, False]


def test_texts_and_json() -> None:
    assert encoded("VARCHAR", "Σ", "") == ["Σ", ""]
    assert encoded("JSON", {"b": (1, NAN), "a": np.arange(2)}, "text") == [
        '{"b": [1, null], "a": [0, 1]}',
        '"text"',
    ]
    assert encoded("VARCHAR[]", ("Li", "Br"), []) == [["Li", "Br"], []]


def test_times_are_naive_utc() -> None:
    berlin = datetime(2026, 11, 22, 11, tzinfo=timezone(timedelta(hours=1)))
    expected = berlin.astimezone(UTC).replace(tzinfo=None)
    assert (
        encoded("TIMESTAMP", berlin, "2026-11-22T10:00:00Z", "2026-11-22T10:00:00")
        == [expected] * 3
    )


def test_lists_of_numbers() -> None:
    values = ([1, 2.5], (), np.array([NAN, 1.0]), None, [None, 3])
    assert encoded("DOUBLE[]", *values) == [[1.0, 2.5], [], [None, 1.0], None, [None, 3.0]]
    assert encoded("BIGINT[]", (19, 19, 15), np.array([1, 2])) == [[19, 19, 15], [1, 2]]


def test_lists_of_vectors() -> None:
    tensor = np.arange(12.0).reshape(2, 6)
    holed = [[1, 2, 3, None, NAN, 6]]
    assert encoded("DOUBLE[6][]", tensor, None, [], holed) == [
        tensor.tolist(),
        None,
        [],
        [[1.0, 2.0, 3.0, None, None, 6.0]],
    ]
    assert encoded("DOUBLE[3][]", np.eye(3)) == [np.eye(3).tolist()]


def test_fixed_sizes_reach_arrow() -> None:
    column = Column("x", "DOUBLE[6][]", "x", "x")
    table = table_of("t", [column], [{"x": np.ones((1, 6))}])
    assert table.schema.field("x").type == pa.list_(pa.list_(pa.float64(), 6))


@pytest.mark.parametrize(
    ("sql_type", "value"),
    [
        ("DOUBLE", "1.5"),
        ("DOUBLE", [1.5]),
        ("DOUBLE", 1j),
        ("BIGINT", 1.5),
        ("BIGINT", "3"),
        ("BIGINT", 2**70),
        ("BOOLEAN", 1),
        ("BOOLEAN", "yes"),
        ("VARCHAR", 3),
        ("TIMESTAMP", "yesterday"),
        ("JSON", object()),
        ("DOUBLE[]", 1.5),
        ("DOUBLE[]", [[1.0]]),
        ("DOUBLE[]", ["a"]),
        ("DOUBLE[6][]", [[1.0, 2.0, 3.0]]),
        ("DOUBLE[6][]", [1.0] * 6),
        ("BIGINT[]", [1.5]),
        ("VARCHAR[]", 3),
    ],
)
def test_a_misfit_names_table_column_material_and_value(sql_type: SqlType, value: Any) -> None:
    columns = [Column("material_id", "VARCHAR", "m", "m"), Column("x", sql_type, "x", "x")]
    rows = [{"material_id": "good"}, {"material_id": "bad", "x": value}]
    with pytest.raises(StoreError, match=r"t\.x of bad is .*, not ") as caught:
        table_of("t", columns, rows)
    assert sql_type in str(caught.value)
