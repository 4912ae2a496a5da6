"""Cached answers to the questions of a page of ranked materials."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from dashboard.data import Published, ResultSet, snapshot
from dashboard.rankings import sql
from dashboard.rankings.facts import facts, pooled_models
from dashboard.rankings.question import Question
from dashboard.rankings.rows import Rows


@st.cache_data(max_entries=3, show_spinner=False)
def temperature_range(published: Published, chosen: ResultSet) -> tuple[float, float] | None:
    """Return the lowest and highest temperature in K of any conductivity; None without any."""
    if "ranking" not in facts(published):
        return None
    (found,) = (
        snapshot(published)
        .query(
            "SELECT min(list_min(temperatures)) AS low, max(list_max(temperatures)) AS high "
            "FROM conductivity "
            "WHERE ($model IS NULL OR model_digest = $model) AND protocol_digest = $protocol",
            {"model": chosen.model, "protocol": chosen.protocol},
        )
        .to_pylist()
    )
    return None if found["low"] is None else (found["low"], found["high"])


def rows_of(published: Published, chosen: ResultSet) -> Rows:
    """Return whose numbers are ranked."""
    models = pooled_models(published) if chosen.model is None else (chosen.model,)
    return Rows(models, facts(published))


@st.cache_data(max_entries=32, show_spinner=False)
def shown(
    published: Published, question: Question, size: int, page: int
) -> tuple[pa.Table, pa.Table]:
    """Return what is plotted and one page of the table, see ``sql.shown_sql``.

    Returns
    -------
    The rows of ``points`` and of ``page_of``; both have the columns of both, and the counts.
    """
    asked = sql.shown_sql(question, _rows(published, question), size, page)
    found = snapshot(published).query(asked)
    plot, table = (found.filter(pc.equal(found["part"], part)) for part in (1, 2))
    return plot, table


@st.cache_data(max_entries=64, show_spinner=False)
def page_of(published: Published, question: Question, size: int, page: int) -> pa.Table:
    """Return one page of the table."""
    return snapshot(published).query(sql.page_sql(question, _rows(published, question), size, page))


@st.cache_data(max_entries=32, show_spinner=False)
def points(published: Published, question: Question, picked: Sequence[str] = ()) -> pa.Table:
    """Return what is plotted, at most ``sql.POINTS``; see ``sql.points_sql``."""
    return snapshot(published).query(sql.points_sql(question, _rows(published, question), picked))


@st.cache_data(max_entries=64, show_spinner=False)
def picked_rows(published: Published, question: Question, picked: Sequence[str]) -> pa.Table:
    """Return the rows of some materials, whether the page lists them or not."""
    return snapshot(published).query(sql.picked_sql(question, _rows(published, question), picked))


def everything(published: Published, question: Question) -> pa.Table:
    """Return all rows that the page lists, on all its pages."""
    return snapshot(published).query(sql.table_sql(question, _rows(published, question)))


def _rows(published: Published, question: Question) -> Rows:
    return rows_of(published, question.chosen)
