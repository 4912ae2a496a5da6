"""Rank screened crystals: the best insulators and the best heat spreaders at one temperature."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from screen.core.columns import Column
from screen.core.errors import SettingsError
from screen.core.substrates import expansion_to_match
from screen.store import macros, queries, rankable, ranked, scores
from screen.store.database import Snapshot
from screen.store.ensemble import ensemble_of
from screen.store.queries import property_names
from screen.store.relations import columns_of, of
from screen.store.schema import MATERIALS

KEY = "material_id, model_digest, protocol_digest"
POOL = "material_id, protocol_digest"
TRANSPORT = ("kappa", "kappa_p", "kappa_c")
LINEAR = "{name}_low + ({name}_high - {name}_low) * fraction"
POWERS = (
    "CASE WHEN {name}_low > 0 AND {name}_high > 0 "
    "THEN {name}_low * ({name}_high / {name}_low) ** fraction "
    "ELSE " + LINEAR + " END"
)  # κ_C may vanish
GRIDS = ("temperatures", "expansion_temperatures")  # names of a property's temperature grid
MAX_MISMATCH = 1e-6  # 1/K
INSULATING = 1.0  # eV; sources give mostly PBE gaps, which are too small


@dataclass(frozen=True)
class Ranking:
    """What a ranking looks for."""

    name: str
    description: str
    merit: str  # SQL; the largest is the best
    min_band_gap: float | None = None  # eV, asked for when an expansion is matched


RANKINGS: Mapping[str, Ranking] = {
    ranking.name: ranking
    for ranking in (
        Ranking("insulators", "Lowest lattice thermal conductivity first", "-kappa"),
        Ranking(
            "heat-spreaders", "Highest lattice thermal conductivity first", "kappa", INSULATING
        ),
    )
}

_FORMULA, _MATERIAL_ID, _PROTOTYPE, _BAND_GAP = columns_of(
    of(MATERIALS, ["formula", "material_id", "prototype", "band_gap"])
)
COLUMNS = (
    Column("rank", "BIGINT", "rank", "Place in the ranking, 1 is best"),
    *(_FORMULA, _MATERIAL_ID, _PROTOTYPE, ranked.MODEL, ranked.PROTOCOL, rankable.STATUS),
    *(macros.TEMPERATURE, macros.KAPPA, ranked.KAPPA_SPREAD, macros.KAPPA_P, macros.KAPPA_C),
    *(macros.SHARE, macros.EXPANSION, ranked.EXPANSION_SPREAD),
    *(rankable.DISAGREE, rankable.POOR, scores.REFERENCE, scores.RATIO),
)
MATCH_COLUMNS = (
    Column(
        "expansion_mismatch",
        "DOUBLE",
        "α − α_sub",
        "Linear thermal expansion coefficient minus that of the substrate",
        "1/K",
    ),
    Column(
        "pareto_optimal",
        "BOOLEAN",
        "Pareto",
        "No other material has at least as good a κ and at most the same |α − α_sub|, one better",
    ),
    _BAND_GAP,
)


@dataclass(frozen=True)
class Match:
    """Which materials match a substrate."""

    expansion: float  # of the substrate, 1/K
    max_mismatch: float  # 1/K
    min_band_gap: float | None  # eV; an unknown gap passes


def rank(
    snapshot: Snapshot,
    kind: str,
    temperature: float = 300.0,
    limit: int = 20,
    *,
    where: str | None = None,
    model: str | None = None,
    protocol: str | None = None,
    match_expansion: str | float | None = None,
    max_mismatch: float | None = None,
    min_band_gap: float | None = None,
) -> pa.Table:
    """Rank the stable materials that have a conductivity; see ``COLUMNS`` for what is returned.

    A material that several potentials computed has their median, κ and α each, with half their
    range as the spread; potentials that are not fit for κ (``models.fit_for_kappa``) count only
    where a run has no others, or where ``model`` asks for one.

    Between two points of a material's temperature grid ln κ is linear in ln T, α linear in T.
    A material whose grid does not reach ``temperature`` is left out.

    With ``match_expansion`` only materials whose linear expansion is within ``max_mismatch`` of
    the substrate's are ranked, again by κ, and the table has ``MATCH_COLUMNS`` too.

    Parameters
    ----------
    kind
        A name in ``RANKINGS``.
    temperature
        K.
    where
        SQL condition on the columns of ``results``, e.g. ``band_gap > 1 AND status = 'complete'``.
    model, protocol
        Name or digest; None takes all potentials together, and each protocol apart.
    match_expansion
        Substrate in ``catalogs/substrates.csv`` (known at 300 K), or a linear expansion in 1/K.
    max_mismatch
        Largest distance of α from the substrate's in 1/K; None: ``MAX_MISMATCH``.
    min_band_gap
        Smallest band gap in eV; a material of unknown gap is kept. None: with
        ``match_expansion`` what the ranking asks for (heat spreaders ``INSULATING``), else nothing.

    Raises
    ------
    SettingsError
        The ranking, model, protocol or substrate is unknown, nothing was computed at this
        temperature, the substrate is not known there, or a number makes no sense.
    StoreError
        ``where`` is no valid condition.
    """
    if kind not in RANKINGS:
        raise SettingsError(f"no ranking {kind!r}; known: {', '.join(RANKINGS)}")
    if limit < 1:
        raise SettingsError(f"limit={limit}: a ranking shows at least one material")
    match = match_of(kind, temperature, match_expansion, max_mismatch, min_band_gap)
    tables = property_names(snapshot)
    _check_temperature(snapshot, tables, temperature)
    if match and "expansion" not in tables:
        raise SettingsError(
            f"{snapshot.path} holds no expansions: add 'expansion' to the campaign's properties"
        )
    _check_known(snapshot, "model", model)
    _check_known(snapshot, "protocol", protocol)
    sql = _ranking_sql(
        RANKINGS[kind],
        where or "TRUE",
        stable=f"SEMI JOIN (FROM stability WHERE stable) USING ({KEY})" * ("stability" in tables),
        expansion=_expansion_sql(snapshot),
        poor=_poor_sql(snapshot),
        columns=COLUMNS if match is None else COLUMNS + MATCH_COLUMNS,
    )
    parameters = {
        "T": temperature,
        "models": _models(snapshot, model),
        "protocol": protocol,
        "limit": limit,
        "substrate": match.expansion if match else None,
        "max_mismatch": match.max_mismatch if match else None,
        "min_band_gap": match.min_band_gap if match else min_band_gap,
    }
    return snapshot.query(sql, parameters)


def match_of(
    kind: str,
    temperature: float,
    match_expansion: str | float | None,
    max_mismatch: float | None = None,
    min_band_gap: float | None = None,
) -> Match | None:
    """Return what is asked of a material's expansion and band gap; None if nothing is matched.

    Parameters and errors are those of ``rank``.
    """
    if min_band_gap is not None and not 0 <= min_band_gap < math.inf:
        raise SettingsError(f"min_band_gap={min_band_gap:g}: give a band gap in eV, 0 or more")
    if match_expansion is None:
        if max_mismatch is not None:
            raise SettingsError("max_mismatch needs match_expansion: there is nothing to match")
        return None
    largest = MAX_MISMATCH if max_mismatch is None else max_mismatch
    if not 0 < largest < math.inf:
        raise SettingsError(f"max_mismatch={largest:g}: give a positive number in 1/K, e.g. 1e-6")
    gap = RANKINGS[kind].min_band_gap if min_band_gap is None else min_band_gap
    return Match(expansion_to_match(match_expansion, temperature), largest, gap)


def _check_known(snapshot: Snapshot, column: str, wanted: str | None) -> None:
    """Refuse a potential or protocol, by name or digest, that the run does not hold."""
    found = snapshot.query(
        f"SELECT DISTINCT {column} AS name, {column}_digest AS digest FROM results"
    )
    known = {name for row in found.to_pylist() for name in row.values()}
    if wanted is not None and wanted not in known:
        names = ", ".join(sorted({str(row["name"]) for row in found.to_pylist()}))
        raise SettingsError(f"no results of {column} {wanted!r} in this run; it holds: {names}")


def _models(snapshot: Snapshot, wanted: str | None) -> list[str]:
    """Return digests of the potentials to rank by: the one that is wanted, else the ensemble."""
    models = queries.models_of(snapshot)
    if wanted is None:
        return [model.model_digest for model in ensemble_of(models)]
    return [model.model_digest for model in models if wanted in {model.name, model.model_digest}]


def _check_temperature(snapshot: Snapshot, tables: Sequence[str], temperature: float) -> None:
    """Refuse a temperature that no conductivity in the snapshot covers."""
    if "conductivity" not in tables:
        raise SettingsError(
            f"{snapshot.path} holds no conductivities: add 'conductivity' to the campaign's properties"
        )
    (grid,) = snapshot.query(
        "SELECT min(list_min(temperatures)) AS low, max(list_max(temperatures)) AS high "
        "FROM conductivity"
    ).to_pylist()
    known = grid["low"] is not None
    if not math.isfinite(temperature) or (known and not grid["low"] <= temperature <= grid["high"]):
        span = f"{grid['low']:g} to {grid['high']:g} K" if known else "none yet"
        raise SettingsError(f"no conductivity at {temperature:g} K; computed temperatures: {span}")


def _expansion_sql(snapshot: Snapshot) -> str:
    """Return SQL for the expansion at ``$T``, NULL where the run has none."""
    grids = {column.name for column in queries.columns_of(snapshot, "expansion")} & set(GRIDS)
    if not grids:
        return f"SELECT {KEY}, NULL::DOUBLE AS expansion FROM outcomes"
    return _at_temperature("expansion", grids.pop(), ("expansion",))


def _poor_sql(snapshot: Snapshot) -> str:
    """Return SQL for whether the fit of fc3 is poor; a run may not say."""
    known = {column.name for column in queries.columns_of(snapshot, "conductivity")}
    return "conductivity.fc3_fit_poor" if "fc3_fit_poor" in known else "NULL::BOOLEAN"


def _ranking_sql(
    ranking: Ranking,
    where: str,
    stable: str,
    expansion: str,
    poor: str,
    columns: Sequence[Column],
) -> str:
    """Return the ranking's SQL; what the run did not compute is NULL."""
    return f"""
WITH chosen AS (
  FROM results {stable}
  WHERE list_contains($models::VARCHAR[], model_digest)
    AND ($protocol IS NULL OR $protocol IN (protocol, protocol_digest))
    AND ($min_band_gap IS NULL OR band_gap IS NULL OR band_gap >= $min_band_gap)
    AND ({where}
    )
),
transport AS ({_at_temperature("conductivity", "temperatures", TRANSPORT, powers=True)}),
dilation AS ({expansion}),
reference AS (
  SELECT {KEY}, kappa_300, {poor} AS fc3_fit_poor,
    CASE WHEN nac THEN kappa_reference_nac_300 ELSE kappa_reference_300 END AS kappa_reference
  FROM conductivity JOIN materials USING (material_id)
),
single AS (
  SELECT {KEY}, formula, prototype, model, protocol, status, band_gap, models_disagree,
    kappa, kappa_p, kappa_c, expansion, kappa_reference, reference.fc3_fit_poor,
    reference.kappa_300 / nullif(kappa_reference, 0) AS ratio_300
  FROM chosen
  JOIN transport USING ({KEY})
  LEFT JOIN dilation USING ({KEY})
  LEFT JOIN reference USING ({KEY})
  WHERE kappa IS NOT NULL
),
pooled AS (
  SELECT {POOL}, any_value(formula) AS formula, any_value(prototype) AS prototype,
    if(count(*) > 1, 'median of ' || count(*), any_value(model)) AS model,
    any_value(protocol) AS protocol,
    if(bool_and(status = 'complete'), 'complete', 'partial') AS status,
    any_value(band_gap) AS band_gap, any_value(models_disagree) AS models_disagree,
    nullif(bool_or(fc3_fit_poor), FALSE) AS fc3_fit_poor, median(kappa) AS kappa, median(kappa_p) AS kappa_p, median(kappa_c) AS kappa_c,
    if(count(kappa) > 1, (max(kappa) - min(kappa)) / 2, NULL) AS kappa_spread,
    median(expansion) AS expansion,
    if(count(expansion) > 1, (max(expansion) - min(expansion)) / 2, NULL) AS expansion_spread,
    any_value(kappa_reference) AS kappa_reference, median(ratio_300) AS ratio_300
  FROM single GROUP BY {POOL}
),
matching AS (
  SELECT *, expansion - $substrate::DOUBLE AS expansion_mismatch, {ranking.merit} AS merit
  FROM pooled
  WHERE $substrate IS NULL OR abs(expansion - $substrate::DOUBLE) <= $max_mismatch
),
ranked AS (
  SELECT row_number() OVER (ORDER BY merit DESC, abs(expansion_mismatch), {POOL}) AS rank,
    formula, material_id, prototype, model, protocol, status, $T::DOUBLE AS temperature,
    kappa, kappa_spread, kappa_p, kappa_c, kappa_c / nullif(kappa, 0) AS coherence_share,
    expansion, expansion_spread, models_disagree, fc3_fit_poor,
    kappa_reference AS kappa_reference_300, ratio_300, expansion_mismatch, band_gap,
    max(merit) OVER as_close = merit
      AND coalesce(max(merit) OVER closer < merit, TRUE) AS pareto_optimal
  FROM matching
  WINDOW as_close AS (PARTITION BY abs(expansion_mismatch)),
    closer AS (ORDER BY abs(expansion_mismatch) GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT {", ".join(column.name for column in columns)}
FROM ranked
ORDER BY rank
LIMIT $limit
"""


def _at_temperature(table: str, grid: str, names: Sequence[str], powers: bool = False) -> str:
    """Return SQL that interpolates lists over a temperature grid at ``$T``; NULL outside.

    ``powers``: ln value linear in ln T, exact for κ ∝ 1/T; otherwise value linear in T.
    """
    lists = ", ".join(f"unnest({name}) AS {name}" for name in names)
    ends = ",\n    ".join(
        f"arg_max_null({name}, T) FILTER (T <= $T) AS {name}_low, "
        f"arg_min_null({name}, T) FILTER (T >= $T) AS {name}_high"
        for name in names
    )
    axis = "ln" if powers else ""
    form = POWERS if powers else LINEAR
    values = ", ".join(f"{form.format(name=name)} AS {name}" for name in names)
    return f"""
  SELECT {KEY}, {values}
  FROM (
    SELECT {KEY}, {ends},
    coalesce(({axis}($T) - {axis}(max(T) FILTER (T <= $T)))
      / nullif({axis}(min(T) FILTER (T >= $T)) - {axis}(max(T) FILTER (T <= $T)), 0), 0) AS fraction
    FROM (SELECT {KEY}, unnest({grid}) AS T, {lists} FROM {table})
    GROUP BY {KEY}
  )"""
