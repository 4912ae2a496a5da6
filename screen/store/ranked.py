"""``insulators`` and ``heat_spreaders``: what ``thermoscreen rank`` shows, as views and macros."""

from __future__ import annotations

from dataclasses import replace

from screen.core.columns import Column
from screen.store import rankable
from screen.store.macros import EXPANSION, KAPPA, KAPPA_C, KAPPA_P, SHARE, TEMPERATURE
from screen.store.rankable import DISAGREE, DOUBT, STATUS
from screen.store.relations import Relation, Selected, columns_of, listed, of
from screen.store.schema import GRIDS, MATERIALS, PROTOCOL_DIGEST, RANKABLE

TEMPERATURE_OF_VIEWS = 300  # K
AT = f"{RANKABLE}_at"

POOL = "material_id, protocol_digest"

RANK = Column("rank", "BIGINT", "rank", "Place among the materials of its protocol, 1 is best")
MODEL = Column(
    "model", "VARCHAR", "potential", "Name of the potential, or of how many the median is"
)
PROTOCOL = Column("protocol", "VARCHAR", "protocol", "Name of the protocol")
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
_MATERIAL = ("prototype", "n_atoms", "elements", "band_gap", "energy_above_hull", "theoretical")

BULK_MODULUS, VOLUME = (
    replace(column, description=f"{column.description}, median of the potentials")
    for column in (rankable.BULK_MODULUS, rankable.VOLUME)
)
POOR = replace(
    rankable.POOR, description=f"{rankable.POOR.description}; else NULL: ask IS NOT TRUE"
)
_MODEL = (
    "CASE WHEN pooled.models_compared > 1 THEN 'median of ' || pooled.models_compared "
    "ELSE models.name END"
)

_ORDERS = {
    "insulators": ("pooled.kappa", "lowest κ first"),
    "heat_spreaders": ("pooled.kappa DESC", "highest κ first"),
}


def rankings() -> tuple[Relation, ...]:
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
            _sql(selected),
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
        (MODEL, _MODEL),
        (PROTOCOL, "protocols.name"),
        (STATUS, "pooled.status"),
        (TEMPERATURE, "kelvin::DOUBLE"),
        *((column, f"pooled.{column.name}") for column in (KAPPA, KAPPA_SPREAD, KAPPA_P, KAPPA_C)),
        (SHARE, "pooled.kappa_c / nullif(pooled.kappa, 0)"),
        *((column, f"pooled.{column.name}") for column in (EXPANSION, EXPANSION_SPREAD, COMPARED)),
        (DISAGREE, "pooled.models_disagree"),
        (POOR, "pooled.fc3_fit_poor"),
        *((column, f"pooled.{column.name}") for column in (DOUBT, BULK_MODULUS, VOLUME)),
        *of(MATERIALS, _MATERIAL),
        (PROTOCOL_DIGEST, "pooled.protocol_digest"),
    ]


def _sql(selected: list[Selected]) -> str:
    """Return the query of a ranking."""
    return f"""WITH pooled AS (
  SELECT {POOL}, any_value(model_digest) AS model_digest,
    CASE WHEN bool_and(status = 'complete') THEN 'complete' ELSE 'partial' END AS status,
    median(kappa) AS kappa, median(kappa_p) AS kappa_p, median(kappa_c) AS kappa_c,
    CASE WHEN count(*) > 1 THEN (max(kappa) - min(kappa)) / 2 END AS kappa_spread,
    median(expansion) AS expansion,
    CASE WHEN count(expansion) > 1
      THEN (max(expansion) - min(expansion)) / 2 END AS expansion_spread,
    count(*) AS models_compared, any_value(models_disagree) AS models_disagree,
    nullif(bool_or(fc3_fit_poor), FALSE) AS fc3_fit_poor,
    bool_or(expansion_doubt) AS expansion_doubt,
    median(bulk_modulus) AS bulk_modulus, median(volume_per_atom) AS volume_per_atom
  FROM {AT}(kelvin)
  WHERE pooled
  GROUP BY {POOL}
)
SELECT
  {listed(selected)}
FROM pooled
LEFT JOIN materials ON materials.material_id = pooled.material_id
LEFT JOIN models ON models.model_digest = pooled.model_digest
LEFT JOIN protocols ON protocols.protocol_digest = pooled.protocol_digest"""


def rankable_at() -> Relation:
    """Return the macro for the rows of ``rankable`` at any temperature.

    Where a temperature lies in a grid is looked up once per grid, not per material.
    """
    kept = [column for column in rankable.COLUMNS if column.sql_type != "DOUBLE[]"]
    sql = f"""WITH neighbours AS (
  SELECT number, grid, len(list_filter(grid, lambda point_: point_ <= kelvin)) AS low,
    1 + len(list_filter(grid, lambda point_: point_ < kelvin)) AS high
  FROM {GRIDS}
), places AS (
  SELECT number, low, high, grid[low] AS below, grid[high] AS above,
    CASE WHEN low <> high AND grid[low] > 0
      THEN ln(kelvin / grid[low]) / ln(grid[high] / grid[low]) END AS exponent
  FROM neighbours
)
FROM (
  SELECT {", ".join(f"found.{column.name}" for column in kept)},
    kelvin::DOUBLE AS temperature,
    {_powers("kappa")} AS kappa,
    {_powers("kappa_p")} AS kappa_p,
    {_powers("kappa_c")} AS kappa_c,
    {_linear("expansion", "dilation")} AS expansion
  FROM {RANKABLE} AS found
  JOIN places AS transport ON transport.number = found.grid
  LEFT JOIN places AS dilation ON dilation.number = found.expansion_grid
)
WHERE kappa IS NOT NULL"""
    return Relation(
        AT,
        "Results that are ranked, one row per material, potential and protocol, at a temperature "
        "in K; grids that do not reach it are left out.",
        (*kept, TEMPERATURE, KAPPA, KAPPA_P, KAPPA_C, EXPANSION),
        sql,
        ("kelvin",),
    )


def _powers(name: str) -> str:
    """Return SQL for what the macro ``by_powers`` gives, the place in the grid being known."""
    low, high = f"{name}[transport.low]", f"{name}[transport.high]"
    return f"""CASE WHEN transport.low = transport.high THEN {low}
      WHEN {low} > 0 AND {high} > 0 AND transport.exponent IS NOT NULL
      THEN {low} * ({high} / {low}) ** transport.exponent
      ELSE {_between(name, "transport")} END"""


def _linear(name: str, place: str) -> str:
    """Return SQL for what the macro ``at_temperature`` gives, the place in the grid being known."""
    return f"""CASE WHEN {place}.low = {place}.high THEN {name}[{place}.low]
      ELSE {_between(name, place)} END"""


def _between(name: str, place: str) -> str:
    """Return SQL for the value on the line through a grid's two points."""
    low, high = f"{name}[{place}.low]", f"{name}[{place}.high]"
    return (
        f"{low} + ({high} - {low})\n        * (kelvin - {place}.below) "
        f"/ ({place}.above - {place}.below)"
    )
