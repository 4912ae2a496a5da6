"""A page of ranked materials: linked plot and table, at one temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import data, downloads
from dashboard.charts.ranking import Frame, ranking_scatter
from dashboard.data import Published
from dashboard.filters import Match
from dashboard.rankings import answers, controls, listing, selection, sql
from dashboard.rankings.axes import choose_criterion, choose_front
from dashboard.rankings.columns import columns_of
from dashboard.rankings.elements import periodic_table
from dashboard.rankings.facts import facts
from dashboard.rankings.question import Order, Question
from dashboard.results import choose_results
from dashboard.session import follow, open_run
from screen.core.columns import Column
from screen.core.errors import SettingsError, StoreError
from screen.ranking import RANKINGS, match_of
from screen.ranking import Match as Matched

TITLES = {"insulators": "Insulators", "heat-spreaders": "Heat-spreaders"}


def show(kind: str) -> None:
    """Build the page of a ranking in ``screen.ranking.RANKINGS``."""
    published = open_run()
    st.title(TITLES[kind])
    st.caption(RANKINGS[kind].description + ".")
    chosen = choose_results(
        st.sidebar,
        data.result_sets(published),
        "With several potentials: their median, ± half their range. Protocols never mix",
    )
    grid = answers.temperature_range(published, chosen) if chosen else None
    if chosen is None or grid is None:
        _say_why_empty(published)
        follow(published.run, published)
        st.stop()
    left, middle, right = st.columns([6, 5, 6], gap="medium")
    temperature = controls.choose_temperature(left, grid)
    filters = controls.choose_filters(published, temperature, facts(published))
    wanted = controls.choose_match()
    try:
        match = _matched(kind, temperature, wanted, facts(published))
    except SettingsError as error:
        st.warning(str(error))
        st.stop()
    criterion = choose_criterion(middle, facts(published))
    prefer, front_only = choose_front(right, kind, criterion, match)
    if st.toggle("Periodic table", key="periodic", bind=controls.IN_ADDRESS):
        periodic_table(data.elements(published))
    selection.follow_plot()
    box = selection.box(criterion)
    question = Question(kind, chosen, filters, criterion, prefer, match, front_only, box, Order())
    _say_match(kind, wanted, match)
    try:
        _show_answer(published, question, wanted)
    except StoreError as error:  # e.g. more memory than a snapshot may take
        st.error(str(error))
    follow(published.run, published)


def _matched(
    kind: str, temperature: float, wanted: Match | None, held: frozenset[str]
) -> Matched | None:
    """Return what is asked of α and gap.

    Raises
    ------
    SettingsError
        The run has no expansions, or the substrate's is not known at this temperature.
    """
    if wanted is None:
        return None
    if "expansion" not in held:
        raise SettingsError("this run has no expansions: add 'expansion' to its properties")
    return match_of(kind, temperature, wanted.expansion, wanted.max_mismatch)


def _show_answer(published: Published, question: Question, wanted: Match | None) -> None:
    """Show plot, what is selected, and table."""
    plot = st.container()
    columns = columns_of(question, facts(published))
    place = st.empty()
    bar = place.container()
    left, right = bar.columns(2, gap="large", vertical_alignment="bottom")
    pages, sizes = right.columns(2)
    ordered = replace(question, order=listing.choose_order(left, columns))
    size, asked = listing.choose_size(sizes), listing.page_asked(ordered)
    points, table = answers.shown(published, ordered, size, asked)
    if not len(points):
        place.empty()
        st.info("No stable material passes the filters: widen them in the sidebar.")
        return
    counts = points.slice(0, 1).to_pylist()[0]
    page = listing.choose_page(pages, size, counts["listed"])
    if page != asked:  # there are not so many
        table = answers.page_of(published, ordered, size, page)
    key = selection.table_key(f"{listing.digest_of(ordered)}-{size}-{page}")
    selection.follow_table(key, table["material_id"].to_pylist())
    picked = selection.picked()
    if set(picked) - set(points["material_id"].to_pylist()):
        points = answers.points(published, question, picked)
    with plot:
        _show_plot(points, question, wanted, picked)
        _say_what_is_plotted(points, counts, question)
        if picked or question.box:
            found = _picked_rows(published, question, points, picked) if picked else None
            listing.show_selection(question, found, len(picked))
    _say_what_is_listed(bar, table, counts, size * (page - 1))
    listing.show_table(table, columns, key)
    _offer(published, ordered, columns, counts["listed"])


def _picked_rows(
    published: Published, question: Question, points: pa.Table, picked: tuple[str, ...]
) -> pa.Table:
    """Return those of the picked materials that pass the filters; most are plotted."""
    found = points.filter(pc.is_in(points["material_id"], pa.array(picked)))
    if len(found) < len(picked):  # without a value on the axis they may not be among the points
        return answers.picked_rows(published, question, picked)
    return found.sort_by("rank")


def _show_plot(
    points: pa.Table, question: Question, wanted: Match | None, picked: tuple[str, ...]
) -> None:
    """Plot κ against the criterion; a click picks a material, a box lists those inside."""
    selected = st.session_state.get(selection.plot_key())
    own_box = bool(selected and selected["selection"].get("box"))
    frame: Frame | None = None
    if question.box is not None and not own_box:  # the browser draws its own
        frame = (question.box.x, question.box.kappa)
    st.plotly_chart(
        ranking_scatter(
            points, question.criterion, _substrate(wanted, question.match), picked, frame
        ),
        key=selection.plot_key(),
        on_select="rerun",
        selection_mode=("points", "box"),
    )


def _substrate(wanted: Match | None, match: Matched | None) -> tuple[str, float] | None:
    """Return name and expansion (1/K) of what is matched."""
    if wanted is None or match is None:
        return None
    name = wanted.expansion if isinstance(wanted.expansion, str) else "substrate"
    return name, match.expansion


def _say_what_is_plotted(points: pa.Table, counts: dict[str, int], question: Question) -> None:
    """Say what the plot leaves out."""
    x = question.criterion.column.name
    drawn = len(points) - points[x].null_count
    said = "Click a point to select it, draw a box to list its materials."
    if drawn < counts["plotted"]:
        said += (
            f" {drawn:,} of {counts['plotted']:,} are drawn: the best {sql.POINTS_OF_BEST}, the Pareto "
            "front and a random sample; a box lists all inside."
        )
    hidden = counts["materials"] - counts["plotted"]
    if hidden:
        said += f" {hidden:,} without this value are in the table only."
    st.caption(said)


def _say_what_is_listed(
    place: DeltaGenerator, table: pa.Table, counts: dict[str, int], before: int
) -> None:
    """Say which rows of how many the table shows."""
    place.caption(
        f"Rows {before + 1:,} to {before + len(table):,} of {counts['listed']:,}; "
        f"{counts['materials']:,} pass the filters. Mark rows to see them in the plot."
        if len(table)
        else f"No material is in the box; {counts['materials']:,} pass the filters."
    )


def _offer(
    published: Published, question: Question, columns: Sequence[Column], listed: int
) -> None:
    """Offer all rows that the table lists on its pages."""
    chosen = question.chosen
    downloads.offer(
        published,
        f"{question.kind}-{question.filters.temperature:g}K-{chosen.label}",
        sql.table_sql(question, answers.rows_of(published, chosen)),
        lambda: answers.everything(published, question),
        columns,
        listed,
    )


def _say_match(kind: str, wanted: Match | None, match: Matched | None) -> None:
    """Say in words which materials are left, and in which order."""
    if wanted is None or match is None:
        return
    what = wanted.expansion if isinstance(wanted.expansion, str) else "the substrate"
    gap = RANKINGS[kind].min_band_gap
    insulating = f" and a band gap of at least {gap:g} eV, or an unknown one," if gap else ""
    st.caption(
        f"Materials with α within {match.max_mismatch / controls.PPM:.4g}·10⁻⁶/K of {what}"
        f"{insulating} ranked by κ. Outlined: no other material is better in both κ and α."
    )


def _say_why_empty(published: Published) -> None:
    """Explain a page without any row."""
    if "earlier snapshot" in facts(published):
        st.info(
            "An earlier version of Thermoscreen has written this snapshot, without the table that "
            "rankings read. The next `thermoscreen run` of its campaign writes one that has it."
        )
    else:
        st.info("There is no conductivity to rank yet. The overview says what has been computed.")
