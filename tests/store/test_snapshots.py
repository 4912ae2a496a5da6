"""Snapshots: whole, versioned, and closed to the outside."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screen.core.errors import StoreError
from screen.store.database import Snapshot, Writer, open_snapshot
from tests.store.samples import PROPERTIES, candidate, outcome


@pytest.fixture
def snapshot(writer: Writer) -> Snapshot:
    """A published state with one material."""
    writer.add_candidates([candidate("m1")])
    writer.upsert([outcome("m1")])
    writer.publish()
    return open_snapshot(writer.run)


def test_a_snapshot_does_not_change(writer: Writer) -> None:
    writer.upsert([outcome("m1")])
    writer.publish()
    with open_snapshot(writer.run) as old:
        writer.upsert([outcome("m2")])
        writer.publish()
        with open_snapshot(writer.run) as new:
            assert (old.version, new.version) == (1, 2)
            counts = [len(item.query("FROM outcomes")) for item in (old, new)]
            assert counts == [1, 2]


def test_the_last_three_snapshots_are_kept(writer: Writer) -> None:
    paths = [writer.publish() for _ in range(5)]
    assert [path.exists() for path in paths] == [False, False, True, True, True]
    assert paths[-1].name == "view-000005.duckdb"
    left = {path.name for path in (writer.run / "snapshots").iterdir()}
    assert left == {"CURRENT", *(path.name for path in paths[2:])}


def test_an_open_snapshot_outlives_its_file(writer: Writer) -> None:
    writer.upsert([outcome("m1")])
    writer.publish()
    with open_snapshot(writer.run) as old:
        for _ in range(4):
            writer.publish()
        assert not old.path.exists()
        assert len(old.query("FROM conductivity")) == 1


def test_a_snapshot_knows_when_it_was_published(snapshot: Snapshot) -> None:
    assert datetime.now(UTC) - snapshot.published_at < timedelta(minutes=5)


def test_a_snapshot_explains_itself(snapshot: Snapshot) -> None:
    (row,) = snapshot.query(
        "FROM columns WHERE table_name = 'results' AND name = 'min_frequency'"
    ).to_pylist()
    assert (row["unit"], row["label"]) == ("THz", "lowest frequency")
    assert row["description"] == "It's the lowest one"
    undescribed = snapshot.query(
        "SELECT table_name, column_name FROM duckdb_columns() "
        "WHERE NOT internal AND table_name <> 'schema_version' "
        "AND (table_name, column_name) NOT IN (SELECT (table_name, name) FROM columns)"
    )
    assert undescribed.to_pylist() == []


def test_no_run_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no run folder .*thermoscreen run"):
        open_snapshot(tmp_path / "nowhere")


def test_nothing_published_says_what_to_do(run: Path) -> None:
    with Writer(run, PROPERTIES), pytest.raises(StoreError, match="published no results yet"):
        open_snapshot(run)


def test_a_garbled_pointer_is_named(writer: Writer) -> None:
    writer.publish()
    (writer.run / "snapshots" / "CURRENT").write_text("../../etc/passwd")
    with pytest.raises(StoreError, match=r"CURRENT holds '\.\./\.\./etc/passwd'"):
        open_snapshot(writer.run)


def test_a_broken_snapshot_is_named(writer: Writer) -> None:
    path = writer.publish()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match=r"cannot open .*view-000001\.duckdb"):
        open_snapshot(writer.run)


def test_parameters_are_bound(snapshot: Snapshot) -> None:
    by_place = snapshot.query("FROM results WHERE material_id = ?", ["m1"])
    by_name = snapshot.query("FROM results WHERE material_id = $who", {"who": "m1"})
    attack = snapshot.query("FROM results WHERE material_id = ?", ["' OR TRUE --"])
    assert [len(table) for table in (by_place, by_name, attack)] == [1, 1, 0]


def test_a_query_may_stop_after_some_rows(snapshot: Snapshot) -> None:
    assert len(snapshot.query("FROM range(1000000000000)", max_rows=7)) == 7
    assert len(snapshot.query("FROM range(3)", max_rows=7)) == 3
    assert snapshot.query("SELECT 1 AS a WHERE false", max_rows=7).column_names == ["a"]


@pytest.mark.parametrize("max_rows", [None, 10])
def test_a_query_that_takes_too_long_is_stopped(snapshot: Snapshot, max_rows: int | None) -> None:
    endless = "SELECT a.range FROM range(1e9::BIGINT) a, range(1e9::BIGINT) b WHERE a.range < -1"
    started = time.monotonic()
    with pytest.raises(StoreError, match=r"stopped after 0\.3 s"):
        snapshot.query(endless, timeout=0.3, max_rows=max_rows)
    assert time.monotonic() - started < 10
    assert len(snapshot.query("FROM results", timeout=30)) == 1, "the snapshot stays usable"


def test_a_query_that_needs_too_much_memory_fails(writer: Writer) -> None:
    writer.publish()
    with (
        open_snapshot(writer.run, memory_limit="50MB") as small,
        pytest.raises(StoreError, match=r"(?i)memory"),
    ):
        small.query("SELECT list(range) FROM range(100000000)")


def test_threads_share_a_snapshot(snapshot: Snapshot) -> None:
    with ThreadPoolExecutor(4) as pool:
        sums = list(
            pool.map(
                lambda n: snapshot.query("SELECT sum(range) AS s FROM range(?)", [n])["s"][
                    0
                ].as_py(),
                range(1, 41),
            )
        )
    assert sums == [n * (n - 1) // 2 for n in range(1, 41)]


def test_one_process_may_open_a_snapshot_twice(writer: Writer) -> None:
    writer.publish()
    with open_snapshot(writer.run) as first, open_snapshot(writer.run) as second:
        first.close()
        assert second.query("SELECT 1 AS a").to_pylist() == [{"a": 1}]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    """One published state for tests that cannot change it."""
    run = tmp_path_factory.mktemp("run")
    with Writer(run, PROPERTIES) as writer:
        writer.upsert([outcome("m1")])
        writer.publish()
    with open_snapshot(run) as opened:
        yield opened


ATTACKS = [
    "COPY (SELECT 1) TO '{folder}/stolen.csv'",
    "COPY results TO '{folder}/stolen.parquet'",
    "EXPORT DATABASE '{folder}/stolen'",
    "ATTACH '{folder}/new.duckdb'",
    "ATTACH '{folder}/run.duckdb' AS live (READ_ONLY)",
    "INSTALL httpfs",
    "LOAD httpfs",
    "FROM read_csv('/etc/passwd')",
    "FROM read_text('/etc/passwd')",
    "FROM read_blob('/etc/passwd')",
    "FROM '/etc/passwd'",
    "FROM glob('/etc/*')",
    "FROM sniff_csv('/etc/passwd')",
    "SET enable_external_access = true",
    "SET memory_limit = '1TB'",
    "SET GLOBAL threads = 64",
    "RESET memory_limit",
    "PRAGMA memory_limit = '1TB'",
    "SET lock_configuration = false",
    "CREATE TABLE mine AS SELECT 1",
    "DROP TABLE outcomes",
    "DELETE FROM outcomes",
    "UPDATE outcomes SET status = 'complete'",
    "INSERT INTO outcomes BY NAME SELECT 'm9' AS material_id",
    "SELECT 1; DROP VIEW results",
    "CREATE SECRET mine (TYPE s3)",
    "IMPORT DATABASE '/etc'",
    "FROM ATTACKS",
    "FROM python_variable",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_can_neither_write_nor_reach_out(shared: Snapshot, tmp_path: Path, attack: str) -> None:
    import pyarrow as pa

    python_variable = pa.table({"secret": [1]})
    assert len(python_variable) == 1
    with pytest.raises(StoreError):
        shared.query(attack.format(folder=tmp_path))
    assert not list(tmp_path.glob("stolen*"))
    assert shared.query("SELECT status FROM outcomes").to_pylist() == [{"status": "complete"}]


def test_a_refusal_keeps_the_message_of_the_database(shared: Snapshot) -> None:
    with pytest.raises(StoreError, match=r"query failed: Binder Error: .*kappa_30\b"):
        shared.query("SELECT kappa_30 FROM results")
    with pytest.raises(StoreError, match="file system operations are disabled"):
        shared.query("FROM read_csv('/etc/passwd')")


@pytest.mark.parametrize("text", ["", ";", "-- only a comment"])
def test_what_is_no_query_is_refused(shared: Snapshot, text: str) -> None:
    with pytest.raises(StoreError, match="not a query"):
        shared.query(text)


@pytest.mark.parametrize("sql", ["SHOW TABLES", "DESCRIBE results", "EXPLAIN FROM results"])
def test_looking_around_is_allowed(shared: Snapshot, sql: str) -> None:
    assert len(shared.query(sql, max_rows=5)) > 0
