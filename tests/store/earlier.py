"""A real run of an earlier program: its database and snapshot as SQL, its artifacts and ledger."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb

FOLDER = Path(__file__).parent / "run_1"
"""Written by commit 4e8e14a, which knew no manifest and no column ``materials.hints``."""
SQL = (FOLDER / "database.sql").read_text(encoding="utf-8")


def earlier_run(run: Path) -> Path:
    """Lay out the run as that program left it."""
    run.mkdir(parents=True, exist_ok=True)
    for name in ("artifacts", "ledger"):
        shutil.copytree(FOLDER / name, run / name)
    (run / "snapshots").mkdir()
    (run / "snapshots" / "CURRENT").write_text("view-000001.duckdb\n")
    for path in (run / "campaign.duckdb", run / "snapshots" / "view-000001.duckdb"):
        with duckdb.connect(path) as connection:
            connection.execute(SQL)
    return run
