"""A database of an earlier program opens, and what it lacks appears."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from screen.core.columns import Column
from screen.core.errors import StoreError
from screen.core.records import Metadata
from screen.store.database import Writer, open_snapshot
from screen.store.migrations import Run, migrate
from screen.store.queries import columns_of
from screen.store.schema import METADATA, property_table
from tests.store.samples import PROPERTIES, outcome, rows_of

STABILITY = {"stability": PROPERTIES["stability"]}


def results(run: Path, sql: str = "FROM results") -> list[dict[str, Any]]:
    with open_snapshot(run) as snapshot:
        rows: list[dict[str, Any]] = snapshot.query(sql).to_pylist()
        return rows


def test_a_new_property_appears_on_reopening(run: Path) -> None:
    with Writer(run, STABILITY) as writer:
        writer.upsert([outcome("m1", rows={"stability": rows_of(1.0)["stability"]})])
    with Writer(run, PROPERTIES) as writer:
        writer.upsert([outcome("m2", kappa=2.0)])
        writer.publish()
    rows = results(run, "SELECT material_id, stable, kappa_300 FROM results ORDER BY ALL")
    assert [tuple(row.values()) for row in rows] == [("m1", True, None), ("m2", True, 2.0)]


def test_a_new_column_appears_on_reopening(run: Path) -> None:
    with Writer(run, STABILITY) as writer:
        writer.upsert([outcome("m1", rows={"stability": rows_of(1.0)["stability"]})])
    new = Column("hardness", "DOUBLE", "hardness", "Vickers hardness", "GPa")
    with Writer(run, {"stability": (*PROPERTIES["stability"], new)}) as writer:
        writer.upsert([outcome("m2", rows={"stability": {"stable": True, "hardness": 9.0}})])
        writer.publish()
        with open_snapshot(run) as snapshot:
            assert columns_of(snapshot, "stability")[-1] == new
    rows = results(run, "SELECT material_id, hardness FROM results ORDER BY ALL")
    assert [tuple(row.values()) for row in rows] == [("m1", None), ("m2", 9.0)]


def test_a_property_that_this_writer_does_not_know_stays(run: Path) -> None:
    with Writer(run, PROPERTIES) as writer:
        writer.upsert([outcome("m1", kappa=2.0)])
    with Writer(run, STABILITY) as writer:
        writer.publish()
        with open_snapshot(run) as snapshot:
            assert columns_of(snapshot, "conductivity")[3:] == PROPERTIES["conductivity"]
    assert results(run, "SELECT kappa_300 FROM results") == [{"kappa_300": 2.0}]


def test_a_column_that_changes_its_type_is_refused(run: Path) -> None:
    Writer(run, STABILITY).close()
    changed = {"stability": (Column("stable", "VARCHAR", "stable", "yes or no"),)}
    with pytest.raises(StoreError, match=r"stability\.stable is stored as BOOLEAN.*VARCHAR"):
        Writer(run, changed)
    Writer(run, STABILITY).close()


def test_a_database_of_a_newer_program_is_refused(run: Path) -> None:
    with Writer(run) as writer:
        writer._connection.execute("UPDATE schema_version SET version = 99")
    with pytest.raises(StoreError, match="version 99, this program knows 1: upgrade"):
        Writer(run)


def add_mood(run: Run) -> None:
    run("ALTER TABLE models ADD COLUMN mood VARCHAR")


def set_mood(run: Run) -> None:
    run("UPDATE models SET mood = 'calm'")


def break_down(run: Run) -> None:
    run("DROP TABLE models")
    run("this is no SQL")


def test_migrations_run_in_order_and_once(writer: Writer) -> None:
    migrate(writer._execute, (add_mood,))
    migrate(writer._execute, (add_mood, set_mood))
    migrate(writer._execute, (add_mood, set_mood))
    assert writer._execute("SELECT mood FROM models") == [("calm",)]
    assert writer._execute("SELECT version FROM schema_version") == [(3,)]


def test_a_migration_that_fails_changes_nothing(writer: Writer) -> None:
    with pytest.raises(StoreError, match="syntax error"):
        migrate(writer._execute, (break_down,))
    assert writer._execute("SELECT count(*) FROM models") == [(1,)]
    assert writer._execute("SELECT version FROM schema_version") == [(1,)]


def test_reopening_changes_nothing(run: Path) -> None:
    for _ in range(3):
        with Writer(run, PROPERTIES) as writer:
            writer.upsert([outcome("m1")])
            writer.publish()
    assert len(results(run)) == 1


def test_materials_hold_all_metadata() -> None:
    assert [column.name for column in METADATA] == list(Metadata.__dataclass_fields__)


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("outcomes", (), "table is taken"),
        ("results", (), "table is taken"),
        ("Bad Name", (), "no column name"),
        ("hardness", ("drop table",), "no column name"),
        ("hardness", ("a", "a"), "declares a twice"),
        ("hardness", ("material_id",), "declares material_id twice"),
    ],
)
def test_a_declaration_that_cannot_be_a_table_is_refused(
    name: str, columns: tuple[str, ...], message: str
) -> None:
    declared = tuple(Column(column, "DOUBLE", "x", "x") for column in columns)
    with pytest.raises(StoreError, match=message):
        property_table(name, declared)
