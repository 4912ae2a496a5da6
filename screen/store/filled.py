"""Views of the live database that a snapshot holds as tables: joined once, for all its readers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from screen.core.columns import Column
from screen.store import grids, rankable
from screen.store.relations import text
from screen.store.schema import GRIDS, RANKABLE

FILLED: dict[str, tuple[str, Sequence[Column]]] = {
    GRIDS: (grids.DESCRIPTION, grids.COLUMNS),
    RANKABLE: (rankable.DESCRIPTION, rankable.COLUMNS),
}


def filled(database: str) -> Iterator[str]:
    """Yield SQL that puts each view's rows in the place of its copy in an attached database."""
    for name, (description, columns) in FILLED.items():
        table = f'"{database}"."{name}"'
        yield f"DROP VIEW {table}"
        yield f'CREATE TABLE {table} AS FROM "{name}"'
        yield f"COMMENT ON TABLE {table} IS {text(description)}"
        for column in columns:
            told = text(f"{column.header}: {column.description}")
            yield f'COMMENT ON COLUMN {table}."{column.name}" IS {told}'
