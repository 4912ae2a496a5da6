"""The best insulators and heat spreaders at one temperature: linked plot and table."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import data, display
from dashboard.charts.ranking import AXES, ranking_scatter, with_value
from dashboard.data import Published, ResultSet
from dashboard.filters import Filters, Match
from dashboard.session import open_run
from screen.core.columns import Column
from screen.core.errors import SettingsError
from screen.core.substrates import expansion_to_match, substrates
from screen.ranking import COLUMNS as RANKING_COLUMNS
from screen.ranking import MATCH_COLUMNS, MAX_MISMATCH, RANKINGS

SHOWN = 500  # materials
ROOM_TEMPERATURE = 300.0  # K
LAST = ("material_id", "prototype", "model", "protocol", "temperature", "status")
COLUMNS = tuple(sorted(RANKING_COLUMNS + MATCH_COLUMNS, key=lambda column: column.name in LAST))
WHERE_THERE = ("kappa_spread", "expansion_spread", "models_disagree", "fc3_fit_poor")
OTHER_VALUE = "another value"
PPM = 1e-6  # 1/K


def main() -> None:
    """Build the page."""
    published = open_run()
    st.title("Ranking")
    chosen = choose_results(published)
    grid = data.temperatures(published, chosen) if chosen else []
    if chosen is None or not grid:
        st.info("There is no conductivity to rank yet. The overview says what has been computed.")
        st.stop()
    left, middle, right = st.columns([5, 5, 6], gap="medium")
    kind, temperature = choose_ranking(left, right, grid)
    filters = choose_filters(published, temperature)
    match = choose_match()
    try:
        table = data.ranked(published, kind, chosen, filters, SHOWN + 1, match)
    except SettingsError as error:
        st.warning(str(error))
        st.stop()
    more, table = len(table) > SHOWN, table.slice(0, SHOWN)
    if not len(table):
        st.info("No stable material passes the filters: widen them in the sidebar.")
        st.stop()
    say_match(kind, match)
    brushed = show_scatter(middle, table, chosen, match)
    show_table(table if brushed is None else brushed, chosen, more)
    download(table if brushed is None else brushed, kind, chosen, published)


def choose_results(published: Published) -> ResultSet | None:
    """Let the user choose a potential, or the median of all, under one protocol."""
    sets = {item.label: item for item in data.result_sets(published)}
    if not sets:
        return None
    label = st.sidebar.selectbox(
        "Potential · protocol",
        list(sets),
        key="results",
        bind="query-params",
        help="With several potentials: their median, ± half their range. Protocols never mix",
    )
    return sets[str(label)]


def choose_ranking(
    left: DeltaGenerator, right: DeltaGenerator, grid: list[float]
) -> tuple[str, float]:
    """Let the user choose what to look for, and the temperature in K."""
    kind = left.segmented_control(
        "Look for",
        list(RANKINGS),
        default=next(iter(RANKINGS)),
        required=True,
        key="kind",
        bind="query-params",
    )
    start = min(grid, key=lambda value: abs(value - ROOM_TEMPERATURE))
    if len(grid) == 1:
        right.metric("Temperature", f"{grid[0]:g} K")
        return str(kind), grid[0]
    temperature = right.select_slider(
        "Temperature [K]",
        grid,
        value=start,
        format_func=lambda value: f"{value:g}",
        key="T",
        bind="query-params",
    )
    return str(kind), float(temperature)


def choose_filters(published: Published, temperature: float) -> Filters:
    """Let the user narrow the ranking."""
    bar, symbols = st.sidebar, data.elements(published)
    contains = bar.multiselect("Contains", symbols, key="with", bind="query-params")
    lacks = bar.multiselect("Does not contain", symbols, key="without", bind="query-params")
    prototypes = bar.multiselect(
        "Prototype", data.prototypes(published), key="prototype", bind="query-params"
    )
    left, right = bar.columns(2)
    low = left.number_input(
        "κ from [W/m/K]",
        value=None,
        min_value=0.0,
        step=1.0,
        format="%.4g",
        key="from",
        bind="query-params",
    )
    high = right.number_input(
        "κ to [W/m/K]",
        value=None,
        min_value=0.0,
        step=1.0,
        format="%.4g",
        key="to",
        bind="query-params",
    )
    complete = bar.toggle(
        "Complete results only",
        key="complete",
        bind="query-params",
        help="Leave out materials of which another property failed",
    )
    bar.caption("Only dynamically stable crystals are ranked.")
    return Filters(
        temperature, tuple(contains), tuple(lacks), tuple(prototypes), low, high, complete
    )


def choose_match() -> Match | None:
    """Let the user choose a substrate whose expansion is to be matched, and how closely."""
    bar = st.sidebar
    name = bar.selectbox(
        "Match expansion of",
        [*substrates(), OTHER_VALUE],
        index=None,
        placeholder="no substrate",
        key="match",
        bind="query-params",
        help="Only materials whose α is close to that of the substrate",
    )
    if name is None:
        return None
    value: str | float = str(name)
    if name == OTHER_VALUE:
        value = PPM * bar.number_input(
            "α of the substrate [10⁻⁶/K]",
            value=3.0,
            step=0.1,
            format="%.4g",
            key="alpha",
            bind="query-params",
        )
    within = bar.number_input(
        "α within [10⁻⁶/K]",
        value=MAX_MISMATCH / PPM,
        min_value=0.01,
        step=0.1,
        format="%.4g",
        key="within",
        bind="query-params",
    )
    return Match(value, PPM * within)


def say_match(kind: str, match: Match | None) -> None:
    """Say in words which materials are left, and in which order."""
    if match is None:
        return
    what = match.expansion if isinstance(match.expansion, str) else "the substrate"
    gap = RANKINGS[kind].min_band_gap
    insulating = f" and a band gap of at least {gap:g} eV, or an unknown one," if gap else ""
    st.caption(
        f"Materials with α within {match.max_mismatch / PPM:.4g}·10⁻⁶/K of {what}{insulating} "
        "ranked by κ. Outlined: no other material is better in both κ and α."
    )


def show_scatter(
    place: DeltaGenerator, table: pa.Table, chosen: ResultSet, match: Match | None
) -> pa.Table | None:
    """Plot the materials; a click opens one, a box returns those inside, else None."""
    options = [name for name, axis in AXES.items() if len(with_value(table, axis))]
    if not options:
        return None
    name = place.selectbox(
        "Plot κ against",
        options,
        key="x",
        bind="query-params",
    )
    axis = AXES[str(name)]
    event = st.plotly_chart(
        ranking_scatter(table, axis, substrate_of(table, match)),
        key="scatter",
        on_select="rerun",
        selection_mode=("points", "box", "lasso"),
    )
    hidden = len(table) - len(with_value(table, axis))
    without = f" {hidden} without this value are in the table only." if hidden else ""
    st.caption(f"Click a point to open it, draw a box to keep its materials.{without}")
    selection = event["selection"]
    identifiers = [
        point["customdata"][0] for point in selection["points"] if point.get("customdata")
    ]
    if not identifiers:
        return None
    if not (selection["box"] or selection["lasso"]):
        open_material(identifiers[0], chosen)
    return table.filter(pc.is_in(table["material_id"], pa.array(identifiers)))


def substrate_of(table: pa.Table, match: Match | None) -> tuple[str, float] | None:
    """Return name and expansion (1/K) of what is matched."""
    if match is None:
        return None
    expansion = expansion_to_match(match.expansion, table["temperature"][0].as_py())
    return match.expansion if isinstance(match.expansion, str) else "substrate", expansion


def show_table(table: pa.Table, chosen: ResultSet, more: bool) -> None:
    """List the materials; selecting a row opens it."""
    which = f"The first {SHOWN:,} that match; narrow the filters for others." if more else ""
    st.caption(f"Materials: {len(table):,}. {which} Select a row to open it.")
    columns = columns_of(table)
    headers = {column: display.shown_column(column).header for column in columns}
    event = st.dataframe(
        display.shown_table(table, columns),
        hide_index=True,
        height="content" if len(table) < 15 else 560,
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            header: st.column_config.NumberColumn(help=column.description, format="%.4g")
            if column.sql_type == "DOUBLE"
            else st.column_config.Column(help=column.description)
            for column, header in headers.items()
        },
        key="table",
    )
    if event.selection.rows:
        open_material(table["material_id"][event.selection.rows[0]].as_py(), chosen)


def columns_of(table: pa.Table) -> tuple[Column, ...]:
    """Return the columns of the table in the order in which they are shown.

    What only several potentials or a poor fit have is hidden where there is none.
    """
    there = {name for name in table.column_names if table[name].null_count < len(table)}
    always = set(table.column_names) - set(WHERE_THERE)
    return tuple(column for column in COLUMNS if column.name in always | there)


def open_material(material_id: str, chosen: ResultSet) -> None:
    """Go to the page of a material."""
    model = {} if chosen.model is None else {"model": chosen.model}
    st.switch_page(
        "views/material.py",
        query_params={"id": material_id, **model, "protocol": chosen.protocol},
    )


def download(table: pa.Table, kind: str, chosen: ResultSet, published: Published) -> None:
    """Offer the rows that are shown as CSV."""
    name = f"{published.run.name}-{kind}-{chosen.label}-v{published.version}.csv"
    st.download_button(
        "Download these rows as CSV",
        display.csv(table, columns_of(table)),
        name.replace(" · ", "-").replace(" ", "_"),
        "text/csv",
        on_click="ignore",
        icon=":material/download:",
    )


main()
