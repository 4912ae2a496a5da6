"""Views of the live database that a snapshot holds as tables: joined once, for all its readers."""

from __future__ import annotations

from collections.abc import Iterator

from screen.store import grids, rankable, scores
from screen.store.relations import Stored

NOTHING = Stored(())  # names and columns are the same, whatever a run has computed
FILLED = (grids.grids(NOTHING), rankable.rankable(NOTHING, ()), scores.benchmark(NOTHING))


def filled(database: str) -> Iterator[str]:
    """Yield SQL that puts each view's rows in the place of its copy in an attached database."""
    for relation in FILLED:
        table = f'"{database}"."{relation.name}"'
        yield f"DROP VIEW {table}"
        yield f'CREATE TABLE {table} AS FROM "{relation.name}"'
        yield from relation.comments("TABLE", table)
