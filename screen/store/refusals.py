"""What SQL on a snapshot may not be, and what is said about SQL that fails: one line."""

from __future__ import annotations

import re
from collections.abc import Sequence

from screen.store.views import FUNCTIONS, relations

LARGEST_SQL = 100_000  # characters
ALLOWED = {"SELECT", "EXPLAIN", "MULTI"}
"""Kinds of statements that only read; MULTI is PIVOT, which DuckDB does in two steps."""
OURS = {item.name for item in FUNCTIONS} | {item.name for item in relations((), ())}
"""Views and macros that snapshots of this version have."""
_HELP = "ask with SELECT, FROM, WITH, PIVOT, DESCRIBE, SUMMARIZE, SHOW TABLES or EXPLAIN"


def refusal(sql: str, kinds: Sequence[str]) -> str | None:
    """Say why SQL is refused; None if it is one query.

    Parameters
    ----------
    kinds
        Kind of each statement, as DuckDB's parser names it.
    """
    if not kinds:
        return f"not a query, it has no result: {shortened(sql)!r}"
    if len(kinds) > 1:
        return f"{len(kinds)} statements: ask one at a time"
    if kinds[0] not in ALLOWED:
        return f"{kinds[0]} is refused, snapshots are read-only: {_HELP}"
    return None


def too_long(sql: str) -> str | None:
    """Say why SQL is not even parsed."""
    if len(sql) > LARGEST_SQL:
        return f"the SQL has {len(sql)} characters; at most {LARGEST_SQL} are read"
    return None


def shortened(sql: str) -> str:
    """Return the start of some SQL on one line."""
    return " ".join(sql.split())[:200]


def explained(message: str) -> str:
    """Return DuckDB's message on one line, with the line of the SQL that it is about.

    A name of this program that an earlier one did not give gets the way to it.
    """
    said, _, place = message.partition("\n\nLINE ")
    if said.startswith("Out of Memory Error"):  # what follows are settings, which are locked
        said, _, _ = said.partition("\n")
    line = " ".join(said.split())
    number = re.match(r"\d+", place)
    if number and int(number[0]) > 1:
        line += f" (line {number[0]})"
    missing = re.search(r"with name (\w+) does not exist", line)
    if missing and missing[1] in OURS:
        line += (
            f" This snapshot was published by an earlier version of Thermoscreen: `thermoscreen "
            f"store rebuild`, or running the campaign again, adds {missing[1]}"
        )
    return line
