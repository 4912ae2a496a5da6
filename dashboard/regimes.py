"""Where phonons stop to be particles: shares of κ_C over materials and temperature, by SQL.

DuckDB reads and sums up the stored grids; what reaches Python has a few hundred rows. Each question
is one text of SQL that the page shows and that ``thermoscreen sql`` runs as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from dashboard.filters import quoted
from screen.core.columns import Column
from screen.core.verdicts import MIXED_FROM, WAVE_LIKE_FROM, Verdict
from screen.store import queries
from screen.store.database import Snapshot
from screen.store.macros import KAPPA, KAPPA_C, KAPPA_P, SHARE
from screen.store.relations import columns_of, of
from screen.store.schema import MATERIALS

BINS = 50  # per axis of the map of carriers
SHARES = ("wave_like_share_300", "overdamped_share_300")
_AT = (
    KAPPA,
    replace(KAPPA_P, description=f"{KAPPA_P.description}: all the BTE sees"),
    replace(KAPPA_C, description=f"{KAPPA_C.description}: what the BTE misses"),
    SHARE,
)


@dataclass(frozen=True)
class Question:
    """What the page asks: one potential under one protocol, at one temperature."""

    model: str  # digest
    protocol: str  # digest
    temperature: float  # K, one of the stored grid
    threshold: float  # share of κ_C in κ from which the BTE alone is not enough

    @property
    def which(self) -> str:
        """Condition on the table ``conductivity``."""
        return f"model_digest = {quoted(self.model)} AND protocol_digest = {quoted(self.protocol)}"


def count_sql(question: Question) -> str:
    """Ask how many materials have a conductivity."""
    return f"SELECT count(*) AS materials FROM conductivity WHERE {question.which}"


def trend_sql(question: Question) -> str:
    """Ask for the distribution of κ_C/κ over all materials at each temperature."""
    return f"""SELECT temperature, count(*) AS materials,
  quantile_cont(share, 0.1) AS low, median(share) AS middle, quantile_cont(share, 0.9) AS high,
  avg((share >= {question.threshold!r})::INTEGER) AS beyond
FROM (
  SELECT unnest(temperatures) AS temperature,
    unnest(list_transform(list_zip(kappa_c, kappa), lambda pair: pair[1] / nullif(pair[2], 0)))
      AS share
  FROM conductivity
  WHERE {question.which}
)
WHERE share IS NOT NULL
GROUP BY temperature ORDER BY temperature"""


def materials_sql(question: Question, limit: int | None, shares: bool = True) -> str:
    """Ask for the materials with the largest κ_C/κ at the temperature, from the threshold on.

    Parameters
    ----------
    limit
        Number of materials; None: all.
    shares
        The run has the shares of carriers at 300 K.
    """
    wanted = ", ".join(name if shares else f"NULL::DOUBLE AS {name}" for name in SHARES)
    return f"""SELECT formula, material_id, prototype, {_at(question)},
  kappa_c / nullif(kappa, 0) AS coherence_share, {", ".join(SHARES)},
  CASE WHEN coherence_share >= {WAVE_LIKE_FROM!r} THEN '{Verdict.WAVE_LIKE}'
    WHEN coherence_share >= {MIXED_FROM!r} THEN '{Verdict.MIXED}'
    ELSE '{Verdict.PARTICLE}' END AS verdict
FROM (
  SELECT material_id, {_values(question)}, {wanted}
  FROM conductivity
  WHERE {question.which}
)
LEFT JOIN materials USING (material_id)
WHERE coherence_share >= {question.threshold!r}
ORDER BY coherence_share DESC, material_id{"" if limit is None else f" LIMIT {limit}"}"""


def map_sql(question: Question, limit: int) -> str:
    """Ask for κ_C/κ at all temperatures of the materials in which it is largest at one."""
    return f"""SELECT formula, material_id, temperatures,
  list_transform(list_zip(kappa_c, kappa), lambda pair: pair[1] / nullif(pair[2], 0)) AS shares
FROM conductivity LEFT JOIN materials USING (material_id)
WHERE {question.which} AND list_contains(temperatures, {question.temperature!r}::DOUBLE)
ORDER BY shares[list_position(temperatures, {question.temperature!r}::DOUBLE)] DESC NULLS LAST,
  material_id
LIMIT {limit}"""


def carriers_sql(question: Question) -> str:
    """Ask for the shares of carriers at 300 K of every material."""
    return f"""SELECT formula, material_id, wave_like_share_300, overdamped_share_300, kappa_300
FROM conductivity LEFT JOIN materials USING (material_id)
WHERE {question.which} AND wave_like_share_300 IS NOT NULL AND overdamped_share_300 IS NOT NULL
ORDER BY material_id"""


def binned_carriers_sql(question: Question) -> str:
    """Ask how many materials there are in each square of the shares of carriers at 300 K."""
    square = ", ".join(
        f"(least(floor({name} * {BINS}), {BINS - 1}) + 0.5) / {BINS} AS {name}" for name in SHARES
    )
    return f"""SELECT {square}, count(*) AS materials, median(kappa_300) AS kappa_300
FROM conductivity
WHERE {question.which} AND wave_like_share_300 IS NOT NULL AND overdamped_share_300 IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2"""


def has_shares(snapshot: Snapshot) -> bool:
    """Say whether the run knows the shares of carriers; earlier versions did not store them."""
    columns = queries.columns_of(snapshot, "conductivity")
    return set(SHARES) <= {column.name for column in columns}


def table_columns(temperature: float) -> tuple[Column, ...]:
    """Return the columns of ``materials_sql`` with labels and units."""
    formula, prototype, material = columns_of(
        of(MATERIALS, ["formula", "prototype", "material_id"])
    )
    return (
        formula,
        *(replace(column, label=f"{column.label} ({temperature:g} K)") for column in _AT),
        Column(
            "verdict",
            "VARCHAR",
            f"verdict ({temperature:g} K)",
            f"{Verdict.MIXED} from κ_C/κ = {100 * MIXED_FROM:g} %, {Verdict.WAVE_LIKE} from "
            f"{100 * WAVE_LIKE_FROM:g} %",
        ),
        Column(
            "wave_like_share_300",
            "DOUBLE",
            "wave-like (300 K)",
            "Share of κ in phonons that live between the Ioffe–Regel and the Wigner limit",
        ),
        Column(
            "overdamped_share_300",
            "DOUBLE",
            "overdamped (300 K)",
            "Share of κ in phonons that decay within 1/ω: no quasiparticles, doubt κ itself",
        ),
        prototype,
        material,
    )


def _values(question: Question) -> str:
    place = f"list_position(temperatures, {question.temperature!r}::DOUBLE)"
    return ", ".join(f"{name}[{place}] AS {name}" for name in ("kappa", "kappa_p", "kappa_c"))


def _at(question: Question) -> str:
    return f"{question.temperature!r}::DOUBLE AS temperature, kappa, kappa_p, kappa_c"
