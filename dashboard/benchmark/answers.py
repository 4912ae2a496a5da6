"""What the snapshot has to judge, kept per snapshot."""

from __future__ import annotations

import streamlit as st

from dashboard.benchmark.questions import JUDGED, REFERENCES, VIEW
from dashboard.data import Published, snapshot
from screen.store import queries


@st.cache_data(max_entries=3, show_spinner=False)
def has_view(published: Published) -> bool:
    """Say whether the snapshot judges; those of earlier versions do not."""
    return bool(queries.columns_of(snapshot(published), VIEW))


@st.cache_data(max_entries=3, show_spinner=False)
def has_modes(published: Published) -> bool:
    """Say whether the snapshot's view has SRME."""
    found = queries.columns_of(snapshot(published), VIEW)
    return any(column.name == "srme_300" for column in found)


@st.cache_data(max_entries=3, show_spinner=False)
def judged(published: Published) -> frozenset[tuple[str, str]]:
    """Return digests of the potentials and protocols that have anything to judge."""
    if not has_view(published):
        return frozenset()
    rows = snapshot(published).query(JUDGED).to_pylist()
    return frozenset((row["model_digest"], row["protocol_digest"]) for row in rows)


@st.cache_data(max_entries=3, show_spinner=False)
def references(published: Published) -> int:
    """Return how many materials have a reference conductivity."""
    (found,) = snapshot(published).query(REFERENCES)["materials"].to_pylist()
    return int(found)
