"""What the SQL page asks: people's queries, of a sandbox, and what there is to ask for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import pyarrow as pa
import streamlit as st

from dashboard.data import Published, snapshot
from screen.core.columns import Column
from screen.core.errors import StoreError
from screen.store import queries
from screen.store.described import known_columns, unknown
from screen.store.sandbox import Limits, Sandbox

LIMITS = Limits()
MACRO = "table macro"
ANY_TEMPERATURE = 300  # K; the columns of a macro do not depend on it


@dataclass(frozen=True)
class Asked:
    """What became of a query: rows, or one line that says why there are none."""

    table: pa.Table | None
    truncated: bool  # there are more rows than the limit
    problem: str
    seconds: float


@dataclass(frozen=True)
class Named:
    """What SQL can name: a view, a table, or a macro with its parameters."""

    name: str
    kind: str
    parameters: Sequence[str]
    description: str

    @property
    def call(self) -> str:
        """How SQL names it, e.g. ``kappa_at(kelvin)``."""
        return f"{self.name}({', '.join(self.parameters)})" if self.parameters else self.name


@st.cache_resource(max_entries=2, show_spinner=False, on_release=Sandbox.close)
def sandbox(published: Published) -> Sandbox:
    """Open the newest snapshot for SQL of people whom nobody vouches for."""
    return Sandbox(published.run, LIMITS)


def prepare(published: Published) -> None:
    """Start what answers while the page is still being built."""
    with suppress(StoreError):  # the first answer says so
        sandbox(published)


def ask(published: Published, sql: str) -> Asked:
    """Run a query in the sandbox."""
    started = time.monotonic()
    try:
        answer = sandbox(published).query(sql)
    except StoreError as error:
        return Asked(None, False, str(error), time.monotonic() - started)
    return Asked(answer.table, answer.truncated, "", time.monotonic() - started)


@st.cache_data(max_entries=3, show_spinner=False)
def relations(published: Published) -> list[Named]:
    """Return what SQL can name, views first."""
    return [Named(**row) for row in queries.relations(snapshot(published)).to_pylist()]


@st.cache_data(max_entries=64, show_spinner=False)
def columns_of(published: Published, item: Named) -> list[Column]:
    """Return the columns of a relation; those of a macro are known by their names."""
    if item.kind != MACRO:
        return list(queries.columns_of(snapshot(published), item.name))
    found = snapshot(published).query(f'DESCRIBE FROM "{item.name}"({ANY_TEMPERATURE})').to_pylist()
    known = columns(published)
    return [
        known.get(row["column_name"]) or unknown(row["column_name"], row["column_type"])
        for row in found
    ]


@st.cache_data(max_entries=3, show_spinner=False)
def columns(published: Published) -> dict[str, Column]:
    """Return columns by name; see ``known_columns``."""
    return known_columns(snapshot(published))
