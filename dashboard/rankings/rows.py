"""The materials of a ranking before any filter: one row each, from the macros of the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ase.data import atomic_masses

from dashboard.filters import quoted
from dashboard.rankings.criteria import DENSITY, MEAN_MASS
from dashboard.rankings.facts import SEVERAL
from dashboard.rankings.question import Question
from screen.store.ranked import AT, BULK_MODULUS
from screen.store.schema import RANKABLE

MASS_UNIT = 1.66053906660  # u/Å³ in g/cm³
REFERENCE_SQL = (
    "CASE WHEN found.nac THEN materials.kappa_reference_nac_300 "
    "ELSE materials.kappa_reference_300 END"
)
_ABOUT = ("prototype", "elements", "band_gap", "energy_above_hull", "theoretical")


@dataclass(frozen=True)
class Rows:
    """Whose numbers are ranked."""

    models: tuple[str, ...]  # digests; several: their median
    facts: frozenset[str]  # what the run holds, see ``rankings.facts``


def listed(question: Question, rows: Rows) -> str:
    """Return the query, indented by two."""
    return _pooled(question, rows) if question.chosen.model is None else _single(question, rows)


def _pooled(question: Question, rows: Rows) -> str:
    """Return the medians of all potentials that are fit for κ."""
    macro = f"{question.kind.replace('-', '_')}_at"
    names = [
        *("formula", "material_id", *_ABOUT, "model", "protocol", "status", "temperature"),
        *("kappa", "kappa_spread", "kappa_p", "kappa_c", "coherence_share"),
        *("expansion", "expansion_spread", "models_disagree", "fc3_fit_poor"),
        *(("expansion_doubt",) if "expansion_doubt" in rows.facts else ()),
        *(("bulk_modulus",) if question.criterion.column == BULK_MODULUS else ()),
    ]
    selected, joins = _extras(question, rows)
    return (
        f"  SELECT {', '.join((*names, *selected))}\n"
        f"  FROM {macro}({question.filters.temperature!r}) AS ranking{''.join(joins)}\n"
        f"  WHERE ranking.protocol_digest = {quoted(question.chosen.protocol)}"
    )


def _single(question: Question, rows: Rows) -> str:
    """Return the numbers of one potential."""
    columns = _single_columns(question, rows.facts)
    listed = ",\n    ".join(f"{sql} AS {name}" for name, sql in columns.items())
    return f"""  SELECT
    {listed}
  FROM {AT}({question.filters.temperature!r}) AS found
  JOIN materials USING (material_id)
  WHERE {_whose(question, rows)}"""


def _single_columns(question: Question, facts: frozenset[str]) -> dict[str, str]:
    """Return names and SQL of the columns of one potential."""
    criterion = question.criterion.column
    found = {name: f"materials.{name}" for name in ("formula", "material_id", *_ABOUT)}
    found |= {
        "model": f"(SELECT name FROM models WHERE model_digest = {quoted(question.chosen.model or '')})",
        "protocol": "(SELECT name FROM protocols "
        f"WHERE protocol_digest = {quoted(question.chosen.protocol)})",
        "status": "found.status",
        **{name: f"found.{name}" for name in ("temperature", "kappa", "kappa_p", "kappa_c")},
        "coherence_share": "found.kappa_c / nullif(found.kappa, 0)",
        "expansion": "found.expansion",
    }
    if SEVERAL in facts:
        found["models_disagree"] = "found.models_disagree"
    if "fc3_fit_poor" in facts:
        found["fc3_fit_poor"] = "nullif(found.fc3_fit_poor, FALSE)"
    if "expansion_doubt" in facts:
        found["expansion_doubt"] = "found.expansion_doubt"
    if "reference" in facts:
        found["kappa_reference_300"] = REFERENCE_SQL
        found["ratio_300"] = f"found.kappa_300 / nullif({REFERENCE_SQL}, 0)"
    if criterion == BULK_MODULUS:
        found["bulk_modulus"] = "found.bulk_modulus"
    if criterion == MEAN_MASS:
        found["mean_mass"] = mean_mass()
    if criterion == DENSITY:
        found["density"] = f"{MASS_UNIT} * {mean_mass()}\n      / found.volume_per_atom"
    return found


def mean_mass() -> str:
    """Return SQL for the mean atomic mass of a row of ``materials``."""
    masses = ", ".join(f"{mass:g}" for mass in atomic_masses[1:])
    return f"list_avg(list_transform(materials.numbers, lambda z:\n      [{masses}][z]))"


def _extras(question: Question, rows: Rows) -> tuple[list[str], list[str]]:
    """Return what the macro does not give: columns of a SELECT, and the joins they need."""
    criterion = question.criterion.column
    selected: list[str] = []
    joins: list[str] = []
    if criterion in {DENSITY, MEAN_MASS}:
        mean = f"SELECT material_id, {mean_mass()} AS mean_mass FROM materials"
        joins.append(f"\n  LEFT JOIN ({mean}) USING (material_id)")
        density = f"{MASS_UNIT} * mean_mass / volume_per_atom AS density"
        selected.append(density if criterion == DENSITY else "mean_mass")
    if "reference" in rows.facts:
        selected += ["kappa_reference_300", "ratio_300"]
        joins.append(_references(question, rows))
    return selected, joins


def _references(question: Question, rows: Rows) -> str:
    """Join reference conductivities, with NAC where κ has it; at 300 K, whatever is shown."""
    return f"""
  LEFT JOIN (
    SELECT material_id, any_value(reference) AS kappa_reference_300,
      median(kappa_300 / nullif(reference, 0)) AS ratio_300
    FROM (
      SELECT material_id, kappa_300, {REFERENCE_SQL} AS reference
      FROM {RANKABLE} AS found JOIN materials USING (material_id)
      WHERE {_whose(question, rows)}
        AND coalesce(kappa_reference_300, kappa_reference_nac_300) IS NOT NULL
    ) GROUP BY material_id
  ) USING (material_id)"""


def _whose(question: Question, rows: Rows) -> str:
    """Return the condition that a row is of the protocol and the potentials that are ranked."""
    digests: Sequence[str] = rows.models
    model = (
        f"model_digest = {quoted(digests[0])}"
        if len(digests) == 1
        else f"model_digest IN ({', '.join(quoted(digest) for digest in digests)})"
    )
    return f"protocol_digest = {quoted(question.chosen.protocol)} AND {model}"
