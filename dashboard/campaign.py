"""How far a campaign is: its funnel, its pace, and what failed, counted in SQL."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import streamlit as st

from dashboard.data import Published, snapshot
from dashboard.filters import quoted
from screen.core.columns import Column
from screen.core.records import HELD_BACK
from screen.store import queries

BINS = 120  # of the curve of progress
LAST_HOUR = 3600  # s


@dataclass(frozen=True)
class Step:
    """How many materials have come so far, under any potential and protocol."""

    name: str
    materials: int
    meaning: str


@dataclass(frozen=True)
class Pace:
    """How fast outcomes come in."""

    last_hour: int  # outcomes in the last hour before the newest one
    remaining_s: float | None  # until nothing is pending, at this pace; None: not known


ESTIMATE = "κ estimated"
_STEPS = (  # name, table that it needs, SQL, meaning
    ("candidates", None, "SELECT count(*) FROM materials", "Entries that the source proposed"),
    (
        "usable crystals",
        None,
        "SELECT count(crystal_digest) FROM materials",
        "The others were refused: unreadable, partly occupied, overlapping or doubled",
    ),
    (
        "dynamically stable",
        "stability",
        "SELECT count(DISTINCT material_id) FROM stability WHERE stable",
        "No imaginary phonon, and the space group was kept",
    ),
    (
        ESTIMATE,
        "slack",
        "SELECT count(DISTINCT material_id) FROM slack WHERE kappa_slack_300 IS NOT NULL",
        "From harmonic phonons, for the funnel to judge",
    ),
    (
        "κ computed",
        "conductivity",
        "SELECT count(DISTINCT material_id) FROM conductivity",
        "By the Wigner transport equation",
    ),
)


@st.cache_data(max_entries=3, show_spinner=False)
def funnel(published: Published) -> list[Step]:
    """Count the materials that have come to each step; steps that the run does not take are left out.

    The estimate is one only where a funnel asked for it.
    """
    there = queries.property_names(snapshot(published))
    asked = [step for step in _STEPS if step[1] is None or step[1] in there]
    counts = ", ".join(f"({sql}) AS step_{index}" for index, (_, _, sql, _) in enumerate(asked))
    (row,) = snapshot(published).query(f"SELECT {counts}").to_pylist()
    return [
        Step(name, row[f"step_{index}"], meaning)
        for index, (name, _, _, meaning) in enumerate(asked)
        if row[f"step_{index}"] or name != ESTIMATE
    ]


@st.cache_data(max_entries=3, show_spinner=False)
def finished(published: Published) -> pa.Table:
    """Return ``moment``, UTC, and ``outcomes`` that had ended by then, at most ``BINS`` rows."""
    return snapshot(published).query(
        "WITH ends AS (SELECT min(finished_at) AS first, max(finished_at) AS last FROM outcomes), "
        "binned AS (SELECT least(floor(epoch(finished_at - first) / nullif(epoch(last - first), 0) "
        f"* {BINS}), {BINS - 1}) AS bin, max(finished_at) AS moment, count(*) AS number "
        "FROM outcomes, ends GROUP BY bin) "
        "SELECT moment, (sum(number) OVER (ORDER BY moment))::BIGINT AS outcomes "
        "FROM binned ORDER BY moment"
    )


@st.cache_data(max_entries=3, show_spinner=False)
def pace(published: Published, pending: int) -> Pace:
    """Return how many outcomes the last hour has brought, and how long the pending ones take."""
    (row,) = (
        snapshot(published)
        .query(
            "SELECT count(*) AS number, epoch(max(finished_at) - min(finished_at)) AS span_s "
            "FROM outcomes WHERE finished_at >= (SELECT max(finished_at) FROM outcomes) "
            f"- to_seconds({LAST_HOUR})"
        )
        .to_pylist()
    )
    if row["number"] < 2 or not row["span_s"]:
        return Pace(row["number"], None)
    per_s = (row["number"] - 1) / row["span_s"]
    return Pace(row["number"], pending / per_s if pending else None)


def failures_sql(published: Published, stage: str | None, kind: str | None) -> str:
    """Return the query of the first failure of each failed outcome, of a stage and kind or all.

    Of the log: the view ``results`` joins all properties, whatever is asked of it.
    """
    wanted = ["position = 0", f"status NOT IN {HELD_BACK}"]
    if stage is not None and kind is not None:
        wanted += [f"stage = {quoted(stage)}", f"kind = {quoted(kind)}"]
    return f"""SELECT formula, material_id, stage AS failure_stage, kind AS failure_kind,
  message AS failure_message, status, models.name AS model, protocols.name AS protocol,
  model_digest, protocol_digest
FROM {queries.log_name(snapshot(published), "failure_log")}
JOIN outcomes USING (material_id, model_digest, protocol_digest)
LEFT JOIN materials USING (material_id)
LEFT JOIN models USING (model_digest)
LEFT JOIN protocols USING (protocol_digest)
WHERE {" AND ".join(wanted)}
ORDER BY failure_stage, failure_kind, material_id, model, protocol"""


@st.cache_data(max_entries=8, show_spinner=False)
def failures(
    published: Published, stage: str | None, kind: str | None, limit: int | None
) -> pa.Table:
    """Return failed outcomes, see ``failures_sql``; None: all of them."""
    cut = "" if limit is None else f"\nLIMIT {limit}"
    return snapshot(published).query(failures_sql(published, stage, kind) + cut)


def failure_columns(columns: dict[str, Column]) -> tuple[Column, ...]:
    """Return what is shown of a failure."""
    names = ("formula", "material_id", "failure_stage", "failure_kind", "failure_message")
    return tuple(columns[name] for name in (*names, "status", "model", "protocol"))
