"""Several materials, or several potentials for one material, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard import cached, comparison, data, display, exported
from dashboard.charts.comparison import EXPANSION, PARTS, Curve
from dashboard.charts.comparison import comparison as comparison_chart
from dashboard.comparison import Entry
from dashboard.data import Published
from dashboard.session import follow, open_run

LISTED = 1000  # materials in the chooser
COMPARED = 12  # results


def main() -> None:
    """Build the page."""
    published = open_run()
    st.title("Compare")
    materials = choose_materials(published)
    if not materials:
        st.info("Choose the materials to compare above, e.g. two polymorphs or a whole family.")
        st.stop()
    found = choose_entries(published, materials)
    if not found:
        st.info("None of these materials has been computed yet.")
        follow(published.run, published)
        st.stop()
    show_curves(found)
    show_numbers(published, found)
    show_links(found)
    follow(published.run, published)


def choose_materials(published: Published) -> tuple[str, ...]:
    """Let the user choose materials; the address names them (``?materials=a,b,c``)."""
    wanted = comparison.from_address(st.query_params.get_all("materials"))
    there = cached.known(published, tuple(wanted)) if wanted else frozenset()
    if missing := [item for item in wanted if item not in there]:
        names = ", ".join(f"`{item}`" for item in missing)
        st.warning(f"This run has no material {names}: left out.")
    wanted = [item for item in wanted if item in there]
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    text = left.text_input("Search", placeholder="formula or identifier", key="search")
    found = data.materials(published, text, LISTED)
    formulas = dict(zip(*(found[name].to_pylist() for name in found.column_names), strict=True))
    options = list(dict.fromkeys([*wanted, *formulas]))
    chosen = right.multiselect(
        f"Materials (the first {LISTED:,} found)" if len(formulas) >= LISTED else "Materials",
        options,
        default=wanted,
        format_func=lambda item: f"{formulas[item]} · {item}" if formulas.get(item) else item,
        placeholder="choose materials",
    )
    if list(chosen) != wanted:
        if chosen:
            st.query_params["materials"] = ",".join(chosen)
        else:
            del st.query_params["materials"]
        st.rerun()  # a default is part of what the browser knows the widget by
    return tuple(chosen)


def choose_entries(published: Published, materials: tuple[str, ...]) -> list[Entry]:
    """Return the results to compare, of all potentials and protocols or of some."""
    rows = cached.rows_of(published, materials)
    methods = list(dict.fromkeys(comparison.method_of(row) for row in rows))
    if len(methods) > 1:
        chosen = st.multiselect(
            "Potentials · protocols",
            methods,
            key="methods",
            bind="query-params",
            placeholder="all",
            help="Numbers of different protocols are not meant to be compared with each other",
        )
        rows = [row for row in rows if not chosen or comparison.method_of(row) in chosen]
    if len(rows) > COMPARED:
        st.caption(f"{len(rows)} results; the first {COMPARED} are shown.")
    shown = rows[:COMPARED]
    computed = {row["material_id"] for row in rows}
    if waiting := [item for item in materials if item not in computed]:
        st.caption(f"Not computed yet: {', '.join(display.verbatim(item) for item in waiting)}.")
    return comparison.entries(shown, cached.grids_of(published, materials))


def show_curves(found: Sequence[Entry]) -> None:
    """Show κ(T) and α(T)."""
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("Thermal conductivity")
        part = st.segmented_control(
            "Part of κ",
            list(PARTS),
            default="κ",
            required=True,
            key="part",
            bind="query-params",
            label_visibility="collapsed",
        )
        curves = comparison.conductivities(found, str(part))
        if curves:
            st.plotly_chart(
                comparison_chart(curves, PARTS[str(part)]),
                key="conductivity",
                alt="Conductivities against temperature",
            )
        say_missing(found, curves, "conductivity")
    with right:
        st.subheader("Thermal expansion")
        curves = comparison.expansions(found)
        if curves:
            st.plotly_chart(
                comparison_chart(curves, EXPANSION),
                key="expansion",
                alt="Thermal expansions against temperature",
            )
        say_missing(found, curves, "expansion")


def say_missing(found: Sequence[Entry], curves: Sequence[Curve], what: str) -> None:
    """Name the entries without a curve, and why."""
    drawn = {curve.label for curve in curves}
    for entry in found:
        if entry.label in drawn:
            continue
        row = entry.row
        why = (
            f": {row['failure_stage']} ({row['failure_kind']})" if row.get("failure_stage") else ""
        )
        st.caption(f"No {what} of {display.verbatim(entry.label)}{display.verbatim(why)}.")


def show_numbers(published: Published, found: Sequence[Entry]) -> None:
    """Show the numbers side by side."""
    st.subheader("Numbers side by side")
    columns = data.columns(published)
    table = comparison.numbers(found, columns)
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={"quantity": st.column_config.TextColumn(pinned=True)},
        key="numbers",
    )
    offered = (
        ("this table", "numbers", partial(exported.csv, table), comparison.sql(found, columns)),
        ("the curves", "curves", partial(curves_csv, found), comparison.curves_sql(found)),
    )
    for what, name, content, sql in offered:
        left, right = st.columns([1, 3])
        left.download_button(
            f"Download {what} as CSV",
            content,
            f"{published.run.name}-{name}-v{published.version}.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        with right.expander(f"SQL of {what}"):
            st.code(sql, language="sql")


def curves_csv(found: Sequence[Entry]) -> bytes:
    """Write all points of all curves."""
    return exported.csv(comparison.curves(found))


def show_links(found: Sequence[Entry]) -> None:
    """Offer the page of each entry."""
    places = st.columns(min(len(found), 4))
    for index, entry in enumerate(found):
        places[index % len(places)].page_link(
            "views/material.py",
            label=f"Open {entry.label}",
            icon=":material/deployed_code:",
            query_params={
                "id": str(entry.row["material_id"]),
                "model": str(entry.row["model_digest"]),
                "protocol": str(entry.row["protocol_digest"]),
            },
        )


main()
