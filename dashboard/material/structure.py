"""The crystal in three dimensions, and what the relaxation did to it."""

from __future__ import annotations

import streamlit as st

from dashboard import sheet
from dashboard.cells import relaxation_facts
from dashboard.charts.structure import structure_3d
from dashboard.data import MaterialSheet
from dashboard.material.parts import Shown, show_facts, stored
from screen.core.crystal import Crystal
from screen.core.records import Relaxed


def show_structure(shown: Shown) -> None:
    """Show the relaxed crystal, or the given one where nothing was relaxed."""
    if "relax" not in shown.result.artifacts:
        show_given(shown.found)
        return
    given, relaxed = sheet.crystal_given(shown.found), stored(shown, "relax", Relaxed)
    if relaxed is None:
        show_given(shown.found)
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Crystal structure")
        _draw(relaxed.crystal, "As relaxed. Drag to turn it, scroll to zoom.")
    with right:
        st.subheader("Relaxation and symmetry")
        show_facts(relaxation_facts(given, relaxed))


def show_given(found: MaterialSheet) -> None:
    """Show the crystal as the source gave it."""
    st.subheader("Crystal structure")
    crystal = sheet.crystal_given(found)
    if crystal is None:
        st.caption("The source has no readable crystal.")
        return
    _draw(crystal, "As given by the source, not relaxed.")


def _draw(crystal: Crystal, caption: str) -> None:
    st.caption(caption)
    st.plotly_chart(structure_3d(crystal), key="structure", alt=f"Crystal of {crystal.formula}")
