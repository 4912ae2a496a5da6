"""The views ``insulators`` and ``heat_spreaders``: what ``thermoscreen rank`` shows, as SQL."""

from __future__ import annotations

from collections.abc import Sequence

from screen.core.columns import Column
from screen.store.ensemble import ALIAS, StoredModel, ensemble_of, ensemble_sql
from screen.store.macros import (
    EXPANSION,
    KAPPA,
    KAPPA_C,
    KAPPA_P,
    SHARE,
    TEMPERATURE,
    expansion_sql,
    kappa_sql,
)
from screen.store.relations import KEY, Relation, Selected, Stored, columns_of, listed, of
from screen.store.schema import MATERIALS, PROTOCOL_DIGEST

TEMPERATURE_OF_VIEWS = 300  # K

POOL = "material_id, protocol_digest"

RANK = Column("rank", "BIGINT", "rank", "Place among the materials of its protocol, 1 is best")
MODEL = Column(
    "model", "VARCHAR", "potential", "Name of the potential, or of how many the median is"
)
PROTOCOL = Column("protocol", "VARCHAR", "protocol", "Name of the protocol")
STATUS = Column("status", "VARCHAR", "status", "complete, or partial if another property failed")
KAPPA_SPREAD = Column(
    "kappa_spread",
    "DOUBLE",
    "± κ",
    "Half the range of κ over the potentials of which κ is the median",
    "W/m/K",
)
EXPANSION_SPREAD = Column(
    "expansion_spread",
    "DOUBLE",
    "± α",
    "Half the range of α over the potentials of which α is the median",
    "1/K",
)
COMPARED = Column("models_compared", "BIGINT", "potentials", "Potentials in the median of κ")
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
_MATERIAL = ("prototype", "n_atoms", "elements", "band_gap", "energy_above_hull", "theoretical")

_ORDERS = {
    "insulators": ("pooled.kappa", "lowest κ first"),
    "heat_spreaders": ("pooled.kappa DESC", "highest κ first"),
}


def rankings(stored: Stored, models: Sequence[StoredModel]) -> tuple[Relation, ...]:
    """Return ``insulators_at(kelvin)`` and ``heat_spreaders_at(kelvin)``, and both at 300 K.

    Stable materials with a conductivity; κ and α are medians over the potentials fit for κ, as in
    ``screen.ranking.rank``.
    """
    found: list[Relation] = []
    for name, (order, words) in _ORDERS.items():
        selected = _selected(order)
        about = (
            f"Stable materials with a conductivity, {words}, each protocol apart: median over the "
            "potentials fit for κ, half their range as spread"
        )
        macro = Relation(
            f"{name}_at",
            f"{about}; at a temperature in K.",
            columns_of(selected),
            _sql(stored, models, selected),
            ("kelvin",),
        )
        view = f"FROM {macro.name}({TEMPERATURE_OF_VIEWS})"
        at = f"{about}; at {TEMPERATURE_OF_VIEWS} K."
        found += [macro, Relation(name, at, macro.columns, view)]
    return tuple(found)


def _selected(order: str) -> list[Selected]:
    """Return the columns of a ranking."""
    places = f"PARTITION BY pooled.protocol_digest ORDER BY {order}, pooled.material_id"
    return [
        (RANK, f"row_number() OVER ({places})"),
        *of(MATERIALS, ["formula"]),
        *of(MATERIALS, ["material_id"], "pooled"),
        (MODEL, "pooled.model"),
        (PROTOCOL, "protocols.name"),
        (STATUS, "pooled.status"),
        (TEMPERATURE, "kelvin::DOUBLE"),
        *((column, f"pooled.{column.name}") for column in (KAPPA, KAPPA_SPREAD, KAPPA_P, KAPPA_C)),
        (SHARE, "pooled.kappa_c / nullif(pooled.kappa, 0)"),
        *((column, f"pooled.{column.name}") for column in (EXPANSION, EXPANSION_SPREAD, COMPARED)),
        (DISAGREE, "pooled.models_disagree"),
        (POOR, "pooled.fc3_fit_poor"),
        *of(MATERIALS, _MATERIAL),
        (PROTOCOL_DIGEST, "pooled.protocol_digest"),
    ]


def _sql(stored: Stored, models: Sequence[StoredModel], selected: list[Selected]) -> str:
    """Return the query of a ranking."""
    return f"""WITH single AS (
{_single(stored, models)}
), pooled AS (
  SELECT {POOL},
    CASE WHEN count(*) > 1 THEN 'median of ' || count(*) ELSE any_value(models.name) END AS model,
    CASE WHEN bool_and(status = 'complete') THEN 'complete' ELSE 'partial' END AS status,
    median(kappa) AS kappa, median(kappa_p) AS kappa_p, median(kappa_c) AS kappa_c,
    CASE WHEN count(*) > 1 THEN (max(kappa) - min(kappa)) / 2 END AS kappa_spread,
    median(expansion) AS expansion,
    CASE WHEN count(expansion) > 1
      THEN (max(expansion) - min(expansion)) / 2 END AS expansion_spread,
    count(*) AS models_compared, any_value(models_disagree) AS models_disagree,
    nullif(bool_or(fc3_fit_poor), FALSE) AS fc3_fit_poor
  FROM single LEFT JOIN models USING (model_digest)
  WHERE kappa IS NOT NULL
  GROUP BY {POOL}
)
SELECT
  {listed(selected)}
FROM pooled
LEFT JOIN materials ON materials.material_id = pooled.material_id
LEFT JOIN protocols ON protocols.protocol_digest = pooled.protocol_digest"""


def _single(stored: Stored, models: Sequence[StoredModel]) -> str:
    """Return the query for each potential's own numbers."""
    digests = ", ".join(f"'{model.model_digest}'" for model in ensemble_of(models))
    pool = f"model_digest IN ({digests})" if digests else "TRUE"
    if not stored.has("conductivity"):
        return (
            f"  SELECT {KEY}, status, NULL::DOUBLE AS kappa, NULL::DOUBLE AS kappa_p, "
            "NULL::DOUBLE AS kappa_c, NULL::DOUBLE AS expansion, NULL::BOOLEAN AS fc3_fit_poor, "
            "NULL::BOOLEAN AS models_disagree\n  FROM outcomes WHERE FALSE"
        )
    stable = f"SEMI JOIN (FROM stability WHERE stable) USING ({KEY})" * stored.has("stability")
    dilation = f'LEFT JOIN "expansion" USING ({KEY})' * stored.has("expansion")
    disagree, compared = _disagreement(stored, models)
    return f"""  SELECT {KEY}, status,
    {kappa_sql(stored, "kappa")} AS kappa,
    {kappa_sql(stored, "kappa_p")} AS kappa_p,
    {kappa_sql(stored, "kappa_c")} AS kappa_c,
    {expansion_sql(stored)} AS expansion,
    {stored.value("conductivity", "fc3_fit_poor", "BOOLEAN")} AS fc3_fit_poor,
    {disagree} AS models_disagree
  FROM "conductivity" JOIN outcomes USING ({KEY}) {stable}
  {dilation}
  {compared}
  WHERE {pool}"""


def _disagreement(stored: Stored, models: Sequence[StoredModel]) -> tuple[str, str]:
    """Return SQL for whether potentials disagree, with the join it needs; one cannot."""
    if len(ensemble_of(models)) < 2:
        return "NULL::BOOLEAN", ""
    merged = ensemble_sql(stored.tables, models)
    return f"{ALIAS}.models_disagree", f"LEFT JOIN (\n  {merged}\n  ) AS {ALIAS} USING ({POOL})"
