"""The view ``results``: one row per outcome with all scalars and names that SQL users ask for.

A property column keeps its name if no other property and no column of the view itself has it,
and is called ``<property>_<column>`` otherwise. Lists of numbers (grids, tensors) and JSON stay in
the property's own table, which has the same key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from screen.core.columns import Column
from screen.store.ensemble import ALIAS, StoredModel, ensemble_columns, ensemble_sql
from screen.store.relations import KEY, Relation, Selected, listed, named, same
from screen.store.schema import (
    COST_LEDGER,
    FAILURE_LOG,
    MATERIALS,
    METADATA,
    MODELS,
    OUTCOME_KEY,
    OUTCOME_KEY_NAMES,
    OUTCOMES,
    PROTOCOLS,
    Table,
)

VIEW = "results"
_SHOWN = {"VARCHAR", "VARCHAR[]", "DOUBLE", "BIGINT", "BOOLEAN", "TIMESTAMP"}


def results(properties: Sequence[Table], models: Sequence[StoredModel]) -> Relation:
    """Return the view."""
    return Relation(
        VIEW,
        "One row per material, potential and protocol: all scalars of all properties.",
        view_columns(properties, models),
        _sql(properties, models),
    )


def _sql(properties: Sequence[Table], models: Sequence[StoredModel]) -> str:
    """Return the query of the view."""
    selected = listed(_selected(properties, models))
    joins = "\n".join(f'LEFT JOIN "{table.name}" ON {same(table.name)}' for table in properties)
    merged = ensemble_sql(properties, models)
    if merged:
        joins += (
            f"\nLEFT JOIN (\n  {merged}\n) AS {ALIAS} ON {ALIAS}.material_id = outcomes.material_id"
        )
        joins += f" AND {ALIAS}.protocol_digest = outcomes.protocol_digest"
    return f"""SELECT
  {selected}
FROM outcomes
{named("outcomes")}
LEFT JOIN failure_log AS first_failure
  ON first_failure.position = 0 AND {same("first_failure")}
LEFT JOIN (
  SELECT {KEY}, sum(wall_s) AS wall_s, sum(cpu_s) AS cpu_s FROM cost_ledger GROUP BY {KEY}
) AS total ON {same("total")}
{joins}"""


def view_columns(properties: Sequence[Table], models: Sequence[StoredModel]) -> tuple[Column, ...]:
    """Return the columns of the view, in order."""
    return tuple(column for column, _ in _selected(properties, models))


def _selected(properties: Sequence[Table], models: Sequence[StoredModel]) -> list[Selected]:
    """Return all columns of the view: what it is, what came out, how it was made."""
    front, back = _identity(), _provenance()
    merged = [
        (column, f'{ALIAS}."{column.name}"') for column, _ in ensemble_columns(properties, models)
    ]
    taken = {column.name for column, _ in (*front, *merged, *back)}
    return [*front, *_property_columns(properties, taken), *merged, *back]


def _property_columns(properties: Sequence[Table], taken: set[str]) -> Iterator[Selected]:
    """Yield the columns of all properties that the view shows, under names that are unique."""
    shown = [
        (table, column)
        for table in properties
        for column in table.columns
        if column.sql_type in _SHOWN and column.name not in OUTCOME_KEY_NAMES
    ]
    uses = Counter(column.name for _, column in shown)
    for table, column in shown:
        ambiguous = uses[column.name] > 1 or column.name in taken
        name = f"{table.name}_{column.name}" if ambiguous else column.name
        yield replace(column, name=name), f'"{table.name}"."{column.name}"'


def _identity() -> list[Selected]:
    """Return what the row is about."""
    names = ("formula", "source", "n_atoms", "elements")
    return [
        (OUTCOME_KEY[0], "outcomes.material_id"),
        *(_of(MATERIALS, name) for name in names),
        _of(OUTCOMES, "status"),
        *(_of(MATERIALS, column.name) for column in METADATA),
        _of(MODELS, "name", "model"),
        _of(PROTOCOLS, "name", "protocol"),
        *(_of(FAILURE_LOG, name, f"failure_{name}") for name in ("stage", "kind", "message")),
    ]


def _provenance() -> list[Selected]:
    """Return how the row was made."""
    return [
        *(_of(COST_LEDGER, name) for name in ("wall_s", "cpu_s")),
        _of(OUTCOMES, "finished_at"),
        _of(OUTCOMES, "model_digest"),
        _of(OUTCOMES, "protocol_digest"),
        _of(OUTCOMES, "crystal_digest"),
        _of(OUTCOMES, "versions"),
    ]


_ALIASES = {"failure_log": "first_failure", "cost_ledger": "total"}


def _of(table: Table, name: str, alias: str | None = None) -> Selected:
    """Select one column of a core table."""
    column = next(column for column in table.columns if column.name == name)
    source = _ALIASES.get(table.name, table.name)
    return replace(column, name=alias or name), f'"{source}"."{name}"'
