"""The writer's SQL: what arrives stands in views ``incoming_<table>`` and ``incoming_keys``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from screen.store.schema import OUTCOME_KEY_NAMES, Table

ADD_COSTS = """
INSERT INTO cost_ledger BY NAME FROM incoming_cost_ledger
ON CONFLICT (execution_id) DO UPDATE SET
  model_digest = coalesce(cost_ledger.model_digest, excluded.model_digest),
  protocol_digest = coalesce(cost_ledger.protocol_digest, excluded.protocol_digest)
"""
"""Executions never change; one that is there only gains digests that were not known."""

ATTRIBUTE_COSTS = """
UPDATE cost_ledger AS costs
SET model_digest = outcomes.model_digest, protocol_digest = outcomes.protocol_digest
FROM outcomes
WHERE costs.model_digest IS NULL
  AND outcomes.material_id = costs.material_id
  AND json_extract_string(outcomes.artifacts, '$."' || costs.stage || '"') = costs.artifact
"""
"""A worker may die after a stage: only the ledger has that cost, the artifact tells whose it is."""


def finished(properties: Iterable[str]) -> str:
    """Return SQL for the materials whose outcome stands.

    Nothing in the outcome is to be retried, the crystal is still the same, and an outcome
    without failures has all ``properties``: a campaign may ask for one more than last time.
    """
    has_all = "".join(
        f"AND (status <> 'complete' OR EXISTS (FROM \"{name}\" "
        f"WHERE {_equal(_quoted(name), 'outcomes', OUTCOME_KEY_NAMES)}))\n  "
        for name in properties
    )
    return f"""
SELECT outcomes.material_id
FROM outcomes LEFT JOIN materials ON materials.material_id = outcomes.material_id
WHERE model_digest = $model AND protocol_digest = $protocol
  AND (materials.material_id IS NULL
       OR materials.crystal_digest IS NOT DISTINCT FROM outcomes.crystal_digest)
  {has_all}AND NOT EXISTS (
    FROM failure_log
    WHERE {_equal("failure_log", "outcomes", OUTCOME_KEY_NAMES)}
      AND list_contains($kinds::VARCHAR[], failure_log.kind))
"""


def changed(table: Table) -> str:
    """Return SQL for the arriving rows that are new, or not what the table holds."""
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    return f'SELECT {names} FROM "incoming_{table.name}" EXCEPT SELECT {names} FROM "{table.name}"'


def insert_or_replace(table: Table) -> str:
    """Return SQL that stores what arrived for a table."""
    return f'INSERT OR REPLACE INTO "{table.name}" BY NAME FROM "incoming_{table.name}"'


def delete_stale(table: Table) -> str:
    """Return SQL that deletes rows of the arriving outcomes that do not come again.

    Rows that come again are replaced instead: DuckDB's documentation warns against deleting and
    inserting one key within a transaction (over-eager constraint checking).
    """
    return (
        f'DELETE FROM "{table.name}" AS old USING incoming_keys AS keys '
        f"WHERE {_equal('old', 'keys', OUTCOME_KEY_NAMES)} AND NOT EXISTS "
        f'(FROM "incoming_{table.name}" AS new WHERE {_equal("old", "new", table.key)})'
    )


def attach(file: Path, name: str, storage_version: str) -> str:
    """Return SQL that opens another database file under a name."""
    path = str(file).replace("'", "''")
    return f"ATTACH '{path}' AS {name} (STORAGE_VERSION '{storage_version}')"


def _quoted(name: str) -> str:
    return f'"{name}"'


def _equal(left: str, right: str, names: Iterable[str]) -> str:
    return " AND ".join(f"{left}.{name} = {right}.{name}" for name in names)
