"""SQL on the newest snapshot: what there is, an editor, the answer as table, chart and files."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import data, display, querying
from dashboard.answer import chart_controls, file_buttons, name_in_address, result_table
from dashboard.charts import answer as charts
from dashboard.data import Published
from dashboard.querying import LIMITS, Asked
from dashboard.session import open_run
from screen.store.described import described, headers
from screen.store.examples import Example, examples

SQL, SAVED, KEPT, ASKED = "sql_text", "saved_query", "sql_kept", "sql_answer"
LONGEST_LINK = 4000  # characters of SQL
EDITOR = 268  # px
OWN = f"Your own query. Up to {LONGEST_LINK:,} characters the page's address holds it, for a link."
MONOSPACED = """<style>
.st-key-sql_text textarea {font-family: "Source Code Pro", monospace; font-size: 0.8rem}
</style>"""


def main() -> None:
    """Build the page."""
    published = open_run()
    querying.prepare(published)
    st.title("SQL")
    st.html(MONOSPACED)
    left, right = st.columns([3, 2], gap="large")
    with left:
        asked_again = edit()
    with right:
        show_schema(published)
    sql = str(st.session_state[SQL])
    st.session_state[KEPT] = sql
    link(sql)
    answer = answered(published, sql, asked_again, left)
    if answer is not None:
        show(published, sql, answer)


def edit() -> bool:
    """Let the user choose or write a query; say whether it is to be run again."""
    by_name = {example.name: example for example in examples()}
    if SQL not in st.session_state:  # first time on this page: the address decides
        st.session_state[SQL] = from_address(by_name)
    current = next((item for item in examples() if item.sql == st.session_state[SQL]), None)
    st.session_state[SAVED] = current.name if current else None
    st.selectbox(
        "Saved queries",
        list(by_name),
        format_func=lambda name: by_name[name].title,
        placeholder="your own",
        key=SAVED,
        on_change=load,
    )
    # always there: were the form to move, the editor would lose the focus
    st.caption(current.description if current else OWN)
    with st.form("query", border=False):
        st.text_area(
            "SQL",
            key=SQL,
            height=EDITOR,
            help="DuckDB's dialect. Ctrl+Enter (⌘+Enter) runs it; Tab leaves the editor.",
        )
        return st.form_submit_button("Run", type="primary", icon=":material/play_arrow:")


def load() -> None:
    """Put the chosen saved query into the editor."""
    chosen = next((item for item in examples() if item.name == st.session_state[SAVED]), None)
    if chosen:
        st.session_state[SQL] = chosen.sql


def from_address(by_name: dict[str, Example]) -> str:
    """Return the query that the address names, else the last one, else the first saved one."""
    name = st.query_params.get("query")
    if name is not None and name not in by_name:
        st.warning(f"There is no saved query `{display.verbatim(name)}`.")
    if "sql" in st.query_params:
        return st.query_params["sql"]
    if name in by_name:
        return by_name[name].sql
    return str(st.session_state.get(KEPT, examples()[0].sql))


def link(sql: str) -> None:
    """Make the address name the query."""
    name = next((item.name for item in examples() if item.sql == sql), None)
    own = sql if name is None and len(sql) <= LONGEST_LINK else None
    name_in_address({"query": name, "sql": own})


def answered(published: Published, sql: str, again: bool, place: DeltaGenerator) -> Asked | None:
    """Return the answer: the last one where neither query nor snapshot have changed."""
    if not sql.strip():
        st.info("Write a query, or choose a saved one.")
        return None
    question = (published, sql)
    known: tuple[tuple[Published, str], Asked] | None = st.session_state.get(ASKED)
    if known is None or known[0] != question or again:
        with place, st.spinner(f"Running, {LIMITS.seconds:g} s at most …"):
            known = (question, querying.ask(published, sql))
        st.session_state[ASKED] = known
    return known[1]


def show_schema(published: Published) -> None:
    """Show what there is to ask for."""
    found = {item.name: item for item in querying.relations(published)}
    name = st.selectbox(
        "Views, macros and tables",
        list(found),
        format_func=lambda name: f"{found[name].call} · {found[name].kind}",
        key="relation",
    )
    item = found[str(name)]
    st.caption(display.verbatim(item.description))
    columns = querying.columns_of(published, item)
    if columns:
        st.dataframe(
            {
                "column": [column.name for column in columns],
                "unit": [column.unit for column in columns],
                "meaning": [column.description for column in columns],
                "type": [column.sql_type for column in columns],
            },
            hide_index=True,
            height=EDITOR,
            column_config={
                "column": st.column_config.TextColumn(width=190, pinned=True),
                "unit": st.column_config.TextColumn(width=60),
                "meaning": st.column_config.TextColumn(width="large"),
            },
            key="schema",
        )


def show(published: Published, sql: str, answer: Asked) -> None:
    """Show the answer, or why there is none."""
    if answer.table is None:
        st.error(display.verbatim(answer.problem), icon=":material/error:")
        return
    table = answer.table
    known = described(table, querying.columns(published))
    cut = (
        f" These are the first {LIMITS.rows:,}: the page shows no more. Aggregate, add LIMIT, or "
        "use `thermoscreen sql`."
        if answer.truncated
        else ""
    )
    rows = "row" if len(table) == 1 else "rows"
    st.caption(
        f"**{len(table):,} {rows}** in {answer.seconds:.2g} s from snapshot {published.version}, "
        f"published {display.ago(data.age(published))}. Units are those of the columns of the "
        f"same name.{cut}"
    )
    if not len(table):
        st.info("No row fits the query.")
        return
    result_table(table, known)
    file_buttons(published, sql, table, known)
    suggestion = charts.suggested(table)
    if suggestion is None:
        st.caption("No chart: the rows have no number to draw, or a single one each.")
        return
    st.subheader("Chart")
    choice = chart_controls(table, suggestion)
    drawn = len(charts.drawable(table, choice))
    st.plotly_chart(
        charts.chart(table, choice, dict(zip(table.column_names, headers(known), strict=True))),
        key="chart",
        alt=f"{choice.y} against {choice.x}",
    )
    if drawn < len(table):
        st.caption(f"{len(table) - drawn:,} rows without a value on one of the axes are left out.")


main()
