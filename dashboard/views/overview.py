"""How far the campaign is, what failed and why, what it has cost."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboard import data, display
from dashboard.charts.progress import cost_bars, status_bars
from dashboard.data import Published
from dashboard.session import follow, open_run
from screen.core.records import HELD_BACK

LISTED = 500  # failures
STATUSES = {
    "complete": "All properties are there",
    "partial": "Some property is there, another one failed",
    "failed": "No property is there; dynamically unstable crystals count here",
    "pending": "Not computed yet",
    "not_selected": "Left out by the funnel, after the harmonic estimate",
    "over_budget": "Left out because the budget was spent; a larger one goes on",
}


def main() -> None:
    """Build the page."""
    published = open_run()
    st.title(published.run.name)
    st.caption(
        f"Snapshot {published.version}, published {display.ago(data.age(published))}. The page "
        "follows the campaign by itself."
    )
    show_progress(data.status_counts(published), data.costs(published))
    left, right = st.columns(2, gap="large")
    with left:
        show_failure_counts(data.failure_counts(published))
    with right:
        show_costs(data.costs(published))
    show_failures(published)
    show_methods(data.methods(published))
    follow(published.run, published)


def show_progress(counts: pa.Table, costs: pa.Table) -> None:
    """Show how many materials are in which state."""
    if not len(counts):
        st.info("The run has no material yet.")
        return
    totals = {status: total(counts, status) for status in STATUSES}
    shown = [status for status in STATUSES if totals[status] or status not in HELD_BACK]
    places = st.columns(len(shown) + 1)
    for place, status in zip(places, shown, strict=False):
        place.metric(status, f"{totals[status]:,}", help=STATUSES[status], border=True)
    spent = pc.sum(costs["wall_s"]).as_py()
    places[-1].metric(
        "compute time", display.duration(spent), help="Wall time of all computations", border=True
    )
    st.plotly_chart(status_bars(counts), key="progress")


def total(counts: pa.Table, status: str) -> int:
    """Return how many materials have a status, over all potentials and protocols."""
    found = counts.filter(pc.equal(counts["status"], status))
    return int(pc.sum(found["materials"]).as_py() or 0)


def show_failure_counts(counts: pa.Table) -> None:
    """Show what failed, by stage and kind."""
    st.subheader("Failures by stage and kind")
    if not len(counts):
        st.caption("Nothing has failed.")
        return
    st.dataframe(
        counts.select(["stage", "kind", "materials", "message"]),
        hide_index=True,
        column_config={"message": st.column_config.TextColumn("for example", width="large")},
        key="failure_counts",
    )
    if "stability" in counts["stage"].to_pylist():
        st.caption(
            "`stability`: imaginary phonons or a changed space group. That is a result, no error."
        )


def show_costs(costs: pa.Table) -> None:
    """Show what each stage has cost."""
    st.subheader("Cost by stage")
    if len(costs):
        st.plotly_chart(cost_bars(costs), key="costs")
    else:
        st.caption("Nothing has been computed yet.")


def show_failures(published: Published) -> None:
    """List failed materials; selecting one opens it."""
    found = data.failures(published, LISTED)
    if not len(found):
        return
    st.subheader("Failed materials")
    st.caption(f"Select a row to open the material. At most {LISTED} are listed.")
    event = st.dataframe(
        found.select([name for name in found.column_names if not name.endswith("_digest")]),
        hide_index=True,
        height="content" if len(found) < 9 else 320,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "failure_message": st.column_config.TextColumn("message", width="large"),
            "failure_stage": "stage",
            "failure_kind": "kind",
            "material_id": "material",
            "model": "potential",
        },
        key="failures",
    )
    if event.selection.rows:
        row = found.slice(event.selection.rows[0], 1).to_pylist()[0]
        st.switch_page(
            "views/material.py",
            query_params={
                "id": row["material_id"],
                "model": row["model_digest"],
                "protocol": row["protocol_digest"],
            },
        )


def show_methods(methods: pa.Table) -> None:
    """Show which potentials and protocols have been used."""
    if len(methods):
        st.subheader("Potentials and protocols")
        names = [
            name.replace("dtype", "precision").replace("_", " ") for name in methods.column_names
        ]
        st.dataframe(methods.rename_columns(names), hide_index=True, key="methods")


main()
