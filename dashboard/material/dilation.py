"""α(T), with experiment where it is known, beside γ over the spectrum."""

from __future__ import annotations

import streamlit as st

from dashboard.cached import ensemble
from dashboard.charts.expansion import expansion_curve, gruneisen_scatter
from dashboard.material.parts import Shown, stored
from dashboard.spread import spread_of
from screen.core.experiment import measured
from screen.core.records import Expansion, Relaxed


def show_expansion(shown: Shown) -> None:
    """Show the expansion and the mode Grüneisen parameters."""
    left, right = st.columns(2, gap="large")
    result = shown.result
    with left:
        st.subheader("Thermal expansion")
        record = stored(shown, "expansion", Expansion)
        if record is None:
            return
        relaxed = stored(shown, "relax", Relaxed, quiet=True)  # the structure below says why
        lattice = None if relaxed is None else relaxed.crystal.lattice
        spread = spread_of(
            shown.found.properties.get("expansion"),
            result.row,
            ("expansion_temperatures", "expansion"),
            ensemble(shown.published),
        )
        known = measured(result.row["formula"], result.row["prototype"])
        figure = expansion_curve(record, lattice, known, spread)
        st.plotly_chart(figure, key="expansion", alt="Thermal expansion against temperature")
        if flags := result.properties.get("expansion", {}).get("expansion_flags"):
            st.caption(f"Doubtful: {', '.join(flags)}. See docs/methods.md, Thermal expansion.")
    with right:
        st.subheader("Grüneisen parameters")
        st.plotly_chart(gruneisen_scatter(record), key="gruneisen", alt="Mode Grüneisen parameters")
