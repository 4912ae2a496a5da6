"""``rankable``: all that rankings compare, joined and sifted once, when a snapshot is published.

A view in the live database; each snapshot holds its rows as a table. With 300,000 results the joins
take a second, which is too long for a page that follows a slider.
"""

from __future__ import annotations

from collections.abc import Sequence

from screen.core.columns import Column
from screen.store.ensemble import ALIAS, StoredModel, ensemble_of, ensemble_sql
from screen.store.grids import number_of
from screen.store.macros import GRIDS
from screen.store.relations import KEY, Relation, Stored, text
from screen.store.schema import OUTCOME_KEY, RANKABLE

DOUBT = Column(
    "expansion_doubt", "BOOLEAN", "doubt α", "There is a reason to doubt α, see expansion_flags"
)
BULK_MODULUS = Column("bulk_modulus", "DOUBLE", "B", "Static bulk modulus (Reuss)", "GPa")
VOLUME = Column(
    "volume_per_atom", "DOUBLE", "volume per atom", "Volume of the relaxed cell per atom", "Å³"
)
DISAGREE = Column(
    "models_disagree",
    "BOOLEAN",
    "disagree",
    "Potentials that are fit for κ differ in κ at 300 K by more than a factor of 1.5, or in "
    "dynamical stability",
)
POOR = Column(
    "fc3_fit_poor", "BOOLEAN", "poor fit", "A fit of fc3 behind κ misses the protocol's limits"
)
STATUS = Column("status", "VARCHAR", "status", "complete, or partial if another property failed")

_TRANSPORT = (  # of the property's own table
    Column("temperatures", "DOUBLE[]", "T", "Temperature grid of κ", "K"),
    Column("kappa", "DOUBLE[]", "κ", "Lattice thermal conductivity on its grid", "W/m/K"),
    Column("kappa_p", "DOUBLE[]", "κ_P", "Its populations part", "W/m/K"),
    Column("kappa_c", "DOUBLE[]", "κ_C", "Its coherences part", "W/m/K"),
    Column("kappa_300", "DOUBLE", "κ (300 K)", "Lattice thermal conductivity at 300 K", "W/m/K"),
    Column("nac", "BOOLEAN", "NAC", "κ has a non-analytical correction"),
    POOR,
)
_GRID = Column("expansion_temperatures", "DOUBLE[]", "T of α", "Temperature grid of α", "K")
_ALPHA = Column("expansion", "DOUBLE[]", "α", "Linear thermal expansion on its grid", "1/K")
_POOLED = Column(
    "pooled", "BOOLEAN", "pooled", "The potential is one of those of which medians are made"
)
_NUMBERS = (
    Column("grid", "BIGINT", "grid of κ", "Number of the temperature grid of κ in grids"),
    Column("expansion_grid", "BIGINT", "grid of α", "Number of the temperature grid of α in grids"),
)
COLUMNS = (
    *(*OUTCOME_KEY, STATUS, _POOLED, DISAGREE, *_TRANSPORT),
    *(_GRID, _ALPHA, DOUBT, BULK_MODULUS, VOLUME, *_NUMBERS),
)
DESCRIPTION = (
    "Results that are ranked, one row per material, potential and protocol: stable, with a "
    "conductivity."
)


def rankable(stored: Stored, models: Sequence[StoredModel]) -> Relation:
    """Return the view of the live database."""
    return Relation(RANKABLE, DESCRIPTION, COLUMNS, _sql(stored, models))


def _sql(stored: Stored, models: Sequence[StoredModel]) -> str:
    """Return the query; a run without conductivities has no row."""
    if not stored.has("conductivity"):
        nothing = ", ".join(f'NULL::{item.sql_type} AS "{item.name}"' for item in COLUMNS)
        return f"SELECT {nothing} FROM outcomes WHERE FALSE"
    digests = ", ".join(text(model.model_digest) for model in ensemble_of(models))
    grids = ", ".join(stored.value("expansion", name, "DOUBLE[]") for name in GRIDS)
    disagree, compared = _disagreement(stored, models)
    alpha_grid = f"coalesce({grids})"
    found = {
        "status": "outcomes.status",
        "pooled": f"model_digest IN ({digests})" if digests else "TRUE",
        "models_disagree": disagree,
        **{
            item.name: stored.value("conductivity", item.name, item.sql_type) for item in _TRANSPORT
        },
        "expansion_temperatures": alpha_grid,
        "expansion": stored.value("expansion", "expansion", "DOUBLE[]"),
        "expansion_doubt": f"len({stored.value('expansion', 'expansion_flags', 'VARCHAR[]')}) > 0",
        "bulk_modulus": stored.value("expansion", "bulk_modulus"),
        "volume_per_atom": stored.value("stability", "volume_per_atom"),
        "grid": "grid_of_kappa.number",
        "expansion_grid": "grid_of_alpha.number",
    }
    selected = ",\n  ".join(f'{sql} AS "{name}"' for name, sql in found.items())
    joins = ["FROM conductivity", f"JOIN outcomes USING ({KEY})"]
    if stored.has("stability"):
        joins.append(f"JOIN (FROM stability WHERE stable) AS stability USING ({KEY})")
    if stored.has("expansion"):
        joins.append(f'LEFT JOIN "expansion" USING ({KEY})')
    joins.append(number_of(stored.value("conductivity", GRIDS[0], "DOUBLE[]"), "grid_of_kappa"))
    joins.append(number_of(alpha_grid, "grid_of_alpha"))
    joined = "\n".join([*joins, *compared])
    return f"SELECT {KEY},\n  {selected}\n{joined}"


def _disagreement(stored: Stored, models: Sequence[StoredModel]) -> tuple[str, list[str]]:
    """Return SQL for whether potentials disagree, with the join it needs; one cannot."""
    if len(ensemble_of(models)) < 2:
        return "NULL::BOOLEAN", []
    merged = ensemble_sql(stored.tables, models)
    joined = f"LEFT JOIN (\n  {merged}\n) AS {ALIAS} USING (material_id, protocol_digest)"
    return f"{ALIAS}.models_disagree", [joined]
