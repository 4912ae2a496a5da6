"""All views and macros of a run's database, in the order in which one needs another."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screen.store import grids, logs, macros, rankable, ranked, scores, view
from screen.store.ensemble import StoredModel
from screen.store.relations import Function, Relation, Stored
from screen.store.schema import Table

FUNCTIONS: tuple[Function, ...] = macros.FUNCTIONS


def relations(properties: Sequence[Table], models: Sequence[StoredModel]) -> tuple[Relation, ...]:
    """Return the views and table macros over what a run has computed."""
    stored = Stored(tuple(properties))
    return (
        view.results(properties, models),
        macros.kappa_at(stored),
        macros.expansion_at(stored),
        grids.grids(stored),
        rankable.rankable(stored, models),
        ranked.rankable_at(),
        *ranked.rankings(),
        logs.failures(),
        logs.costs(),
        scores.benchmark(stored),
    )


def create(run: Callable[[str], object], found: Sequence[Relation]) -> None:
    """Create or replace the macros and views."""
    for function in FUNCTIONS:
        for statement in function.statements:
            run(statement)
    for relation in found:
        for statement in relation.statements:
            run(statement)
