"""How far the campaign is, what failed and why, what it has cost."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboard import campaign, data, display, downloads
from dashboard.charts.progress import cost_bars, funnel_bars, progress_curve, status_bars
from dashboard.data import Published
from dashboard.session import REFRESH, follow, open_run
from screen.core.records import HELD_BACK

LISTED = 500  # failures
ALL = "all kinds"
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
    show_age(published)
    counts, costs = data.status_counts(published), data.costs(published)
    show_progress(published, counts, costs)
    left, right = st.columns(2, gap="large")
    with left:
        show_funnel(published)
        show_pace(published)
    with right:
        show_costs(costs)
    show_failure_counts(data.failure_counts(published))
    show_failures(published, data.failure_counts(published))
    show_methods(data.methods(published))
    follow(published.run, published)


@st.fragment(run_every=REFRESH)
def show_age(published: Published) -> None:
    """Say how old the snapshot is, again and again."""
    st.caption(
        f"Snapshot {published.version}, published {display.ago(data.age(published))}. The page "
        "follows the campaign by itself."
    )


def show_progress(published: Published, counts: pa.Table, costs: pa.Table) -> None:
    """Show how many materials are in which state."""
    if not len(counts):
        st.info("The run has no material yet.")
        return
    totals = {status: total(counts, status) for status in STATUSES}
    shown = [status for status in STATUSES if totals[status] or status not in HELD_BACK]
    places = st.columns(len(shown) + 2)
    for place, status in zip(places, shown, strict=False):
        place.metric(
            status, f"{totals[status]:,}", help=STATUSES[status], border=True, height="stretch"
        )
    found = campaign.pace(published, totals["pending"])
    places[-2].metric(
        "last hour",
        f"{found.last_hour:,}",
        delta=f"{display.duration(found.remaining_s)} to go" if found.remaining_s else None,
        delta_arrow="off",
        delta_color="off",
        help="Outcomes in the hour before the newest one; pending ones at their pace",
        border=True,
        height="stretch",
    )
    spent = pc.sum(costs["wall_s"]).as_py()
    places[-1].metric(
        "compute time",
        display.duration(spent),
        help="Wall time of all computations",
        border=True,
        height="stretch",
    )
    st.plotly_chart(status_bars(counts), key="progress")


def total(counts: pa.Table, status: str) -> int:
    """Return how many materials have a status, over all potentials and protocols."""
    found = counts.filter(pc.equal(counts["status"], status))
    return int(pc.sum(found["materials"]).as_py() or 0)


def show_funnel(published: Published) -> None:
    """Show how many materials have come how far."""
    st.subheader("Funnel", help="Materials, under any potential and protocol")
    steps = [(step.name, step.materials, step.meaning) for step in campaign.funnel(published)]
    st.plotly_chart(funnel_bars(steps), key="funnel")


def show_pace(published: Published) -> None:
    """Show when outcomes came in."""
    st.subheader("Progress")
    finished = campaign.finished(published)
    if len(finished):
        st.plotly_chart(progress_curve(finished), key="pace")
    else:
        st.caption("Nothing has finished yet.")


def show_failure_counts(counts: pa.Table) -> None:
    """Show what failed, by stage and kind."""
    st.subheader("Failures by stage and kind")
    if not len(counts):
        st.caption("Nothing has failed.")
        return
    st.dataframe(
        counts.select(["stage", "kind", "outcomes", "materials", "message"]),
        hide_index=True,
        column_config={
            "outcomes": st.column_config.NumberColumn(
                format="localized", help="Materials, once per potential and protocol"
            ),
            "materials": st.column_config.NumberColumn(format="localized"),
            "message": st.column_config.TextColumn("for example", width="large"),
        },
        key="failure_counts",
    )
    if "stability" in counts["stage"].to_pylist():
        st.caption(
            "stability: imaginary phonons or a changed space group. That is a result, no error."
        )


def show_costs(costs: pa.Table) -> None:
    """Show what each stage has cost."""
    st.subheader("Cost by stage")
    if len(costs):
        st.plotly_chart(cost_bars(costs), key="costs")
    else:
        st.caption("Nothing has been computed yet.")


def show_failures(published: Published, counts: pa.Table) -> None:
    """List failed materials; selecting one opens it."""
    if not len(counts):
        return
    st.subheader("Failed materials")
    stage, kind = choose_kind(counts)
    found = campaign.failures(published, stage, kind, LISTED)
    which = f"The first {LISTED:,} are listed, downloads hold all." if len(found) == LISTED else ""
    st.caption(f"Select a row to open the material. {which}")
    columns = campaign.failure_columns(data.columns(published))
    event = st.dataframe(
        display.shown_table(found, columns),
        hide_index=True,
        height="content" if len(found) < 9 else 320,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            column.header: st.column_config.Column(
                help=column.description,
                width="large" if column.name == "failure_message" else None,
            )
            for column in columns
        },
        key="failures",
    )
    if event.selection.rows:
        open_material(found.slice(event.selection.rows[0], 1).to_pylist()[0])
    downloads.offer(
        published,
        "failures" if kind is None else f"failures-{stage}-{kind}",
        campaign.failures_sql(published, stage, kind),
        lambda: campaign.failures(published, stage, kind, None),
        columns,
    )


def choose_kind(counts: pa.Table) -> tuple[str | None, str | None]:
    """Let the user choose a stage and kind of failure; None: all of them."""
    kinds = {f"{row['stage']} · {row['kind']}": row for row in counts.to_pylist()}
    chosen = st.selectbox("Show", [ALL, *kinds], key="failed", bind="query-params")
    row = kinds.get(str(chosen), {})
    return row.get("stage"), row.get("kind")


def open_material(row: dict[str, str]) -> None:
    """Go to the page of a failed material."""
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
