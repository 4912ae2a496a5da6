"""Bring a database's tables to the ones declared now.

New tables and columns come from the declarations by themselves. A change that declarations
cannot express (a renamed column, another key) is a function appended to ``MIGRATIONS``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from screen.core.columns import Column
from screen.core.errors import StoreError
from screen.store.ensemble import StoredModel
from screen.store.relations import Relation, text
from screen.store.schema import CORE_TABLES, NO_PROPERTIES, Table, property_table
from screen.store.views import create, relations

Run = Callable[[str], list[tuple[Any, ...]]]
"""Execute one SQL statement and return its rows."""


def name_the_logs(run: Run) -> None:
    """Give ``failures`` and ``costs`` to views, which leave out what is no failure and add names."""
    run("DROP VIEW IF EXISTS results")
    run("ALTER TABLE failures RENAME TO failure_log")
    run("ALTER TABLE costs RENAME TO cost_ledger")


MIGRATIONS: tuple[Callable[[Run], None], ...] = (name_the_logs,)
"""Function ``i`` turns version ``i + 1`` into ``i + 2``; append, never edit."""


def prepare(run: Run, declared: Sequence[Table]) -> tuple[Table, ...]:
    """Bring tables, views and their description up to date; return all property tables.

    Raises
    ------
    StoreError
        A newer program has written the database, or a column has changed its type.
    """
    migrate(run)
    align(run, CORE_TABLES)
    properties = _with_stored(run, declared)
    align(run, properties)
    with _transaction(run):
        found = relations(properties, stored_models(run))
        create(run, found)
        _describe(run, properties, found)
    return properties


def migrate(run: Run, migrations: Sequence[Callable[[Run], None]] = MIGRATIONS) -> None:
    """Bring the database to the newest version, each step in its own transaction.

    Raises
    ------
    StoreError
        A newer program has written the database.
    """
    newest = len(migrations) + 1
    found = _version(run, newest)
    if found > newest:
        raise StoreError(
            f"the database has schema version {found}, this program knows {newest}: "
            "upgrade Thermoscreen"
        )
    for version in range(found, newest):
        with _transaction(run):
            migrations[version - 1](run)
            run(f"UPDATE schema_version SET version = {version + 1}")


def align(run: Run, tables: Sequence[Table]) -> None:
    """Create the tables and columns that are declared and missing.

    Raises
    ------
    StoreError
        A column exists with another type.
    """
    present = _present(run)
    statements = []
    for table in tables:
        if table.name not in present:
            statements.append(table.create)
            continue
        statements += _missing_columns(table, present[table.name])
    with _transaction(run):
        for statement in statements:
            run(statement)


@contextmanager
def _transaction(run: Run) -> Iterator[None]:
    """Commit everything or nothing; DDL must not linger in the write-ahead log.

    DuckDB issue 25928: replaying ALTER after a crash has lost databases before 2.0.
    """
    run("BEGIN")
    try:
        yield
    except BaseException:
        run("ROLLBACK")
        raise
    run("COMMIT")
    run("CHECKPOINT")


def _with_stored(run: Run, declared: Sequence[Table]) -> tuple[Table, ...]:
    """Add the property tables and columns that earlier writers have declared."""
    merged = {table.name: table for table in declared}
    for name, *values in run(
        "SELECT table_name, name, sql_type, label, description, unit FROM columns "
        "ORDER BY table_name, position"
    ):
        if name in NO_PROPERTIES:
            continue
        table = merged.get(name, property_table(name, ()))
        if values[0] not in {column.name for column in table.columns}:
            table = replace(table, columns=(*table.columns, Column(*values)))
        merged[name] = table
    return tuple(merged.values())


def stored_models(run: Run) -> list[StoredModel]:
    """Return the potentials of the run."""
    found = run("SELECT model_digest, name, fit_for_kappa FROM models ORDER BY name, model_digest")
    return [StoredModel(*values) for values in found]


def _describe(run: Run, properties: Sequence[Table], found: Sequence[Relation]) -> None:
    """Write down what every table, and every column of every table and view holds."""
    tables = (*CORE_TABLES, *properties)
    for table in tables:
        run(f'COMMENT ON TABLE "{table.name}" IS {text(table.description)}')
    described = [
        *((table.name, table.columns) for table in tables),
        *((item.name, item.columns) for item in found if not item.parameters),
    ]
    rows = [
        _values(name, position, column)
        for name, columns in described
        for position, column in enumerate(columns)
    ]
    run("DELETE FROM columns")
    run(f"INSERT INTO columns VALUES {', '.join(rows)}")


def _values(table: str, position: int, column: Column) -> str:
    """Return one row of the table ``columns`` as SQL."""
    texts = (column.sql_type, column.unit, column.label, column.description)
    return f"({text(table)}, {text(column.name)}, {position}, {', '.join(map(text, texts))})"


def _missing_columns(table: Table, present: dict[str, str]) -> list[str]:
    """Return the statements that add a table's missing columns."""
    statements = []
    for column in table.columns:
        if column.name not in present:
            statements.append(f'ALTER TABLE "{table.name}" ADD COLUMN {_definition(column)}')
        elif present[column.name] != column.sql_type:
            raise StoreError(
                f"{table.name}.{column.name} is stored as {present[column.name]}, declared as "
                f"{column.sql_type}: give the new column another name, or use a new run folder"
            )
    return statements


def _definition(column: Column) -> str:
    return f'"{column.name}" {column.sql_type}'


def _present(run: Run) -> dict[str, dict[str, str]]:
    """Return the types of all stored columns, by table and name."""
    rows = run(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() "
        "WHERE database_name = current_database() AND NOT internal"
    )
    present: dict[str, dict[str, str]] = {}
    for table, column, sql_type in rows:
        present.setdefault(table, {})[column] = sql_type
    return present


def _version(run: Run, newest: int) -> int:
    """Return the stored version; a fresh database gets the newest."""
    run("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER)")
    rows = run("SELECT version FROM schema_version")
    if not rows:
        run(f"INSERT INTO schema_version VALUES ({newest})")
        return newest
    return int(rows[0][0])
