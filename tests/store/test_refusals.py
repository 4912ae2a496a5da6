"""SQL on an open snapshot: what is refused, what is stopped, what is said."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from screen.core.errors import StoreError
from screen.store.database import Snapshot, Writer, open_snapshot
from tests.store.attacks import LONG, REFUSED
from tests.store.samples import MODEL, PROPERTIES, outcome

SECONDS = 0.5


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snapshot]:
    run: Path = tmp_path_factory.mktemp("run")
    with Writer(run, PROPERTIES) as writer:
        writer.upsert([outcome("m1", model=MODEL)])
        writer.publish()
    with open_snapshot(run, memory_limit="200MB") as opened:
        yield opened


@pytest.mark.parametrize("sql", [*REFUSED, *LONG], ids=lambda sql: sql[:40])
def test_an_attack_is_one_line_and_the_next_query_works(snapshot: Snapshot, sql: str) -> None:
    """Those within one value are the sandbox's: DuckDB does not let itself be interrupted there."""
    started = time.monotonic()
    with pytest.raises(StoreError) as refused:
        snapshot.query(sql, timeout=SECONDS, max_bytes=5_000_000)
    assert time.monotonic() - started < 60
    message = str(refused.value)
    assert re.search({**REFUSED, **LONG}[sql], message), message
    assert "\n" not in message
    assert len(message) < 1000
    assert snapshot.query("SELECT kappa_300 FROM results").to_pylist() == [{"kappa_300": 1.5}]


def test_the_line_of_the_sql_that_is_wrong_is_named(snapshot: Snapshot) -> None:
    with pytest.raises(StoreError, match=r'syntax error at or near "x" \(line 2\)$'):
        snapshot.query("SELECT 1,\n  2 FRM x")
    with pytest.raises(StoreError, match=r'"kapa_300" not found .* bindings: "kappa_300"'):
        snapshot.query("SELECT kapa_300 FROM results")


def test_statements_that_only_read_are_answered(snapshot: Snapshot) -> None:
    for sql in (
        *("FROM results", "TABLE results", "VALUES (1)", "DESCRIBE results", "SUMMARIZE results"),
        *("SHOW TABLES", "EXPLAIN FROM results", "WITH r AS (FROM results) FROM r"),
        *("PIVOT results ON status USING count(*)", "-- first a comment\nFROM results;"),
    ):
        assert len(snapshot.query(sql)), sql


def test_what_an_earlier_version_did_not_give_is_named_with_the_way_to_it(tmp_path: Path) -> None:
    with Writer(tmp_path, PROPERTIES) as writer:
        writer._execute("DROP VIEW insulators")
        writer._execute("DROP MACRO TABLE kappa_at")
        writer.publish()
    with open_snapshot(tmp_path) as earlier:
        for name, sql in (("insulators", "FROM insulators"), ("kappa_at", "FROM kappa_at(300)")):
            with pytest.raises(StoreError, match=rf"thermoscreen store rebuild.* adds {name}$"):
                earlier.query(sql)
        with pytest.raises(StoreError) as unknown:
            earlier.query("FROM nonsense")
        assert "rebuild" not in str(unknown.value)
