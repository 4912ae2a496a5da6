"""What a table lists, on all its pages, as files: CSV, Parquet, and the SQL behind both."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

import pyarrow as pa
import streamlit as st

from dashboard import display
from dashboard.data import Published
from screen.core.columns import Column
from screen.store.export import write_table

OPEN = "Open in SQL"


def offer(
    published: Published,
    name: str,
    sql: str,
    rows: Callable[[], pa.Table],
    columns: Sequence[Column],
    count: int | None = None,
) -> None:
    """Offer the rows of a query; a file is made at the click, not before.

    A file that is there before the click is gone with the next snapshot, and a browser that has
    just looked for it says so in its console.

    Parameters
    ----------
    name
        What the files are called, between the run and its snapshot.
    rows
        Gives the rows of ``sql``, with the columns.
    count
        How many there are; None: nobody has counted.
    """
    about = {"run": published.run.name, "snapshot": str(published.version), "sql": sql}
    stem = file_stem(published.run.name, name, f"v{published.version}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("Download all rows:" if count is None else f"Download all **{count:,}** rows:")
        st.download_button(
            "CSV",
            lambda: display.csv(rows(), columns),
            f"{stem}.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
            help="In the order, columns and units of the table",
            key="csv",
        )
        st.download_button(
            "Parquet",
            lambda: parquet(rows(), columns, about),
            f"{stem}.parquet",
            "application/vnd.apache.parquet",
            on_click="ignore",
            icon=":material/download:",
            help="In stored units, which the columns carry as metadata, and the SQL with them",
            key="parquet",
        )
        st.download_button(
            "SQL",
            lambda: script(about),
            f"{stem}.sql",
            "application/sql",
            on_click="ignore",
            icon=":material/download:",
            help="For `thermoscreen sql` or any DuckDB client on the snapshot, in stored units",
            key="sql",
        )
        st.page_link(
            "views/sql.py",
            label=OPEN,
            query_params={"sql": sql},
            icon=":material/database:",
            help="Change the query on the SQL page",
        )
    with st.expander("SQL of this table", icon=":material/code:"):
        st.code(sql, language="sql", height=320)


def file_stem(*parts: str) -> str:
    """Return the name of a file without suffix; any file system takes it."""
    return re.sub(r"[^\w.-]+", "_", "-".join(parts))


def parquet(table: pa.Table, columns: Sequence[Column], about: Mapping[str, str]) -> bytes:
    """Write rows as Parquet in stored units.

    Each column carries its unit, label and description as metadata, the file those of ``about``.
    """
    described = [
        table.schema.field(column.name).with_metadata(
            {"unit": column.unit, "label": column.label, "description": column.description}
        )
        for column in columns
    ]
    named = table.select([column.name for column in columns])
    buffer = BytesIO()
    write_table(named.cast(pa.schema(described, metadata=dict(about))), "parquet", buffer)
    return buffer.getvalue()


def script(about: Mapping[str, str]) -> str:
    """Return the query, with the run and the snapshot it was asked of as comments."""
    head = "\n".join(f"-- {name}: {about[name]}" for name in ("run", "snapshot"))
    return f"{head}\n{about['sql']};\n"
