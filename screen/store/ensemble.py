"""Several potentials on one material: their median, their disagreement, each one's number.

The ensemble of a run are its potentials but for those whose published κ_SRME says that they are
not fit for κ; where there are no others, all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from screen.core.columns import Column
from screen.store.schema import OUTCOME_KEY_NAMES, Table

LARGEST_RATIO = 1.5
"""Potentials agree within this factor of κ: a good one's own typical factor to DFT is 1.2 to 1.4
(median over the 103 phononDB-PBE compounds, k_SRME: MACE-MPA-0 1.16, SevenNet-0 1.44)."""

QUANTITIES = {"conductivity": "kappa_300", "expansion": "expansion_300"}  # property -> column
ALIAS = "ensemble"

Selected = tuple[Column, str]


@dataclass(frozen=True)
class StoredModel:
    """A potential of a run."""

    model_digest: str
    name: str
    fit_for_kappa: bool | None


def ensemble_of(models: Sequence[StoredModel]) -> list[StoredModel]:
    """Potentials whose numbers are put together."""
    return [model for model in models if model.fit_for_kappa is not False] or list(models)


def ensemble_columns(properties: Sequence[Table], models: Sequence[StoredModel]) -> list[Selected]:
    """Return the view's columns about all potentials of a material, with their SQL."""
    found: list[Selected] = []
    for column in _quantities(properties):
        for name, aggregate, label, description in _STATISTICS:
            merged = replace(
                column,
                name=f"{column.name}_{name}",
                label=f"{label} of {column.label}",
                description=description,
            )
            found.append((merged, aggregate.format(value=_value(column))))
    if found:
        found.append((_COMPARED, f"count({_value(_quantities(properties)[0])})[pooled]"))
    tables = {table.name for table in properties}
    if "conductivity" in tables:
        found.append((_DISAGREE, _disagree("stability" in tables)))
    named = _named(models) if len(models) > 1 else []
    for column in _quantities(properties):
        for suffix, model in named:
            own = replace(
                column,
                name=f"{column.name}_{suffix}",
                label=f"{column.label}, {model.name}",
                description=f"{column.description.rstrip('.')}, by {model.name}.",
            )
            found.append(
                (own, f"max({_value(column)}) FILTER (model_digest = '{model.model_digest}')")
            )
    return found


def ensemble_sql(properties: Sequence[Table], models: Sequence[StoredModel]) -> str:
    """Return a query with one row per material and protocol; empty if there is nothing to merge."""
    columns = ensemble_columns(properties, models)
    if not columns:
        return ""
    digests = ", ".join(f"'{model.model_digest}'" for model in ensemble_of(models))
    pooled = f" FILTER (model_digest IN ({digests}))" if digests else ""
    selected = ",\n    ".join(
        f'{_pooled(sql, pooled)} AS "{column.name}"' for column, sql in columns
    )
    tables = {table.name for table in properties} & {*QUANTITIES, "stability"}
    joins = " ".join(
        f'LEFT JOIN "{name}" USING ({", ".join(OUTCOME_KEY_NAMES)})' for name in sorted(tables)
    )
    return (
        f"SELECT material_id, protocol_digest,\n    {selected}\n  "
        f"FROM outcomes {joins} GROUP BY material_id, protocol_digest"
    )


_STATISTICS = (
    (
        "median",
        "median({value})[pooled]",
        "median",
        "Median over the potentials fit for κ.",
    ),
    (
        "spread",
        "CASE WHEN count({value})[pooled] > 1 "
        "THEN (max({value})[pooled] - min({value})[pooled]) / 2 END",
        "spread",
        "Half the range over the potentials fit for κ; empty if only one has a value.",
    ),
)
_COMPARED = Column(
    "models_compared", "BIGINT", "potentials", "Potentials in the median of κ (or of α)."
)
_DISAGREE = Column(
    "models_disagree",
    "BOOLEAN",
    "potentials disagree",
    f"κ at 300 K differs by more than a factor of {LARGEST_RATIO:g} between potentials, or one of "
    "them finds imaginary modes and another none; empty if only one was asked.",
)
"""The view's trust flag."""


def _disagree(stability: bool) -> str:
    """Return SQL of the trust flag; a run may not say which crystals are stable."""
    kappa = '"conductivity"."kappa_300"'
    asked = '"stability"."stable"' if stability else kappa
    apart = f"coalesce(max({kappa})[pooled] > {LARGEST_RATIO} * min({kappa})[pooled], FALSE)"
    if stability:
        apart += f" OR bool_or({asked})[pooled] <> bool_and({asked})[pooled]"
    return f"CASE WHEN count({asked})[pooled] > 1 THEN {apart} END"


def _pooled(sql: str, condition: str) -> str:
    """Put the condition that picks the ensemble where the SQL has its mark."""
    return sql.replace("[pooled]", condition)


def _quantities(properties: Sequence[Table]) -> list[Column]:
    """Columns that are put together."""
    return [
        column
        for table in properties
        for column in table.columns
        if QUANTITIES.get(table.name) == column.name
    ]


def _value(column: Column) -> str:
    """Name a quantity's column in full: other tables may have one of that name."""
    table = next(table for table, name in QUANTITIES.items() if name == column.name)
    return f'"{table}"."{column.name}"'


def _named(models: Sequence[StoredModel]) -> list[tuple[str, StoredModel]]:
    """Give each potential a unique suffix that is a plain SQL name."""
    plain = [re.sub(r"[^a-z0-9]+", "_", model.name.lower()).strip("_") for model in models]
    uses = Counter(plain)
    return [
        (name if uses[name] == 1 else f"{name}_{model.model_digest[:6]}", model)
        for name, model in zip(plain, models, strict=True)
    ]
