"""The columns of the table of ranked materials, each with label, unit and meaning."""

from __future__ import annotations

from dashboard.rankings.criteria import GAP, HULL
from dashboard.rankings.facts import SEVERAL
from dashboard.rankings.question import Question
from screen.core.columns import Column
from screen.ranking import COLUMNS as RANKING_COLUMNS
from screen.ranking import MATCH_COLUMNS
from screen.store.rankable import DOUBT
from screen.store.scores import REFERENCE

FRONT = Column(
    "pareto_optimal",
    "BOOLEAN",
    "Pareto",
    "No other material is at least as good in κ and in the other criterion, and better in one",
)
LAST = ("material_id", "prototype", "model", "protocol", "temperature", "status")
_KNOWN = {column.name: column for column in (*MATCH_COLUMNS, *RANKING_COLUMNS)}


def columns_of(question: Question, facts: frozenset[str]) -> tuple[Column, ...]:
    """Return the columns that the page lists, in order; none that is empty for this run."""
    pooled = question.chosen.model is None
    middle = [
        *(("kappa", "kappa_spread") if pooled else ("kappa",)),
        *("kappa_p", "kappa_c", "coherence_share"),
        *(("expansion",) if "expansion" in facts else ()),
        *(("expansion_spread",) if pooled and "expansion" in facts else ()),
        *(("models_disagree",) if SEVERAL in facts else ()),
        *(("fc3_fit_poor",) if "fc3_fit_poor" in facts else ()),
    ]
    found = [_KNOWN[name] for name in ("rank", "formula", *middle)]
    found += [DOUBT] * ("expansion_doubt" in facts)
    found += [_KNOWN["expansion_mismatch"]] * (question.match is not None)
    if question.has_front:
        found.append(FRONT if question.match is None else _KNOWN["pareto_optimal"])
    found += [GAP] * ("band_gap" in facts) + [HULL] * ("energy_above_hull" in facts)
    found += [REFERENCE, _KNOWN["ratio_300"]] * ("reference" in facts)
    if question.criterion.column.name not in {column.name for column in found}:
        found.append(question.criterion.column)
    there = {*LAST} if "prototype" in facts else {*LAST} - {"prototype"}
    return (*found, *(_KNOWN[name] for name in LAST if name in there))
