"""Example queries: the files in ``catalogs/queries``, which tests run and the SQL page offers.

A file is called ``<number>-<name>.sql``. Its first comment is the title, the following ones say
what the query answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import takewhile

from screen.core.catalogs import catalog_path
from screen.core.errors import CatalogError

FOLDER = "queries"
_COMMENT = "-- "


@dataclass(frozen=True)
class Example:
    """A query that many ask."""

    name: str  # for links, e.g. ``best-insulators``
    file: str
    title: str
    description: str
    sql: str


@cache
def examples() -> tuple[Example, ...]:
    """Return the example queries in the order of their numbers.

    Raises
    ------
    CatalogError
        The files are missing, or one of them has no title.
    """
    found = []
    for path in sorted(catalog_path(FOLDER).glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        comments = list(takewhile(lambda line: line.startswith(_COMMENT), lines))
        if not comments:
            raise CatalogError(f"{path}: the first line is no comment with the query's title")
        title, *told = (comment.removeprefix(_COMMENT) for comment in comments)
        sql = "\n".join(lines[len(comments) :]).strip()
        name = path.stem.partition("-")[2]
        found.append(Example(name, path.name, title, " ".join(told), sql))
    return tuple(found)
