"""From a chart to its query, and from a result to its material."""

from __future__ import annotations

import streamlit as st

from dashboard.data import ResultSet


def show_sql(sql: str) -> None:
    """Show the query behind what is drawn."""
    with st.expander("SQL", icon=":material/code:"):
        st.code(sql, language="sql")


def open_material(material_id: str, chosen: ResultSet) -> None:
    """Go to the page of a material, as one potential sees it."""
    st.switch_page(
        "views/material.py",
        query_params={
            "id": material_id,
            "model": str(chosen.model),
            "protocol": chosen.protocol,
        },
    )
