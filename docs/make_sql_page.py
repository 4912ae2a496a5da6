"""Schema and example queries of the page on SQL: ``python docs/make_sql_page.py``.

Writes what stands between the markers of ``docs/sql.md``, from the columns that tables, views,
macros and properties declare and the queries in ``catalogs/queries``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from screen.benchmark.scoring import COLUMNS
from screen.core.columns import Column
from screen.core.registry import find, names
from screen.store.examples import examples
from screen.store.relations import Relation
from screen.store.schema import CORE_TABLES, Table, property_tables
from screen.store.scores import MODE_SUMMARY
from screen.store.views import FUNCTIONS, relations

PAGE = Path(__file__).with_name("sql.md")
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->"


def main() -> None:
    """Rewrite the page."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def page(old: str) -> str:
    """Return the page with its generated part made anew."""
    before, rest = old.split(BEGIN)
    after = rest.split(END)[1]
    lines = "\n".join([*_queries(), *_schema()])
    return f"{before}{BEGIN}\n{lines}\n{END}{after}"


def _queries() -> Iterator[str]:
    """Yield the example queries, each with its file."""
    yield "## Twelve queries to start from\n"
    yield "Each is a file: `thermoscreen sql --run runs/demo --file catalogs/queries/FILE`.\n"
    for example in examples():
        yield f"**{example.title}** (`{example.file}`). {example.description}\n"
        yield f"```sql\n{example.sql}\n```\n"


def _schema() -> Iterator[str]:
    """Yield views, macros and tables with all their columns."""
    declared = {name: find("properties", name).COLUMNS for name in names("properties")}
    declared[MODE_SUMMARY] = COLUMNS
    tables = (*CORE_TABLES, *property_tables(declared))
    found = relations(tables[len(CORE_TABLES) :], ())
    shown: dict[tuple[Column, ...], str] = {}
    for title, parameters in (("Views", False), ("Macros", True)):
        yield f"## {title}\n"
        for item in found:
            if bool(item.parameters) is parameters:
                called = f"{item.name}({', '.join(item.parameters)})" if parameters else item.name
                yield f"### `{called}`\n\n{item.description}\n"
                yield from _columns(item.columns, shown.setdefault(item.columns, item.name), item)
    for function in FUNCTIONS:
        yield f"### `{function.name}({', '.join(function.parameters)})`\n\n{function.description}\n"
    yield "## Tables\n"
    for table in tables:
        yield f"### `{table.name}`\n\n{table.description}\n"
        yield from _columns(table.columns, table.name, table)


def _columns(columns: Sequence[Column], same_as: str, item: Relation | Table) -> Iterator[str]:
    """Yield a table of columns, or where they have been shown."""
    if same_as != item.name:
        yield f"The columns of `{same_as}`.\n"
        return
    yield "| Column | Type | Unit | Meaning |\n|---|---|---|---|"
    for column in columns:
        told = column.description.rstrip(".").replace("|", "\\|")
        yield f"| `{column.name}` | {column.sql_type} | {column.unit} | {told} |"
    yield ""


if __name__ == "__main__":
    main()
