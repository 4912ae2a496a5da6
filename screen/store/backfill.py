"""The manifest of a run that a program without manifests has begun, from its database."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pyarrow as pa

from screen.store.manifest import KINDS, Head, Manifest
from screen.store.schema import MATERIALS, MODELS, OUTCOME_KEY_NAMES, PROTOCOLS, Table

_KEY = ", ".join(OUTCOME_KEY_NAMES)
_BATCH = 1000

QUERIES = {
    **{table.name: f"FROM {table.name}" for table in (MATERIALS, MODELS, PROTOCOLS)},
    "outcomes": f"FROM outcomes ORDER BY finished_at, {_KEY}",
    "failures": f"FROM failure_log ORDER BY {_KEY}, position",
    "executions": f"SELECT {_KEY}, list(execution_id) AS ids FROM cost_ledger "
    f"WHERE model_digest IS NOT NULL GROUP BY {_KEY}",
}
"""What ``write`` asks the database."""

Key = tuple[Any, ...]


def keys(table: Table) -> str:
    """Return SQL for the outcomes that have a row of a property."""
    return f'SELECT {_KEY} FROM "{table.name}"'


def write(
    manifest: Manifest, found: Mapping[str, pa.Table], properties: Mapping[str, pa.Table]
) -> None:
    """Write a manifest that holds what the database does, whole or not at all.

    Parameters
    ----------
    found
        Answers to ``QUERIES``.
    properties
        Answers to ``keys``, by table.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    draft = replace(manifest, folder=manifest.folder.with_name(f".{manifest.folder.name}.tmp"))
    shutil.rmtree(draft.folder, ignore_errors=True)
    draft.folder.mkdir(parents=True)
    if len(found["materials"]):
        draft.add_materials(found["materials"])
    for kind, name in zip(KINDS, ("model_digest", "protocol_digest"), strict=True):
        for row in found[kind].to_pylist():
            draft.add(kind, row[name], _decoded(row, "settings"))
    heads = list(_heads(found, properties))
    for first in range(0, len(heads), _BATCH):
        draft.add_outcomes(heads[first : first + _BATCH])
    draft.folder.rename(manifest.folder)


def _heads(found: Mapping[str, pa.Table], properties: Mapping[str, pa.Table]) -> Iterator[Head]:
    """Yield the outcomes, each with what else the database knows of it."""
    failures: dict[Key, list[dict[str, Any]]] = defaultdict(list)
    for row in found["failures"].to_pylist():
        failures[_key(row)].append(row)
    executions = {_key(row): row["ids"] for row in found["executions"].to_pylist()}
    tables: dict[Key, list[str]] = defaultdict(list)
    for name, table in properties.items():
        for row in table.to_pylist():
            tables[_key(row)].append(name)
    for row in found["outcomes"].to_pylist():
        key = _key(row)
        yield Head(
            _decoded(row, "artifacts", "versions"),
            failures.get(key, []),
            tables.get(key, []),
            executions.get(key, []),
        )


def _key(row: Mapping[str, Any]) -> Key:
    return tuple(row[name] for name in OUTCOME_KEY_NAMES)


def _decoded(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return a row with its JSON columns as values."""
    return {
        name: json.loads(value) if name in names and value is not None else value
        for name, value in row.items()
    }
