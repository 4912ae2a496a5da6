"""How scores and compounds are written in tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import pyarrow as pa
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from dashboard import display
from screen.core.columns import Column

TALL = 15  # rows from which a table scrolls
HEIGHT = 480  # px


def show_table(found: pa.Table, shown: Sequence[Column], key: str) -> None:
    """Show rows."""
    st.dataframe(
        display.shown_table(found, shown),
        hide_index=True,
        height=_height(found),
        column_config=_formats(shown),
        key=key,
    )


def choose_row(found: pa.Table, shown: Sequence[Column], key: str) -> int | None:
    """Show rows, of which one can be selected; return its index."""
    event = st.dataframe(
        display.shown_table(found, shown),
        hide_index=True,
        height=_height(found),
        column_config=_formats(shown),
        on_select="rerun",
        selection_mode="single-row",
        key=key,
    )
    return next(iter(event.selection.rows), None)


def _height(found: pa.Table) -> int | Literal["content"]:
    return "content" if len(found) < TALL else HEIGHT


def _formats(shown: Sequence[Column]) -> dict[str, ColumnConfig]:
    return {column.header: _format(column) for column in shown}


def _format(column: Column) -> ColumnConfig:
    """Say how a column is written."""
    if column.name == "within_factor":
        return st.column_config.NumberColumn(help=column.description, format="percent")
    if column.name == "sre_300":
        return st.column_config.ProgressColumn(
            help=column.description, format="%.3f", min_value=0, max_value=2
        )
    if column.name == "failure_kind":
        return st.column_config.Column(help=column.description, width=130)
    if column.sql_type == "DOUBLE":
        return st.column_config.NumberColumn(help=column.description, format="%.3g")
    return st.column_config.Column(help=column.description)
