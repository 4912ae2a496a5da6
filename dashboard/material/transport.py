"""κ(T) beside the table of numbers."""

from __future__ import annotations

import streamlit as st

from dashboard import data, sheet
from dashboard.cached import ensemble
from dashboard.charts.conductivity import conductivity_curve
from dashboard.material.parts import Shown, choose, show_facts, stored
from dashboard.spread import spread_of
from screen.core.experiment import measured
from screen.core.records import Conductivity


def show_transport(shown: Shown) -> None:
    """Show κ(T) with its parts, the potentials' range, reference and experiment."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.subheader("Thermal conductivity")
        record = stored(shown, "conductivity", Conductivity)
        if record is not None:
            _show_curve(shown, record)
    with right:
        st.subheader("Key numbers")
        show_facts(sheet.key_numbers(shown.result, data.columns(shown.published)))


def _show_curve(shown: Shown, record: Conductivity) -> None:
    scale = choose("κ axis", ["log", "linear"], "scale")
    spread = spread_of(
        shown.found.properties.get("conductivity"),
        shown.result.row,
        ("temperatures", "kappa"),
        ensemble(shown.published),
    )
    figure = conductivity_curve(
        record,
        shown.result.reference_300,
        "log" if scale == "log" else "linear",
        spread,
        measured(shown.result.row["formula"], shown.result.row["prototype"]),
    )
    st.plotly_chart(figure, key="conductivity", alt="Conductivity against temperature")
