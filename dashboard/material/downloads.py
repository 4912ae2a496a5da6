"""What of a material can be taken along."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard import data, exported
from dashboard.cached import potentials, protocols
from dashboard.material.parts import Shown, stored
from screen.core.records import Conductivity, Relaxed

ICON = ":material/download:"


def show_downloads(shown: Shown) -> None:
    """Offer the relaxed crystal, all numbers, phono3py's files and the phonon modes."""
    st.subheader("Downloads")
    published, result = shown.published, shown.result
    relaxed = stored(shown, "relax", Relaxed, quiet=True) if "relax" in result.artifacts else None
    places = iter(st.columns(4))
    if relaxed is not None:
        next(places).download_button(
            "Relaxed crystal (CIF)",
            partial(exported.cif, result, relaxed, published.version),
            exported.file_name(result, ".cif"),
            "chemical/x-cif",
            on_click="ignore",
            icon=ICON,
            help="Cell and atoms exactly as stored, in space group 1",
        )
    next(places).download_button(
        "All numbers (JSON)",
        partial(
            exported.numbers,
            result,
            data.columns(published),
            published.run.name,
            published.version,
            potentials(published).get(result.row["model_digest"]),
            protocols(published).get(result.row["protocol_digest"]),
            relaxed,
        ),
        exported.file_name(result, ".json"),
        "application/json",
        on_click="ignore",
        icon=ICON,
        help="Everything on this page but the modes, with the unit of every column",
    )
    if {"fc2", "fc3"} & set(result.artifacts):
        next(places).download_button(
            "Force constants (phono3py)",
            partial(exported.phono3py, published.run, result),
            exported.file_name(result, "-phono3py.zip"),
            "application/zip",
            on_click="ignore",
            icon=ICON,
            help="What `thermoscreen export phono3py` writes: phono3py_params.yaml, fc2.hdf5, "
            "fc3.hdf5. Takes some seconds",
        )
    if "conductivity" in result.artifacts:
        record = stored(shown, "conductivity", Conductivity, quiet=True)
        if record is not None:
            next(places).download_button(
                "Phonon modes (Parquet)",
                partial(exported.modes, record),
                exported.file_name(result, "-modes.parquet"),
                "application/vnd.apache.parquet",
                on_click="ignore",
                icon=ICON,
                help="Lifetimes, mean free paths, κ_P, κ_C of every mode at every temperature",
            )
    with st.expander("SQL of the numbers"):
        st.code(f"FROM results\nWHERE {exported.where(result)}", language="sql")
