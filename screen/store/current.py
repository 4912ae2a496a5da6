"""The newest snapshot with all tables and columns of today, whoever has written the run."""

from __future__ import annotations

from pathlib import Path

from screen.core.errors import StoreError
from screen.store.database import Snapshot, Writer, open_snapshot
from screen.store.layout import database_file
from screen.store.schema import CORE_TABLES


def current_snapshot(run: Path) -> Snapshot:
    """Open the newest snapshot; a run of an earlier program is brought up to date and published.

    Raises
    ------
    StoreError
        There is no snapshot, or it is an earlier program's and its database is lost or in use.
    """
    snapshot = open_snapshot(run)
    if not _outdated(snapshot):
        return snapshot
    snapshot.close()
    if not database_file(run).is_file():
        raise StoreError(
            f"an earlier program has published the snapshots of {run}, and its database is lost: "
            "run the campaign again, which finds the finished stages"
        )
    with Writer(run) as writer:
        writer.publish()
    return open_snapshot(run)


def _outdated(snapshot: Snapshot) -> bool:
    """Say whether a table or column that every run has now is missing."""
    found = snapshot.query("SELECT table_name, column_name FROM duckdb_columns()").to_pylist()
    present = {(row["table_name"], row["column_name"]) for row in found}
    return any(
        (table.name, column.name) not in present
        for table in CORE_TABLES
        for column in table.columns
    )
