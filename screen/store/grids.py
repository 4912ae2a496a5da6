"""``grids``: the temperature grids of a run, numbered, as results of a protocol share theirs.

Where a temperature lies in a grid is then looked up once per grid, and a row finds it by a number.
"""

from __future__ import annotations

from screen.core.columns import Column
from screen.store.macros import GRIDS
from screen.store.relations import Relation, Stored
from screen.store.schema import GRIDS as NAME

COLUMNS = (
    Column("number", "BIGINT", "number", "Number of the grid in this snapshot, from 1"),
    Column("grid", "DOUBLE[]", "T", "Temperatures, rising", "K"),
)
DESCRIPTION = "Temperature grids of κ and α, one row each."


def grids(stored: Stored) -> Relation:
    """Return the view of the live database; each snapshot holds its rows as a table."""
    found = [
        f'SELECT {stored.value(table, name, "DOUBLE[]")} AS grid FROM "{table}"'
        for table, names in (("conductivity", GRIDS[:1]), ("expansion", GRIDS))
        for name in names
        if stored.has(table)
    ] or ["SELECT NULL::DOUBLE[] AS grid"]
    sql = f"""SELECT row_number() OVER (ORDER BY grid) AS number, grid
FROM ({" UNION ".join(found)})
WHERE grid IS NOT NULL"""
    return Relation(NAME, DESCRIPTION, COLUMNS, sql)


def number_of(grid: str, alias: str) -> str:
    """Return SQL that joins the number of a row's grid as ``alias.number``."""
    return f"LEFT JOIN {NAME} AS {alias} ON {alias}.grid = {grid}"
