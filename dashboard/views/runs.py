"""The run itself: campaign, potentials, protocols, versions, cost, snapshots."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from functools import partial

import pyarrow as pa
import streamlit as st

from dashboard import display, exported, runs
from dashboard.cached import costs, package_versions, potentials, protocols
from dashboard.charts.costs import costs_by_potential
from dashboard.data import Published
from dashboard.material.parts import show_facts
from dashboard.potentials import Row
from dashboard.session import choose_run, follow, open_run, run_folder
from screen.core.errors import SettingsError

COST_HEADERS = {
    "stage": "stage",
    "potential": "potential",
    "executions": "computations",
    "wall_s": "wall [h]",
    "cpu_s": "CPU [h]",
    "median_wall_s": "median wall [s]",
    "peak_mb": "most memory [MB]",
    "evaluations": "cells evaluated",
    "atoms": "atoms evaluated",
    "hosts": "hosts",
}
POTENTIAL_HEADERS = {
    "name": "potential",
    "family": "family",
    "package": "package",
    "package_version": "package version",
    "dtype": "precision",
    "training_set": "trained on",
    "functional": "level of theory",
    "kappa_srme": "published κ_SRME",
    "fit_for_kappa": "fit for κ",
    "licence": "licence",
    "citation": "citation",
    "weights_digest": "weights digest",
    "model_digest": "model digest",
}


def main() -> None:
    """Build the page."""
    published = open_run()
    offer_runs(published)
    st.title(f"Run {published.run.name}")
    left, right = st.columns(2, gap="large")
    with left:
        show_campaign(published)
    with right:
        show_snapshots(published)
    show_potentials(list(potentials(published).values()))
    show_protocols(list(protocols(published).values()))
    show_costs(published)
    show_versions(published)
    follow(published.run, published)


def offer_runs(published: Published) -> None:
    """Let the user choose another run (``?run=``) where the folder of this one holds several."""
    folder = run_folder(sys.argv[1:])
    names = [run.name for run in runs.runs_below(folder)] if folder else []
    if not names:
        return
    chosen = st.selectbox(
        f"Run in {folder}", names, index=names.index(published.run.name), help="For all pages"
    )
    if chosen != published.run.name:
        choose_run(chosen)
        st.rerun()


def show_campaign(published: Published) -> None:
    """Show what was asked for."""
    st.subheader("Campaign")
    text = runs.campaign_text(published.run)
    if text is None:
        st.caption("The run folder has no readable campaign file: it was made by other means.")
        return
    try:
        show_facts(runs.campaign_facts(published.run))
    except SettingsError as error:
        st.warning(f"This version cannot read the campaign file: {display.verbatim(str(error))}")
    with st.expander("campaign.toml"):
        st.code(text, language="toml")
        st.download_button(
            "Download it",
            lambda: text,
            "campaign.toml",
            "application/toml",
            on_click="ignore",
            icon=":material/download:",
        )


def show_snapshots(published: Published) -> None:
    """Show the published snapshots and their age."""
    st.subheader("Snapshots")
    now = datetime.now(UTC)
    found = runs.snapshots(published.run, published.version)
    st.dataframe(
        pa.table(
            {
                "version": [item.version for item in found],
                "published [UTC]": [item.published_at.replace(tzinfo=None) for item in found],
                "age": [display.ago(now - item.published_at) for item in found],
                "size [MB]": [item.size / runs.MEGABYTE for item in found],
                "shown": [item.shown for item in found],
            }
        ),
        hide_index=True,
        height="content",
        column_config={
            "published [UTC]": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
            "size [MB]": st.column_config.NumberColumn(format="%.1f"),
        },
        key="snapshots",
    )
    show_facts(runs.folder_facts(published.run))


def show_potentials(found: list[Row]) -> None:
    """Show everything that is known of the potentials."""
    st.subheader("Potentials")
    if not found:
        st.caption("No potential has computed anything yet.")
        return
    headers = {name: header for name, header in POTENTIAL_HEADERS.items() if name in found[0]}
    st.dataframe(
        pa.table({header: [row[name] for row in found] for name, header in headers.items()}),
        hide_index=True,
        height="content",
        column_config={"published κ_SRME": st.column_config.NumberColumn(format="%.3f")},
        key="potentials",
    )


def show_protocols(found: list[Row]) -> None:
    """Show all values of the protocols."""
    st.subheader("Protocols")
    if not found:
        st.caption("No protocol has been used yet.")
    for row in found:
        with st.expander(f"{row['name']} · {row['protocol_digest']}"):
            st.caption(display.verbatim(row["description"] or ""))
            st.json(row["settings"], expanded=1)


def show_costs(published: Published) -> None:
    """Show cost per stage and potential."""
    st.subheader("Cost by stage and potential")
    sql, found = costs(published)
    if not len(found):
        st.caption("Nothing has been computed yet.")
        return
    st.plotly_chart(costs_by_potential(found), key="costs", alt="Wall time by stage and potential")
    shown = in_hours(found)
    st.dataframe(
        shown,
        hide_index=True,
        height="content" if len(found) < 15 else 480,
        column_config={
            name: st.column_config.NumberColumn(format="%.3g")
            for name in ("wall [h]", "CPU [h]", "median wall [s]", "most memory [MB]")
        },
        key="cost_table",
    )
    left, right = st.columns([1, 3])
    left.download_button(
        "Download this table as CSV",
        partial(exported.csv, shown),
        f"{published.run.name}-costs-v{published.version}.csv",
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )
    with right.expander("SQL (times in seconds)"):
        st.code(sql, language="sql")


def in_hours(costs: pa.Table) -> pa.Table:
    """Return the table as it is shown: sums of time in hours."""
    columns = {}
    for name, header in COST_HEADERS.items():
        values = costs[name].to_pylist()
        if header.endswith("[h]"):
            values = [None if value is None else value / 3600 for value in values]
        columns[header] = values
    return pa.table(columns)


def show_versions(published: Published) -> None:
    """Show which packages made the outcomes."""
    st.subheader("Versions")
    found = package_versions(published)
    if not len(found):
        st.caption("Nothing has been computed yet.")
        return
    if runs.mixed(found):
        st.caption("Outcomes were made by different versions: compare with care.")
    st.dataframe(found, hide_index=True, height="content", key="versions")


main()
