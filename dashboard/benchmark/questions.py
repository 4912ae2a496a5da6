"""κ against its reference: what the page asks of the view ``benchmark``, by SQL.

References are values at 300 K. SRD, SRE and SRME are those of Póta et al., arXiv 2408.00755, eqs. 5
to 7. SRME is there where ``thermoscreen benchmark`` has compared the modes, and for what failed.
DuckDB sums up; each question is one text of SQL that ``thermoscreen sql`` runs as it stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.filters import quoted

FACTOR = 2.0
"""κ within this factor of its reference counts as right."""
LARGEST_SRE = 2 * (FACTOR - 1) / (FACTOR + 1)
"""SRE of a κ that is off by just ``FACTOR``, whichever way."""
BINS = 10  # per decade of κ
PUBLISHED = 103  # phononDB-PBE compounds that a published κ_SRME is a mean over
VIEW = "benchmark"

_SCORED = "CASE WHEN srd_300 > -2 THEN kappa_300 END"  # what failed or is unstable has none


@dataclass(frozen=True)
class Question:
    """Whose conductivities are judged: those of one potential under one protocol."""

    model: str  # digest
    protocol: str  # digest
    modes: bool = True  # the view has SRME; that of earlier versions has not

    @property
    def which(self) -> str:
        """Condition on the view."""
        return f"model_digest = {quoted(self.model)} AND protocol_digest = {quoted(self.protocol)}"

    @property
    def srme(self) -> str:
        """SRME in SQL."""
        return "srme_300" if self.modes else "NULL::DOUBLE"


JUDGED = f"SELECT DISTINCT model_digest, protocol_digest FROM {VIEW}"
"""Which potentials under which protocols have anything to judge."""

REFERENCES = "SELECT count(kappa_reference_300) AS materials FROM materials"


def scores_sql(question: Question) -> str:
    """Ask for the scores of the potential over all compounds; one row."""
    return _scores(question, question.which, ())


def prototypes_sql(question: Question) -> str:
    """Ask for the scores of the potential by prototype, the worst first."""
    return f"{_scores(question, question.which, ('prototype',))}\nORDER BY mean_sre DESC, prototype"


def potentials_sql(question: Question) -> str:
    """Ask for the scores of all potentials under the protocol, the best first."""
    own = ("model", "protocol", "model_digest", "protocol_digest")
    scores = _scores(question, f"protocol_digest = {quoted(question.protocol)}", own)
    return f"{scores}\nORDER BY mean_sre, model, model_digest"


def compounds_sql(question: Question, limit: int | None) -> str:
    """Ask for κ, reference and error of every compound, the worst first.

    Parameters
    ----------
    limit
        Number of compounds; None: all.
    """
    return f"""SELECT formula, material_id, prototype, kappa_300, kappa_reference_300,
  ratio_300, srd_300, sre_300, {question.srme} AS srme_300, stable, failure_kind, nac, reference
FROM {VIEW}
WHERE {question.which}
ORDER BY sre_300 DESC, material_id{"" if limit is None else f" LIMIT {limit}"}"""


def tried_sql(question: Question) -> str:
    """Ask which compounds the potential was judged on, as many as can have been published."""
    return (
        f"SELECT DISTINCT material_id FROM {VIEW}\nWHERE {question.which}\n"
        f"ORDER BY material_id LIMIT {PUBLISHED + 1}"
    )


def parity_sql(question: Question) -> str:
    """Ask for every compound's κ and reference; κ is NULL where the compound failed."""
    return f"""SELECT formula, material_id, prototype, {_SCORED} AS kappa,
  kappa_reference_300, srd_300
FROM {VIEW}
WHERE {question.which} AND kappa_reference_300 > 0
ORDER BY material_id"""


def binned_parity_sql(question: Question) -> str:
    """Ask how many compounds there are in each square of a tenth of a decade."""
    x, y = (
        f"10 ** ((floor({BINS} * log10({name})) + 0.5) / {BINS}) AS {label}"
        for name, label in (("kappa_reference_300", "reference"), ("scored", "kappa"))
    )
    return f"""SELECT {x}, {y}, count(*) AS compounds
FROM (
  SELECT kappa_reference_300, {_SCORED} AS scored
  FROM {VIEW}
  WHERE {question.which}
)
WHERE kappa_reference_300 > 0 AND scored > 0
GROUP BY 1, 2 ORDER BY 1, 2"""


def _scores(question: Question, condition: str, by: tuple[str, ...]) -> str:
    """Ask for the scores of groups: errors count every compound, the rest those with κ."""
    columns = "".join(f"{name}, " for name in by)
    group = f"\nGROUP BY {', '.join(by)}" if by else ""
    return f"""SELECT {columns}count(*) AS compounds, count(scored) AS with_kappa,
  count({question.srme}) AS with_srme,
  CASE WHEN count({question.srme}) = count(*) THEN avg({question.srme}) END AS mean_srme,
  avg(sre_300) AS mean_sre, median(sre_300) AS median_sre, avg(srd_300) AS mean_srd,
  avg((sre_300 <= {LARGEST_SRE!r})::INTEGER) AS within_factor,
  avg(abs(log10(scored / kappa_reference_300))) AS log_error,
  CASE WHEN isfinite(corr(place, reference_place)) THEN corr(place, reference_place) END AS spearman
FROM (
  SELECT *, {_place("scored", by)} AS place,
    {_place("kappa_reference_300", by)} AS reference_place
  FROM (SELECT *, {_SCORED} AS scored FROM {VIEW} WHERE {condition})
){group}"""


def _place(name: str, by: tuple[str, ...]) -> str:
    """Give the rank among the compounds of a group that have κ; ties share their mean."""
    groups = ", ".join((*by, "scored IS NULL"))
    rank = f"rank() OVER (PARTITION BY {groups} ORDER BY {name})"
    ties = f"count(*) OVER (PARTITION BY {groups}, {name})"
    return f"CASE WHEN scored IS NOT NULL THEN {rank} + ({ties} - 1) / 2 END"
