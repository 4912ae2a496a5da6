"""Answers to the questions of comparison, potentials, regimes and runs, kept per snapshot."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import streamlit as st

from dashboard import comparison, regimes, runs
from dashboard import potentials as cards
from dashboard.data import Published, snapshot
from dashboard.potentials import Row


@st.cache_data(max_entries=3, show_spinner=False)
def potentials(published: Published) -> dict[str, Row]:
    """Return all that the run knows of each potential, by digest."""
    return cards.potentials(snapshot(published))


@st.cache_data(max_entries=3, show_spinner=False)
def ensemble(published: Published) -> frozenset[str]:
    """Return the digests of the potentials of which medians and ranges are made."""
    return cards.ensemble(snapshot(published))


@st.cache_data(max_entries=3, show_spinner=False)
def protocols(published: Published) -> dict[str, Row]:
    """Return name, description and all settings of each protocol, by digest."""
    return cards.protocols(snapshot(published))


@st.cache_data(max_entries=32, show_spinner=False)
def known(published: Published, materials: tuple[str, ...]) -> frozenset[str]:
    """Return which of the identifiers the run knows; see ``comparison.known``."""
    return comparison.known(snapshot(published), materials)


@st.cache_data(max_entries=32, show_spinner=False)
def rows_of(published: Published, materials: tuple[str, ...]) -> list[Row]:
    """Return the results of some materials; see ``comparison.rows_of``."""
    return comparison.rows_of(snapshot(published), materials)


@st.cache_data(max_entries=32, show_spinner=False)
def grids_of(published: Published, materials: tuple[str, ...]) -> dict[tuple[str, str, str], Any]:
    """Return the temperature grids of some materials; see ``comparison.grids_of``."""
    return comparison.grids_of(snapshot(published), materials)


@st.cache_data(max_entries=64, show_spinner=False)
def answer(published: Published, sql: str) -> pa.Table:
    """Return the rows of one of the questions of ``regimes``."""
    return snapshot(published).query(sql)


@st.cache_data(max_entries=3, show_spinner=False)
def has_shares(published: Published) -> bool:
    """Say whether the run knows the shares of carriers."""
    return regimes.has_shares(snapshot(published))


@st.cache_data(max_entries=3, show_spinner=False)
def costs(published: Published) -> tuple[str, pa.Table]:
    """Return what each stage has cost, by potential, after the query for it."""
    return runs.costs_sql(snapshot(published)), runs.costs(snapshot(published))


@st.cache_data(max_entries=3, show_spinner=False)
def package_versions(published: Published) -> pa.Table:
    """Return which versions of packages made how many outcomes."""
    return runs.package_versions(snapshot(published))
