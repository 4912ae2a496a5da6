"""Where κ_C is large and the Boltzmann equation alone fails: over materials and temperature."""

from __future__ import annotations

import pyarrow as pa
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import cached, data, display, regimes
from dashboard.charts.regimes import carrier_bins, carrier_scatter, share_map, share_trend
from dashboard.data import Published, ResultSet, snapshot
from dashboard.downloads import offer
from dashboard.linking import open_material, show_sql
from dashboard.regimes import Question
from dashboard.results import choose_results
from dashboard.session import follow, open_run
from screen.core.verdicts import MIXED_FROM

MAPPED = 40  # materials of the map
SHOWN = 500  # materials of the table
POINTS = 2000  # materials up to which each has its own point
ROOM_TEMPERATURE = 300.0  # K


def main() -> None:
    """Build the page."""
    published = open_run()
    st.title("Regimes")
    st.caption(
        "κ = κ_P + κ_C: populations drift as particles, which is all that the Boltzmann transport "
        "equation (BTE) sees; coherences tunnel between bands. Where κ_C/κ is large, the BTE "
        "fails. Where overdamped phonons carry much of κ, there are no quasiparticles either: "
        "doubt κ itself (Simoncelli, Marzari, Mauri, PRX 12, 041011, 2022)."
    )
    left, middle, right = st.columns(3, gap="large")
    chosen = choose_results(
        left,
        (item for item in data.result_sets(published) if item.model is not None),
        "Regimes are those of one potential: shares have no median",
    )
    grid = data.temperatures(published, chosen) if chosen else []
    if chosen is None or not grid:
        st.info("There is no conductivity yet. The overview says what has been computed.")
        follow(published.run, published)
        st.stop()
    question = choose_question(middle, right, chosen, grid)
    left, right = st.columns(2, gap="large")
    with left:
        show_trend(published, question)
    with right:
        show_carriers(published, question, chosen)
    show_map(published, question)
    show_materials(published, question, chosen)
    follow(published.run, published)


def choose_question(
    left: DeltaGenerator, right: DeltaGenerator, chosen: ResultSet, grid: list[float]
) -> Question:
    """Let the user choose temperature and threshold."""
    temperature = min(grid, key=lambda value: abs(value - ROOM_TEMPERATURE))
    if len(grid) > 1:
        temperature = left.select_slider(
            "Temperature [K]",
            grid,
            value=temperature,
            format_func=lambda value: f"{value:g}",
            key="T",
            bind="query-params",
        )
    else:
        left.metric("Temperature", f"{temperature:g} K")
    percent = right.slider(
        "The BTE fails from κ_C/κ [%]",
        min_value=0,
        max_value=100,
        value=round(100 * MIXED_FROM),
        step=5,
        key="from",
        bind="query-params",
        help="Share of the coherences in κ from which materials are counted and listed",
    )
    return Question(str(chosen.model), chosen.protocol, float(temperature), percent / 100)


def show_trend(published: Published, question: Question) -> None:
    """Show the distribution over all materials against temperature."""
    st.subheader("All materials")
    sql = regimes.trend_sql(question)
    found = cached.answer(published, sql)
    if not len(found):
        st.caption("No material has a conductivity above zero.")
        return
    counted = max(found["materials"].to_pylist())
    st.caption(f"Over {counted:,} materials.")
    st.plotly_chart(
        share_trend(found, question.threshold),
        key="trend",
        alt="Distribution of the share of coherences against temperature",
    )
    show_sql(sql)


def show_map(published: Published, question: Question) -> None:
    """Show the materials in which coherences carry most."""
    st.subheader("Where coherences carry most")
    sql = regimes.map_sql(question, MAPPED)
    found = cached.answer(published, sql)
    st.caption(f"The {len(found)} materials with the largest κ_C/κ at {question.temperature:g} K.")
    if len(found):
        st.plotly_chart(
            share_map(found), key="map", alt="Share of coherences by material and temperature"
        )
    show_sql(sql)


def show_carriers(published: Published, question: Question, chosen: ResultSet) -> None:
    """Show what kind of phonon carries the heat at 300 K."""
    st.subheader("Kinds of carriers at 300 K")
    if not cached.has_shares(published):
        st.caption("This run was made before the shares of carriers were stored.")
        return
    counted = cached.answer(published, regimes.count_sql(question))
    many = counted["materials"][0].as_py() > POINTS
    sql = regimes.binned_carriers_sql(question) if many else regimes.carriers_sql(question)
    found = cached.answer(published, sql)
    if not len(found):
        st.caption("No material has shares at 300 K: the temperature grid does not reach it.")
        return
    if many:
        st.caption(f"Materials per square of {100 // regimes.BINS} %.")
        st.plotly_chart(carrier_bins(found), key="carriers", alt="Kinds of carriers, counted")
    else:
        st.caption("Click a point to open the material.")
        event = st.plotly_chart(
            carrier_scatter(found),
            key="carriers",
            on_select="rerun",
            selection_mode="points",
            alt="Kinds of carriers",
        )
        for point in event["selection"]["points"]:
            if point.get("customdata"):
                open_material(point["customdata"][0], chosen)
    show_sql(sql)


def show_materials(published: Published, question: Question, chosen: ResultSet) -> None:
    """List the materials from the threshold on."""
    sql = regimes.materials_sql(question, SHOWN + 1, cached.has_shares(published))
    found = cached.answer(published, sql)
    st.subheader(
        f"Materials with κ_C/κ ≥ {100 * question.threshold:g} % at {question.temperature:g} K"
    )
    if not len(found):
        st.info(
            "There is none: here the BTE is good enough for all. Lower the threshold for others."
        )
        return
    more, found = len(found) > SHOWN, found.slice(0, SHOWN)
    which = f" The first {SHOWN:,}; raise the threshold for fewer." if more else ""
    st.caption(f"Materials: {len(found):,}.{which} Select a row to open it.")
    show_table(found, question, chosen)
    everything = regimes.materials_sql(question, None, cached.has_shares(published))
    offer(
        published,
        f"regimes-{question.temperature:g}K",
        everything,
        lambda: snapshot(published).query(everything),
        regimes.table_columns(question.temperature),
    )


def show_table(found: pa.Table, question: Question, chosen: ResultSet) -> None:
    """Show the rows; selecting one opens it."""
    columns = regimes.table_columns(question.temperature)
    event = st.dataframe(
        display.shown_table(found, columns),
        hide_index=True,
        height="content" if len(found) < 15 else 480,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            column.header: st.column_config.NumberColumn(help=column.description, format="%.3g")
            if column.sql_type == "DOUBLE"
            else st.column_config.Column(help=column.description)
            for column in columns
        },
        key="table",
    )
    if event.selection.rows:
        open_material(found["material_id"][event.selection.rows[0]].as_py(), chosen)


main()
