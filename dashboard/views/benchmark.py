"""Conductivities against their references, compound by compound, and beside published figures."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import streamlit as st

from dashboard import cached, data
from dashboard.benchmark import answers, columns, leaderboard, questions
from dashboard.benchmark.questions import Question
from dashboard.benchmark.tables import choose_row, show_table
from dashboard.charts.leaderboard import leaderboard as leaderboard_chart
from dashboard.charts.parity import parity_bins, parity_scatter
from dashboard.charts.style import Scale
from dashboard.data import Published, ResultSet, snapshot
from dashboard.downloads import offer
from dashboard.linking import open_material, show_sql
from dashboard.results import choose_results
from dashboard.session import follow, open_run

SHOWN = 500  # compounds of the table
POINTS = 2000  # compounds up to which each has its own point
SCALES: tuple[Scale, ...] = ("log", "linear")


def main() -> None:
    """Build the page."""
    published = open_run()
    st.title("Benchmark")
    st.caption(
        "κ at 300 K against the reference that the source gives, the only temperature that has "
        "one. SRD = 2 (κ − κ_ref)/(κ + κ_ref), SRE = |SRD|, SRME = the same mode by mode: 0 is "
        "exact, 2 the worst, which is also the score of a crystal that failed or was found "
        "unstable (Póta et al., arXiv 2408.00755)."
    )
    left, right = st.columns([2, 1], gap="large", vertical_alignment="bottom")
    chosen = choose_results(
        left,
        sets_judged(published),
        "One potential at a time: medians over potentials are not judged",
    )
    if chosen is None:
        say_why_empty(published)
        follow(published.run, published)
        st.stop()
    question = Question(str(chosen.model), chosen.protocol, answers.has_modes(published))
    scores = cached.answer(published, questions.scores_sql(question))
    show_scores(scores)
    compounds = int(scores["compounds"][0].as_py())
    left, right = st.columns(2, gap="large")
    with left:
        show_parity(published, question, chosen, compounds)
    with right:
        show_leaderboard(published, question, chosen)
    show_prototypes(published, question)
    show_compounds(published, question, chosen, compounds)
    follow(published.run, published)


def sets_judged(published: Published) -> list[ResultSet]:
    """Return the potentials and protocols that have something to compare with."""
    judged = answers.judged(published)
    found = data.result_sets(published)
    return [item for item in found if (str(item.model), item.protocol) in judged]


def say_why_empty(published: Published) -> None:
    """Say what is missing."""
    if not answers.has_view(published):
        st.info(
            "This snapshot was published by an earlier version, which did not judge. The next "
            "campaign or `thermoscreen store rebuild` on this run publishes one that does."
        )
    elif known := answers.references(published):
        st.info(
            f"Materials of this run with a reference: {known:,}. None of them has a result at "
            "300 K yet, or the campaign does not ask for conductivities."
        )
    else:
        st.info(
            "**No material of this run has a reference conductivity.** Those of the source "
            '`benchmark` have: `[source] name = "benchmark"` in a campaign file computes the 103 '
            "compounds of phononDB-PBE, or some of them."
        )


def show_scores(scores: pa.Table) -> None:
    """Show the scores over all compounds."""
    (row,) = scores.to_pylist()
    shown = {column.name: column for column in columns.SCORES}
    missing = row["compounds"] - row["with_kappa"]
    values = {
        "compounds": f"{row['compounds']:,}",
        "mean_srme": decimals(row["mean_srme"]),
        "mean_sre": decimals(row["mean_sre"]),
        "mean_srd": decimals(row["mean_srd"]),
        "within_factor": f"{100 * row['within_factor']:.3g} %",
        "log_error": decimals(row["log_error"]),
        "spearman": decimals(row["spearman"]),
    }
    for place, (name, value) in zip(st.columns(len(values)), values.items(), strict=True):
        place.metric(
            shown[name].label,
            value,
            delta=f"{missing:,} without κ" if name == "compounds" and missing else None,
            delta_arrow="off",
            delta_color="off",
            help=shown[name].description,
            border=True,
            height="stretch",
        )


def decimals(value: float | None) -> str:
    """Write a score; absent is a dash."""
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def show_parity(
    published: Published, question: Question, chosen: ResultSet, compounds: int
) -> None:
    """Show κ against the reference."""
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    left.subheader("Parity")
    many = compounds > POINTS
    sql = questions.binned_parity_sql(question) if many else questions.parity_sql(question)
    found = cached.answer(published, sql)
    if many:
        st.caption(f"Compounds with κ per square of 1/{questions.BINS} decade.")
        st.plotly_chart(
            parity_bins(found, questions.FACTOR), key="parity", alt="Parity plot, counted"
        )
    else:
        scale = right.segmented_control(
            "Axes",
            SCALES,
            default="log",
            required=True,
            key="axes",
            bind="query-params",
            label_visibility="collapsed",
        )
        st.caption("Click a point to open the material.")
        event = st.plotly_chart(
            parity_scatter(found, questions.FACTOR, scale),
            key="parity",
            on_select="rerun",
            selection_mode="points",
            alt="Conductivity of the potential against the reference",
        )
        for point in event["selection"]["points"]:
            if point.get("customdata"):
                open_material(point["customdata"][0], chosen)
    show_sql(sql)


def show_prototypes(published: Published, question: Question) -> None:
    """Show the scores by prototype."""
    st.subheader("By prototype")
    sql = questions.prototypes_sql(question)
    show_table(cached.answer(published, sql), columns.PROTOTYPES, key="prototypes")
    show_sql(sql)


def show_leaderboard(published: Published, question: Question, chosen: ResultSet) -> None:
    """Show the run's potentials beside published ones."""
    st.subheader("Beside published potentials")
    sql = questions.potentials_sql(question)
    scores = cached.answer(published, sql).to_pylist()
    tried = cached.answer(published, questions.tried_sql(question))["material_id"].to_pylist()
    by_modes = all(row["with_srme"] == row["compounds"] for row in scores)
    same = leaderboard.over(tried, by_modes) if len(tried) < questions.PUBLISHED else {}
    found = leaderboard.places(leaderboard.cards(), scores, same)
    st.caption(warning(scores, chosen))
    st.plotly_chart(leaderboard_chart(found), key="leaderboard", alt="Errors of potentials")
    with st.expander("Sources, training sets, citations"):
        show_table(leaderboard.table(found), columns.LEADERBOARD, key="places")
    show_sql(sql)


def warning(scores: Sequence[dict[str, object]], chosen: ResultSet) -> str:
    """Say how far the run's numbers and the published ones are comparable."""
    text = ""
    if any(row["with_srme"] != row["compounds"] for row in scores):
        text += (
            "κ_SRME compares the conductivity of every mode, which `thermoscreen benchmark --run "
            "RUN` does; until then the run has the SRE, which compares only the total and is "
            "never larger than the SRME of the same compounds. "
        )
    unlike = [
        row
        for row in scores
        if not leaderboard.same_conditions(int(str(row["compounds"])), chosen.protocol)
    ]
    if unlike:
        text += (
            f"Other conditions: published figures are means over {questions.PUBLISHED} "
            f"compounds under the protocol {leaderboard.PROTOCOL}."
        )
    return text


def show_compounds(
    published: Published, question: Question, chosen: ResultSet, compounds: int
) -> None:
    """List the compounds, the worst first."""
    st.subheader("Compounds")
    found = cached.answer(published, questions.compounds_sql(question, SHOWN))
    which = f"The worst {SHOWN:,} of {compounds:,}. " if compounds > SHOWN else ""
    st.caption(f"The worst first. {which}Select a row to open it.")
    row = choose_row(found, columns.COMPOUNDS, key="compounds")
    if row is not None:
        open_material(found["material_id"][row].as_py(), chosen)
    everything = questions.compounds_sql(question, None)
    offer(
        published,
        "benchmark",
        everything,
        lambda: snapshot(published).query(everything),
        columns.COMPOUNDS,
        compounds,
    )


main()
