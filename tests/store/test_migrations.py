"""A database of an earlier program opens, and what it lacks appears."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from screen.core.columns import Column
from screen.core.errors import StoreError
from screen.core.records import Metadata
from screen.pipeline.campaign import property_columns
from screen.store.database import Writer, open_snapshot
from screen.store.manifest import manifest_of
from screen.store.migrations import MIGRATIONS, Run, migrate
from screen.store.queries import columns_of
from screen.store.schema import METADATA, property_table
from tests.store import earlier, migrant
from tests.store.samples import PROPERTIES, candidate, outcome, rows_of

ROOT = Path(__file__).parents[2]

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
    with pytest.raises(StoreError, match="version 99, this program knows 2: upgrade"):
        Writer(run)


def add_mood(run: Run) -> None:
    run("ALTER TABLE models ADD COLUMN mood VARCHAR")


def set_mood(run: Run) -> None:
    run("UPDATE models SET mood = 'calm'")


def break_down(run: Run) -> None:
    run("DROP TABLE models")
    run("this is no SQL")


def test_migrations_run_in_order_and_once(writer: Writer) -> None:
    migrate(writer._execute, (*MIGRATIONS, add_mood))
    migrate(writer._execute, (*MIGRATIONS, add_mood, set_mood))
    migrate(writer._execute, (*MIGRATIONS, add_mood, set_mood))
    assert writer._execute("SELECT mood FROM models") == [("calm",)]
    assert writer._execute("SELECT version FROM schema_version") == [(4,)]


def test_a_migration_that_fails_changes_nothing(writer: Writer) -> None:
    with pytest.raises(StoreError, match="syntax error"):
        migrate(writer._execute, (*MIGRATIONS, break_down))
    assert writer._execute("SELECT count(*) FROM models") == [(1,)]
    assert writer._execute("SELECT version FROM schema_version") == [(2,)]


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


def dumped(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    """All rows of all tables, each as the JSON of what the previous schema had of it."""
    found = {}
    for name, columns in PREVIOUS.items():
        chosen = ", ".join(f'"{column}"' for column in columns)
        rows = connection.execute(f'SELECT {chosen} FROM "{name}"').fetchall()
        found[name] = set(map(str, rows))
    return found


def previous_schema() -> dict[str, list[str]]:
    """Tables and columns of a database that the previous schema's DDL has made."""
    with duckdb.connect() as connection:
        connection.execute(earlier.SQL)
        rows = connection.execute(
            "SELECT table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() "
            "WHERE table_name <> 'results' AND NOT internal GROUP BY 1"
        )
        return dict(rows.fetchall())


PREVIOUS = previous_schema()
del PREVIOUS["columns"]  # says what the tables are now
del PREVIOUS["schema_version"]


@pytest.fixture
def old_run(run: Path) -> Path:
    """A real run of the previous schema: copper, xenon, and a torn CIF."""
    return earlier.earlier_run(run)


def test_a_database_of_the_previous_schema_opens_without_loss(old_run: Path) -> None:
    with duckdb.connect(old_run / "campaign.duckdb") as connection:
        before = dumped(connection)
    assert {name: len(rows) for name, rows in before.items()} == {
        **dict.fromkeys(("materials", "outcomes"), 3),
        **dict.fromkeys(("models", "protocols", "failures"), 1),
        **dict.fromkeys(("stability", "conductivity", "expansion"), 2),
        **dict.fromkeys(("qha", "strained_gruneisen"), 0),
        "costs": 22,
    }
    with Writer(old_run, property_columns(())) as writer:
        assert dumped(writer._connection) == before
        assert writer._execute("SELECT DISTINCT hints FROM materials") == [(None,)]
        writer.add_candidates([candidate("Xe", band_gap=9.3, licence="CC-BY-4.0")])
        rows = {"conductivity": {"kappa_300": 3.0, "mesh": "19×19×19"}}
        writer.upsert([outcome("m3", rows=rows)])
        writer.publish()
    found = results(
        old_run,
        "SELECT material_id, status, round(kappa_300, 2), mesh, band_gap FROM results ORDER BY 1",
    )
    assert [tuple(row.values()) for row in found] == [
        ("Cu", "complete", 26.85, "6×6×6", None),
        ("Xe", "complete", 0.16, "3×3×3", 9.3),
        ("m3", "complete", 3.0, "19×19×19", None),
        ("torn", "failed", None, None, None),
    ]
    assert {head.key[0] for head in manifest_of(old_run).heads()} == {"Cu", "Xe", "m3", "torn"}


STEPS = (
    "DROP VIEW IF EXISTS results",
    "ALTER TABLE failures RENAME",
    "ALTER TABLE costs RENAME",
    "UPDATE schema_version SET version = 2",
    'ALTER TABLE "materials" ADD COLUMN "hints"',
    "COMMIT",
    "CHECKPOINT",
    "CREATE OR REPLACE MACRO",
    "CREATE OR REPLACE VIEW",
    "COMMENT ON VIEW",
    "DELETE FROM columns",
    "INSERT INTO columns",
    "ALTER TABLE models RENAME COLUMN citation TO reference",
    "UPDATE schema_version SET version = 3",
    "UPDATE models SET reference",
    "UPDATE schema_version SET version = 4",
)


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_between_any_two_steps_of_a_migration_is_harmless(old_run: Path, step: str) -> None:
    with duckdb.connect(old_run / "campaign.duckdb") as connection:
        before = dumped(connection)
        cited = connection.execute("SELECT citation FROM models").fetchone()
    command = [sys.executable, "-m", "tests.store.migrant", str(old_run), step]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    if "reference" not in step and "version" not in step:
        with Writer(old_run, PROPERTIES) as writer:
            assert dumped(writer._connection) == before
            assert len(writer._execute("FROM results")) == 3
        return
    with duckdb.connect(old_run / "campaign.duckdb") as connection:
        migrate(lambda sql: connection.execute(sql).fetchall(), migrant.STEPS)
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(4,)]
        assert connection.execute("SELECT reference FROM models").fetchall() == [("none yet",)]
        connection.execute("ALTER TABLE models RENAME COLUMN reference TO citation")
        connection.execute("UPDATE models SET citation = ?", cited)
        connection.execute("UPDATE schema_version SET version = 2")
    with Writer(old_run, PROPERTIES) as writer:
        assert dumped(writer._connection) == before
