"""Rows of any query on a page: the table, its files, and what its chart shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

import pyarrow as pa
import streamlit as st

from dashboard import downloads
from dashboard.charts.answer import KINDS, NONE, Choice, Kind, labels, may_be_log, numbers
from dashboard.data import Published
from screen.core.columns import Column
from screen.store.described import headers
from screen.store.export import write_table

PARAMETERS = ("chart", "x", "y", "colour", "log")  # of the address


def result_table(table: pa.Table, known: Sequence[Column]) -> None:
    """Show all rows; numbers have four digits."""
    titles = headers(known)
    explained = {
        title: st.column_config.NumberColumn(help=column.description or None, format="%.4g")
        if pa.types.is_floating(field.type)
        else st.column_config.Column(help=column.description or None)
        for title, field, column in zip(titles, table.schema, known, strict=True)
    }
    st.dataframe(
        table.rename_columns(titles),
        hide_index=True,
        height="content" if len(table) < 15 else 480,
        column_config=explained,
        key="rows",
    )


def file_buttons(published: Published, sql: str, table: pa.Table, known: Sequence[Column]) -> None:
    """Offer the rows that are shown as CSV and Parquet, and the query."""
    asked = sql.strip().rstrip(";")
    about = {"run": published.run.name, "snapshot": str(published.version), "sql": asked}
    stem = downloads.file_stem(published.run.name, "query", f"v{published.version}")
    named = table.rename_columns(headers(known))
    files: dict[str, tuple[Callable[[], bytes | str], str, str, str]] = {
        "CSV": (lambda: written(named, "csv"), "csv", "text/csv", "Units in the header"),
        "Parquet": (
            lambda: downloads.parquet(table, known, about),
            "parquet",
            "application/vnd.apache.parquet",
            "Units, descriptions, run, snapshot and the SQL as metadata",
        ),
        "SQL": (
            lambda: downloads.script(about),
            "sql",
            "application/sql",
            "For `thermoscreen sql --file`, or any DuckDB client on the snapshot",
        ),
    }
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, (make, suffix, mime, told) in files.items():
            st.download_button(
                label,
                make,
                f"{stem}.{suffix}",
                mime,
                on_click="ignore",
                icon=":material/download:",
                help=told,
                key=f"download_{suffix}",
            )


def written(table: pa.Table, fmt: str) -> bytes:
    """Return a table as a file of some format."""
    buffer = BytesIO()
    write_table(table, fmt, buffer)
    return buffer.getvalue()


def chart_controls(table: pa.Table, suggestion: Choice) -> Choice:
    """Let the user choose what is drawn; the address names it where it is not the suggestion."""
    start = from_address(table, suggestion, st.query_params)
    shape = hashlib.sha256(repr(table.schema.names).encode()).hexdigest()[:8]  # other columns: anew
    values, names = numbers(table), labels(table)
    any_column = [name for name in table.column_names if name in {*values, *names}]
    kind_place, *places = st.columns([2, 2, 2, 2, 2], vertical_alignment="bottom")
    kind = kind_place.segmented_control(
        "Draw", KINDS, default=start.kind, required=True, key=f"chart-{shape}"
    )
    x = _choose(places[0], "x", any_column, start.x, shape)
    y = _choose(places[1], "y", values, start.y, shape)
    colour = _choose(places[2], "colour", [NONE, *any_column], start.colour or NONE, shape)
    possible = [axis for axis, name in (("x", x), ("y", y)) if may_be_log(table, name)]
    started = [axis for axis, on in (("x", start.log_x), ("y", start.log_y)) if on]
    log = places[3].segmented_control(
        "Logarithmic",
        possible or ["x"],
        selection_mode="multi",
        default=[axis for axis in started if axis in possible],
        disabled=not possible,
        key=f"log-{shape}-{''.join(possible)}",
        help="Where all values are positive",
    )
    choice = Choice(kind, x, y, None if colour == NONE else colour, "x" in log, "y" in log)
    to_address(choice, suggestion)
    return choice


def _choose(
    place: st.delta_generator.DeltaGenerator, name: str, options: list[str], start: str, shape: str
) -> str:
    """Let the user choose a column."""
    index = options.index(start)
    return str(place.selectbox(name, options, index=index, key=f"{name}-{shape}"))


def from_address(table: pa.Table, suggestion: Choice, address: Mapping[str, str]) -> Choice:
    """Return the chart that an address names, if the table has its columns, else the suggestion."""
    values, names = numbers(table), labels(table)
    kind: Kind | None = next((item for item in KINDS if item == address.get("chart")), None)
    x, y, colour = (address.get(name) for name in ("x", "y", "colour"))
    if kind is None or x not in {*values, *names} or y not in values:
        return suggestion
    log = address.get("log", "")
    return Choice(
        kind, x, y, colour if colour in {*values, *names} else None, "x" in log, "y" in log
    )


def to_address(choice: Choice, suggestion: Choice) -> None:
    """Make the address name the chart, if it is not the suggestion."""
    wanted: dict[str, str | None] = dict.fromkeys(PARAMETERS)
    if choice != suggestion:
        log = "x" * choice.log_x + "y" * choice.log_y
        values = (choice.kind, choice.x, choice.y, choice.colour, log or None)
        wanted = dict(zip(PARAMETERS, values, strict=True))
    name_in_address(wanted)


def name_in_address(wanted: Mapping[str, str | None]) -> None:
    """Give parameters of the address a value, or remove those that are None; in one step."""
    there = st.query_params.to_dict()
    named = {**there, **wanted}
    address = {name: value for name, value in named.items() if value is not None}
    if address != there:
        st.query_params.from_dict(address)
