"""The view ``benchmark``: conductivities against the references that the source gives."""

from __future__ import annotations

from screen.core.columns import Column
from screen.core.records import HELD_BACK
from screen.store.macros import STABLE
from screen.store.relations import (
    Relation,
    Selected,
    Stored,
    columns_of,
    listed,
    named,
    of,
    renamed,
    same,
)
from screen.store.schema import FAILURE_LOG, MATERIALS, MODELS, OUTCOMES, PROTOCOLS

REFERENCE = Column(
    "kappa_reference_300",
    "DOUBLE",
    "reference κ (300 K)",
    "Reference conductivity at 300 K, with NAC if κ is",
    "W/m/K",
)
KAPPA_300 = Column(
    "kappa_300", "DOUBLE", "κ (300 K)", "κ_P + κ_C at 300 K, mean of xx, yy, zz.", "W/m/K"
)
NAC = Column("nac", "BOOLEAN", "NAC", "The non-analytical term correction is included.")
RATIO = Column("ratio_300", "DOUBLE", "κ/reference (300 K)", "κ over its reference, both at 300 K")
SRD = Column(
    "srd_300",
    "DOUBLE",
    "SRD (300 K)",
    "2 (κ − κ_ref)/(κ + κ_ref), from −2 to 2; −2 where the crystal failed or is unstable",
)
SRE = Column("sre_300", "DOUBLE", "SRE (300 K)", "|SRD|: 0 is exact, 2 is the worst")
SRME = Column(
    "srme_300",
    "DOUBLE",
    "SRME (300 K)",
    "2 Σ |κ(qs) − κ_ref(qs)|/(κ + κ_ref) over all modes, 0 to 2; 2 where the crystal failed or is "
    "unstable. Empty until `thermoscreen benchmark` has compared the modes",
)
MODE_SUMMARY = "mode_summary"
"""Table of what `thermoscreen benchmark` finds mode by mode, see ``screen.benchmark.scoring``."""


def benchmark(stored: Stored) -> Relation:
    """Return the errors of every material that has a reference (Póta et al., arXiv 2408.00755).

    A crystal that failed or was found unstable scores as one without conductivity. Left out are
    what was held back, protocols that do not reach 300 K, and outcomes that were not asked for κ:
    nobody has tried.
    """
    inner = _judged(stored)
    selected: list[Selected] = [
        *((column, f'"{column.name}"') for column, _ in inner),
        (RATIO, "kappa_300 / nullif(kappa_reference_300, 0)"),
        (SRD, _SRD),
        (SRE, f"abs({_SRD})"),
        (SRME, _SRME),
        *((column, f'"{column.name}"') for column, _ in _TRAILING),
    ]
    asked = "TRUE" if stored.has("conductivity") else "FALSE"
    kappa = stored.value("conductivity", "kappa_300")
    sql = f"""SELECT
  {listed(selected)}
FROM (
  SELECT
  {listed([*inner, *_TRAILING])},
  CASE WHEN {stored.value("stability", "stable", "BOOLEAN")} IS NOT FALSE THEN {kappa} END AS scored,
  {stored.value(MODE_SUMMARY, SRME.name)} AS srme
  FROM outcomes
  {named("outcomes")}
  LEFT JOIN failure_log ON failure_log.position = 0 AND {same("failure_log")}
  {stored.joined("stability")}
  {stored.joined("conductivity")}
  {stored.joined(MODE_SUMMARY)}
  WHERE {asked} AND outcomes.status NOT IN {HELD_BACK}
    AND 300 BETWEEN (protocols.settings->>'$.temperatures[0]')::DOUBLE
      AND (protocols.settings->>'$.temperatures[#-1]')::DOUBLE
    AND ({kappa} IS NOT NULL OR outcomes.status <> 'complete')
)
WHERE kappa_reference_300 IS NOT NULL"""
    return Relation(
        "benchmark",
        "κ at 300 K against the reference that the source gives, one row per material, potential "
        "and protocol; a crystal that failed or is unstable scores SRD = −2.",
        columns_of(selected),
        sql,
    )


_SRD = "coalesce(2 * (scored - kappa_reference_300) / (scored + kappa_reference_300), -2)"
_SRME = "CASE WHEN scored IS NULL THEN 2.0 ELSE srme END"
_TRAILING = [
    *of(MATERIALS, ["reference"]),
    *of(OUTCOMES, ["model_digest", "protocol_digest"]),
]


def _judged(stored: Stored) -> list[Selected]:
    """Select what is compared, and whose it is."""
    ((model, model_sql),) = of(MODELS, ["name"])
    ((protocol, protocol_sql),) = of(PROTOCOLS, ["name"])
    ((kind, kind_sql),) = of(FAILURE_LOG, ["kind"])
    nac = stored.value("conductivity", "nac", "BOOLEAN")
    reference = (
        f"CASE WHEN {nac} THEN materials.kappa_reference_nac_300 "
        "ELSE materials.kappa_reference_300 END"
    )
    return [
        *of(MATERIALS, ["formula"]),
        *of(OUTCOMES, ["material_id"]),
        *of(MATERIALS, ["prototype"]),
        (renamed(model, "model"), model_sql),
        (renamed(protocol, "protocol"), protocol_sql),
        *of(OUTCOMES, ["status"]),
        (STABLE, stored.value("stability", "stable", "BOOLEAN")),
        (renamed(kind, "failure_kind"), kind_sql),
        (NAC, nac),
        (KAPPA_300, stored.value("conductivity", "kappa_300")),
        (REFERENCE, reference),
    ]
