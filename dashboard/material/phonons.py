"""Bands, density of states, decay of the phonons, and what they carry at one temperature."""

from __future__ import annotations

import streamlit as st

from dashboard.charts.bands import band_structure
from dashboard.charts.dos import density_of_states
from dashboard.charts.lifetimes import DECAYS, lifetime_scatter
from dashboard.charts.spectra import coherence_map, mean_free_path_curve, spectral_curve
from dashboard.material.parts import Shown, choose, stored
from screen.core.records import Conductivity, Phonons


def show_phonons(shown: Shown) -> None:
    """Show phonon bands and lifetimes, then what the phonons carry at the same temperature."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Phonon bands and density of states")
        phonons = stored(shown, "stability", Phonons)
        if phonons is not None:
            figure = band_structure(phonons.bands, density_of_states(phonons))
            st.plotly_chart(figure, key="bands", alt="Phonon bands and density of states")
    with right:
        st.subheader("Lifetimes and linewidths")
        record = stored(shown, "conductivity", Conductivity)
        if record is None:
            return
        index = _choose_temperature(record)
        decay = choose("Show", list(DECAYS), "decay")
        st.plotly_chart(
            lifetime_scatter(record, index, decay), key="lifetimes", alt=f"Phonon {decay}s"
        )
    _show_carriers(record, index)


def _choose_temperature(record: Conductivity) -> int:
    """Let the user choose one of the record's temperatures; return its index."""
    grid = [float(value) for value in record.temperatures]
    if len(grid) == 1:
        st.caption(f"At {grid[0]:g} K.")
        return 0
    chosen = st.select_slider(
        "Temperature [K]",
        grid,
        value=min(grid, key=lambda value: abs(value - 300.0)),
        format_func=lambda value: f"{value:g}",
        key="mode_temperature",
        bind="query-params",
    )
    return grid.index(chosen)


def _show_carriers(record: Conductivity, index: int) -> None:
    """Show which phonons carry the heat, and between which frequencies it tunnels."""
    left, right = st.columns(2, gap="large")
    at = f"({record.temperatures[index]:g} K)"
    with left:
        st.subheader(f"Heat carriers {at}")
        abscissa = choose("Heat carriers by", ["frequency", "mean free path"], "abscissa")
        curve = spectral_curve if abscissa == "frequency" else mean_free_path_curve
        st.plotly_chart(
            curve(record, index), key="carriers", alt=f"Conductivity accumulated by {abscissa}"
        )
    with right:
        st.subheader(f"Coherences {at}")
        if not record.kappa_c[index].any():
            st.caption("Nothing interferes: κ_C = 0.")
            return
        st.plotly_chart(
            coherence_map(record, index),
            key="coherences",
            alt="Coherences by the two frequencies between which heat tunnels",
        )
