"""What a run holds: pages offer no filter, column or axis that would be empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import streamlit as st

from dashboard.data import Published, snapshot
from screen.store import queries
from screen.store.ensemble import ensemble_of
from screen.store.schema import RANKABLE

_PROBES: Mapping[str, tuple[str, str, str]] = {  # fact: table, column, SQL that says so
    "prototype": ("materials", "prototype", "count(prototype) > 0"),
    "band_gap": ("materials", "band_gap", "count(band_gap) > 0"),
    "energy_above_hull": ("materials", "energy_above_hull", "count(energy_above_hull) > 0"),
    "theoretical": ("materials", "theoretical", "count(theoretical) > 0"),
    "reference": (
        "materials",
        "kappa_reference_300",
        "count(kappa_reference_300) + count(kappa_reference_nac_300) > 0",
    ),
    "stability": ("stability", "stable", "TRUE"),
    "volume_per_atom": ("stability", "volume_per_atom", "count(volume_per_atom) > 0"),
    "fc3_fit_poor": ("conductivity", "fc3_fit_poor", "count_if(fc3_fit_poor) > 0"),
    "expansion": ("expansion", "expansion", "count(*) > 0"),
    "expansion_temperatures": ("expansion", "expansion_temperatures", "TRUE"),
    "bulk_modulus": ("expansion", "bulk_modulus", "count(bulk_modulus) > 0"),
    "expansion_doubt": ("expansion", "expansion_flags", "count_if(len(expansion_flags) > 0) > 0"),
}
SEVERAL = "models_disagree"
"""The run has several potentials whose numbers are put together."""


@st.cache_data(max_entries=3, show_spinner=False)
def pooled_models(published: Published) -> tuple[str, ...]:
    """Return the digests of the potentials of which medians are made, sorted."""
    found = ensemble_of(queries.models_of(snapshot(published)))
    return tuple(sorted(model.model_digest for model in found))


@st.cache_data(max_entries=3, show_spinner=False)
def facts(published: Published) -> frozenset[str]:
    """Return the names of what the run holds."""
    declared = defaultdict(set)
    for row in queries.schema(snapshot(published)).to_pylist():
        declared[row["table_name"]].add(row["name"])
    asked: dict[str, dict[str, str]] = defaultdict(dict)
    for fact, (table, column, sql) in _PROBES.items():
        if column in declared[table]:
            asked[table][fact] = sql
    found = {SEVERAL} if len(pooled_models(published)) > 1 else set()
    for table, probes in asked.items():
        listed = ", ".join(f"{sql} AS {fact}" for fact, sql in probes.items())
        (row,) = snapshot(published).query(f"SELECT {listed} FROM {table}").to_pylist()
        found |= {fact for fact, there in row.items() if there}
    if RANKABLE not in declared:
        found.add("earlier snapshot")
    elif "conductivity" in declared:
        found.add("ranking")
    return frozenset(found)
