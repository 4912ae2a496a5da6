"""The questions that status, command line and dashboard ask a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from screen.core.columns import Column
from screen.core.errors import StoreError
from screen.core.records import HELD_BACK
from screen.store.database import Snapshot
from screen.store.ensemble import StoredModel
from screen.store.schema import NO_PROPERTIES
from screen.store.view import VIEW

STATUS_COUNTS = """
WITH pending AS (
  SELECT model_digest, protocol_digest, 'pending' AS status,
    (SELECT count(*) FROM materials) - count(known.material_id) AS materials
  FROM outcomes LEFT JOIN (SELECT material_id FROM materials) AS known USING (material_id)
  GROUP BY model_digest, protocol_digest HAVING materials > 0
  UNION ALL
  SELECT NULL, NULL, 'pending', count(*) FROM materials
  WHERE NOT EXISTS (FROM outcomes) HAVING count(*) > 0
),
counts AS (
  SELECT model_digest, protocol_digest, status, count(*) AS materials FROM outcomes GROUP BY ALL
  UNION ALL FROM pending
)
SELECT models.name AS model, protocols.name AS protocol, status, materials,
  model_digest, protocol_digest
FROM counts LEFT JOIN models USING (model_digest) LEFT JOIN protocols USING (protocol_digest)
ORDER BY model, protocol, model_digest, protocol_digest, status
"""

FAILURES = f"""
SELECT stage, kind, count(*) AS outcomes, count(DISTINCT material_id) AS materials,
  min(material_id) AS example, arg_min(message, material_id) AS message
FROM {{log}}
WHERE kind NOT IN {HELD_BACK}
GROUP BY stage, kind
ORDER BY outcomes DESC, stage, kind
"""

COSTS = """
SELECT stage, count(*) AS executions, sum(wall_s) AS wall_s, sum(cpu_s) AS cpu_s,
  median(wall_s) AS median_wall_s, max(peak_mb) AS peak_mb,
  sum(evaluations)::BIGINT AS evaluations, sum(atoms)::BIGINT AS atoms
FROM {ledger}
GROUP BY stage
ORDER BY wall_s DESC, stage
"""

_EARLIER_NAMES = {"failure_log": "failures", "cost_ledger": "costs"}

SCHEMA = """
SELECT table_name, name, sql_type, unit, label, description
FROM columns
ORDER BY table_name <> 'results', table_name, position
"""

RELATIONS = """
SELECT name, kind, parameters, coalesce(comment, '') AS description FROM (
  SELECT view_name AS name, 'view' AS kind, []::VARCHAR[] AS parameters, comment
  FROM duckdb_views() WHERE NOT internal
  UNION ALL
  SELECT function_name, replace(function_type, '_', ' '), parameters, comment
  FROM duckdb_functions() WHERE NOT internal
  UNION ALL
  SELECT table_name, 'table', [], comment
  FROM duckdb_tables() WHERE NOT internal AND table_name <> 'schema_version'
)
ORDER BY list_position(['view', 'table macro', 'table', 'macro'], kind), name <> 'results', name
"""


@dataclass(frozen=True)
class MaterialSheet:
    """Everything a snapshot holds about one material; one row per model and protocol."""

    material: pa.Table  # one row
    results: pa.Table
    outcomes: pa.Table
    failures: pa.Table
    costs: pa.Table
    properties: Mapping[str, pa.Table]


def status_counts(snapshot: Snapshot) -> pa.Table:
    """Count materials by model, protocol and status, those without an outcome as ``pending``."""
    return snapshot.query(STATUS_COUNTS)


def failure_counts(snapshot: Snapshot) -> pa.Table:
    """Count failures by stage and kind, each with one example; held back is not failed."""
    return snapshot.query(FAILURES.format(log=log_name(snapshot, "failure_log")))


def cost_by_stage(snapshot: Snapshot) -> pa.Table:
    """Sum up what each stage has cost (seconds, cells, atoms; MB at most)."""
    return snapshot.query(COSTS.format(ledger=log_name(snapshot, "cost_ledger")))


def schema(snapshot: Snapshot) -> pa.Table:
    """List all columns of all tables with unit and meaning, the view ``results`` first."""
    return snapshot.query(SCHEMA)


def relations(snapshot: Snapshot) -> pa.Table:
    """List what SQL can name: ``name``, ``kind``, ``parameters`` and ``description``.

    Views come first, then macros that give tables, tables, and macros that give one value.
    """
    return snapshot.query(RELATIONS)


def columns_of(snapshot: Snapshot, table: str = VIEW) -> tuple[Column, ...]:
    """Return the declarations of a table's columns; empty for an unknown table."""
    found = snapshot.query(
        "SELECT name, sql_type, label, description, unit FROM columns "
        "WHERE table_name = ? ORDER BY position",
        [table],
    )
    return tuple(Column(**row) for row in found.to_pylist())


def relation_names(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of all tables and views, ``results`` first."""
    found = snapshot.query(
        "SELECT DISTINCT table_name FROM columns ORDER BY table_name <> ?, table_name", [VIEW]
    )
    return tuple(found["table_name"].to_pylist())


def property_names(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the names of the properties that have a table."""
    found = snapshot.query(
        "SELECT DISTINCT table_name FROM columns "
        "WHERE NOT list_contains($others::VARCHAR[], table_name) ORDER BY table_name",
        {"others": sorted(NO_PROPERTIES)},
    )
    return tuple(found["table_name"].to_pylist())


def material_sheet(snapshot: Snapshot, material_id: str) -> MaterialSheet:
    """Return all rows about one material.

    Raises
    ------
    StoreError
        The snapshot does not know the material.
    """

    def rows_of(table: str, order: str = "ALL") -> pa.Table:
        return snapshot.query(
            f'FROM "{table}" WHERE material_id = ? ORDER BY {order}', [material_id]
        )

    material, results = rows_of("materials"), rows_of(VIEW)
    if not len(material) and not len(results):
        raise StoreError(f"no material {material_id!r} in {snapshot.path}; see `materials` by SQL")
    return MaterialSheet(
        material=material,
        results=results,
        outcomes=rows_of("outcomes"),
        failures=rows_of(
            log_name(snapshot, "failure_log"), "model_digest, protocol_digest, position"
        ),
        costs=rows_of(log_name(snapshot, "cost_ledger"), "started_at, execution_id"),
        properties={name: rows_of(name) for name in property_names(snapshot)},
    )


def log_name(snapshot: Snapshot, name: str) -> str:
    """Return what a log is called: a snapshot of schema version 1 has it under the view's name."""
    return name if columns_of(snapshot, name) else _EARLIER_NAMES[name]


def models_of(snapshot: Snapshot) -> list[StoredModel]:
    """Return the potentials of a run."""
    found = snapshot.query(
        "SELECT model_digest, name, fit_for_kappa FROM models ORDER BY name, model_digest"
    )
    return [StoredModel(**row) for row in found.to_pylist()]
