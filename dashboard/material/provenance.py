"""Where the numbers come from, what they have cost and what to cite."""

from __future__ import annotations

import streamlit as st

from dashboard import sheet
from dashboard.cached import potentials
from dashboard.material.parts import Shown, show_facts
from dashboard.potentials import potential_facts

COSTS = {
    "stage": "stage",
    "wall_s": "wall [s]",
    "cpu_s": "CPU [s]",
    "peak_mb": "memory [MB]",
    "evaluations": "evaluations",
    "host": "host",
}


def show_provenance(shown: Shown) -> None:
    """Show potential, protocol, versions, licences, citations and costs."""
    st.subheader("Provenance")
    left, right = st.columns(2, gap="large")
    result = shown.result
    with left:
        card = potentials(shown.published).get(result.row["model_digest"])
        facts = sheet.provenance(result, shown.published.version)
        show_facts([*facts, *potential_facts(card)])
    with right:
        st.dataframe(
            result.costs.select(list(COSTS)).rename_columns(COSTS),
            hide_index=True,
            height="content",
            column_config={
                name: st.column_config.NumberColumn(format="%.3g")
                for name in ("wall [s]", "CPU [s]")
            }
            | {"memory [MB]": st.column_config.NumberColumn(format="%.0f")},
            key="costs",
        )
        with st.expander("Artifacts"):
            show_facts(list(result.artifacts.items()))
        with st.expander("Packages"):
            show_facts(list(result.versions.items()))
