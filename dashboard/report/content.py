"""Everything a report says, before it is HTML."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version

import plotly.graph_objects as go
import pyarrow as pa

from dashboard import comparison, display
from dashboard.comparison import Entry
from dashboard.report.citations import METHODS, Citations
from dashboard.report.figures import overview_figures
from dashboard.report.sections import Facts, Grid, Order, Section, Writer
from dashboard.report.shortlist import Shortlist
from screen.core.columns import Column
from screen.ranking import COLUMNS as RANKING_COLUMNS
from screen.store import queries
from screen.store.database import Snapshot

PACKAGES = ("thermoscreen", "phono3py", "phonopy", "spglib", "numpy", "duckdb", "plotly")
OVERVIEW = (
    *("kappa_300", "kappa_p_300", "kappa_c_300", "expansion_300", "bulk_modulus"),
    *("band_gap", "energy_above_hull"),
)


@dataclass(frozen=True)
class Report:
    """The whole page."""

    title: str
    facts: Facts
    ranking: Grid | None
    overview: Grid
    figures: list[tuple[str, go.Figure]]
    sections: list[Section]
    citations: list[tuple[int, str]]


def report(snapshot: Snapshot, order: Order, shortlist: Shortlist) -> Report:
    """Collect numbers, figures, provenance and citations of a shortlist."""
    cited = Citations()
    methods = [f"{what} [{cited.cite(text)}]" for what, text in METHODS.items()]
    columns = {column.name: column for column in queries.columns_of(snapshot)}
    rows = comparison.rows_of(snapshot, shortlist.materials)
    rows = [row for row in rows if order.wants(row)]
    grids = comparison.grids_of(snapshot, shortlist.materials)
    entries = comparison.entries(rows, grids)
    writer = Writer(snapshot, order, cited, columns, grids)
    sections = [
        writer.section(index, material) for index, material in enumerate(shortlist.materials, 1)
    ]
    return Report(
        title=f"Thermoscreen report: {order.run.resolve().name}",
        facts=[
            *_facts(snapshot, order),
            ("materials", str(len(shortlist.materials))),
            ("methods", "; ".join(methods)),
        ],
        ranking=None if shortlist.ranking is None else _ranking(shortlist.ranking),
        overview=_overview(entries, columns, shortlist),
        figures=overview_figures(entries),
        sections=sections,
        citations=cited.listed,
    )


def _facts(snapshot: Snapshot, order: Order) -> Facts:
    """Return what made the report, and from what."""
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES if _version(name))
    return [
        ("made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"),
        ("command", order.command),
        ("versions", f"{versions}, Python {platform.python_version()}"),
        ("run", str(order.run)),
        (
            "snapshot",
            f"{snapshot.version}, published {snapshot.published_at:%Y-%m-%d %H:%M} UTC",
        ),
    ]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _ranking(table: pa.Table) -> Grid:
    """Return a ranking without its empty columns."""
    known = {column.name: column for column in RANKING_COLUMNS}
    shown = [
        known[name]
        for name in table.column_names
        if name in known and table[name].null_count < len(table)
    ]
    rows = table.to_pylist()
    return Grid(
        [display.shown_column(column).header for column in shown],
        [[display.number(row[column.name], column) for column in shown] for row in rows],
    )


def _overview(
    entries: Sequence[Entry], columns: Mapping[str, Column], shortlist: Shortlist
) -> Grid:
    """Return one line per result, and one for each material without any."""
    names = [
        name
        for name in OVERVIEW
        if name in columns and any(entry.row[name] is not None for entry in entries)
    ]
    headers = ["material", "identifier", "potential · protocol", "status"]
    rows = []
    for material in shortlist.materials:
        found = [entry.row for entry in entries if entry.row["material_id"] == material]
        for row in found:
            values = [display.number(row[name], columns[name]) for name in names]
            text = [str(row["formula"] or "–"), material, comparison.method_of(row), row["status"]]
            rows.append([*text, *values])
        if not found:
            rows.append(["–", material, "–", "no result", *["–"] * len(names)])
    return Grid([*headers, *(display.shown_column(columns[name]).header for name in names)], rows)
