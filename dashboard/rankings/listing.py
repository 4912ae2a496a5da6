"""The table of ranked materials: a page of it, in an order that SQL makes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import display
from dashboard.rankings import selection
from dashboard.rankings.controls import IN_ADDRESS
from dashboard.rankings.question import Box, Order, Question
from screen.core.columns import Column

SIZES = (50, 100, 250, 500)
ROW_HEIGHT = 35  # px
HEIGHT = 560  # px
_ASKED = "asked"


def choose_order(place: DeltaGenerator, columns: Sequence[Column]) -> Order:
    """Let the user choose a column to sort by, over all pages."""
    names = {column.name: display.shown_column(column).header for column in columns}
    left, right = place.columns([3, 2], vertical_alignment="bottom")
    name = left.selectbox(
        "Order by",
        list(names),
        format_func=lambda name: names[name],
        key="order",
        bind=IN_ADDRESS,
        help="Sorts all pages; a click on a header of the table sorts what the page shows only",
    )
    descending = right.toggle("Highest first", key="descending", bind=IN_ADDRESS)
    return Order(str(name), bool(descending))


def choose_size(place: DeltaGenerator) -> int:
    """Let the user choose how many rows a page has."""
    return int(place.selectbox("Rows per page", SIZES, index=1, key="rows", bind=IN_ADDRESS))


def page_asked(question: Question) -> int:
    """Return the page that is likely to be shown: another question begins at the first one."""
    asked = digest_of(question)
    if st.session_state.get(_ASKED, asked) != asked:
        st.session_state["page"] = 1
    st.session_state[_ASKED] = asked
    named = str(st.session_state.get("page", st.query_params.get("page", 1)))
    return max(1, int(named)) if named.isdecimal() else 1


def choose_page(place: DeltaGenerator, size: int, listed: int) -> int:
    """Let the user turn the pages; return the number of the page from 1."""
    pages = max(1, math.ceil(listed / size))
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    return int(
        place.number_input(f"Page of {pages:,}", 1, pages, step=1, key="page", bind=IN_ADDRESS)
    )


def digest_of(question: Question) -> str:
    """Return a short text that differs between questions."""
    return hashlib.sha1(repr(question).encode(), usedforsecurity=False).hexdigest()[:12]


def show_table(table: pa.Table, columns: Sequence[Column], key: str) -> None:
    """List rows; those that the user marks are picked, see ``selection``."""
    headers = {display.shown_column(column).header: column for column in columns}
    st.dataframe(
        display.shown_table(table, columns),
        hide_index=True,
        height=min(HEIGHT, ROW_HEIGHT * (len(table) + 1) + 3),
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            header: st.column_config.NumberColumn(help=column.description, format="%.4g")
            if column.sql_type == "DOUBLE"
            else st.column_config.Column(help=column.description)
            for header, column in headers.items()
        },
        key=key,
    )


def show_selection(question: Question, found: pa.Table | None, picked: int) -> None:
    """Say what is selected: a box in the plot, and materials, each with the way to its page.

    Parameters
    ----------
    found
        Those of the picked materials that pass the filters.
    picked
        Number of picked materials.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if question.box is not None:
            st.markdown(f"**Box:** {described(question.box, question.criterion.column)}")
        if found is not None:
            st.markdown("**Selected:**")
            _link(found, question)
            if picked > len(found):
                st.caption(f"{picked - len(found)} more that the filters leave out")
        st.button("Forget", on_click=selection.forget, icon=":material/close:", key="forget")


def _link(found: pa.Table, question: Question) -> None:
    """Lead to the materials, and to all of them side by side."""
    model = {} if question.chosen.model is None else {"model": question.chosen.model}
    for row in found.to_pylist():
        st.page_link(
            "views/material.py",
            label=f"{row['formula']} · {row['material_id']}",
            query_params={"id": row["material_id"], **model, "protocol": question.chosen.protocol},
            icon=":material/deployed_code:",
        )
    if len(found) > 1:
        st.page_link(
            "views/compare.py",
            label="Compare",
            query_params={"materials": ",".join(found["material_id"].to_pylist())},
            icon=":material/compare_arrows:",
        )


def described(box: Box, column: Column) -> str:
    """Write the ends of a box in the units that are shown."""
    factor, unit = display.UNITS.get(column.unit, (1.0, column.unit))
    x = " to ".join(f"{factor * end:.3g}" for end in box.x)
    kappa = " to ".join(f"{end:.3g}" for end in box.kappa)
    return f"{column.label} {x} {unit}".rstrip() + f", κ {kappa} W/m/K"
