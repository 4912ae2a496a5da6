"""All tables of a snapshot as Parquet files that say what their columns mean."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from screen.store import queries
from screen.store.database import Snapshot
from screen.store.export import write_table

METADATA = b"thermoscreen"
"""Key of the metadata in a Parquet schema: JSON with run, snapshot and version."""


def export_tables(snapshot: Snapshot, run: Path, folder: Path) -> list[Path]:
    """Write ``<table>.parquet`` for every table and every view.

    Each column's field has ``label``, ``unit`` and ``description`` as metadata, each file where it
    comes from.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    about = {
        "run": run.resolve().name,
        "snapshot": snapshot.version,
        "published_at": snapshot.published_at.isoformat(),
        "thermoscreen": version("thermoscreen"),
    }
    written = []
    for name in queries.relation_names(snapshot):
        path = folder / f"{name}.parquet"
        write_table(_described(snapshot, name, about), "parquet", path)
        written.append(path)
    return written


def _described(snapshot: Snapshot, name: str, about: dict[str, object]) -> pa.Table:
    """Read a table and say what its columns are."""
    table = snapshot.query(f'FROM "{name}" ORDER BY ALL')
    columns = {column.name: column for column in queries.columns_of(snapshot, name)}
    fields = []
    for field in table.schema:
        column = columns.get(field.name)
        if column is not None:
            told = {"label": column.label, "unit": column.unit, "description": column.description}
            field = field.with_metadata(told)  # noqa: PLW2901
        fields.append(field)
    return table.cast(pa.schema(fields, {METADATA: json.dumps({**about, "table": name}).encode()}))
