"""Exports: what people and other programs read."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from screen.core.errors import SettingsError, StoreError
from screen.store.database import Writer, open_snapshot
from screen.store.export import FORMATS, write_table

TABLE = pa.table(
    {
        "formula": ["LiBr", 'a "b", c', None],
        "kappa": [1.5, float("nan"), None],
        "curve": [[1.0, float("inf")], [], None],
        "stable": [True, False, None],
        "at": pa.array([datetime(2026, 11, 22, 10), None, None], pa.timestamp("us")),
    }
)


def written(fmt: str, table: pa.Table = TABLE) -> bytes:
    buffer = BytesIO()
    write_table(table, fmt, buffer)
    return buffer.getvalue()


def test_json_is_a_list_of_records_with_null_for_nan() -> None:
    first, second, third = json.loads(written("json"))
    assert first == {
        "formula": "LiBr",
        "kappa": 1.5,
        "curve": [1.0, None],
        "stable": True,
        "at": "2026-11-22T10:00:00",
    }
    assert (second["kappa"], second["curve"]) == (None, [])
    assert set(third.values()) == {None}


def test_jsonl_is_one_record_per_line() -> None:
    lines = written("jsonl").decode().splitlines()
    assert [json.loads(line) for line in lines] == json.loads(written("json"))


def test_csv_holds_lists_as_json() -> None:
    rows = list(csv.DictReader(written("csv").decode().splitlines()))
    assert [row["formula"] for row in rows] == ["LiBr", 'a "b", c', ""]
    assert [row["kappa"] for row in rows] == ["1.5", "", ""]
    assert json.loads(rows[0]["curve"]) == [1.0, None]


def test_parquet_reads_back(tmp_path: Path) -> None:
    write_table(TABLE, "parquet", tmp_path / "out.parquet")
    found = pyarrow.parquet.read_table(tmp_path / "out.parquet")
    assert found.drop_columns(["kappa", "curve"]) == TABLE.drop_columns(["kappa", "curve"])


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_empty_table_is_written_too(tmp_path: Path, fmt: str) -> None:
    write_table(TABLE.slice(0, 0), fmt, tmp_path / "out")
    assert (tmp_path / "out").exists()
    if fmt == "json":
        assert json.loads((tmp_path / "out").read_text()) == []


def test_an_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="no format 'xml'; known: csv, json, jsonl, parquet"):
        written("xml")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot write"):
        write_table(TABLE, "csv", tmp_path / "file" / "out.csv")


ODD = (
    "SELECT 1 AS a, 2 AS a, 3 AS \"A\", INTERVAL 3 DAY AS span, 'x'::BLOB AS raw, '101'::BIT AS bits, "
    "union_value(num := 2) AS either, MAP {'k': 1.5} AS named, 170141183460469231731687::HUGEINT AS big"
)


@pytest.mark.parametrize("fmt", FORMATS)
def test_whatever_a_query_gives_can_be_written_and_no_column_is_lost(
    writer: Writer, fmt: str
) -> None:
    writer.publish()
    with open_snapshot(writer.run) as snapshot:
        table = snapshot.query(ODD)
    content = written(fmt, table)
    if fmt == "parquet":
        (row,) = pyarrow.parquet.read_table(BytesIO(content)).to_pylist()
    elif fmt == "csv":
        (row,) = csv.DictReader(content.decode().splitlines())
    else:
        row = json.loads(content)[0] if fmt == "json" else json.loads(content)
    assert list(row) == [
        *("a", "a_1", "A_2", "span", "raw", "bits", "either", "named", "big"),
    ]
    assert [str(row[name]) for name in ("a", "a_1", "A_2")] == ["1", "2", "3"]
    assert "3" in str(row["span"])
    assert str(row["either"]) == "2"
    assert row["raw"] == (b"x" if fmt == "parquet" else "78")
