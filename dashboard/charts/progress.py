"""How far a campaign is, and what its stages have cost."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import style

STATUS_COLOURS: Mapping[str, str] = {
    "complete": style.GREEN,
    "partial": style.ORANGE,
    "failed": style.VERMILLION,
    "not_selected": style.SKY,
    "over_budget": style.PURPLE,
    "pending": style.GREY,
}
ROW_HEIGHT = 34  # px
UNITS = ((3600.0, "h"), (60.0, "min"), (1.0, "s"))


def status_bars(counts: pa.Table) -> go.Figure:
    """Plot materials by status, one bar per potential and protocol.

    Parameters
    ----------
    counts
        Columns ``model``, ``protocol``, ``status`` and ``materials``.
    """
    rows = counts.to_pylist()
    names = list(dict.fromkeys(_name(row) for row in rows))
    fig = style.figure("materials", "", height=90 + ROW_HEIGHT * len(names))
    for status, colour in STATUS_COLOURS.items():
        found = [row for row in rows if row["status"] == status]
        if found:
            fig.add_bar(
                x=[row["materials"] for row in found],
                y=[_name(row) for row in found],
                name=status,
                orientation="h",
                marker={"color": colour},
                texttemplate="%{x}",
                insidetextanchor="middle",
                hovertemplate=f"%{{x}} {status}<extra>%{{y}}</extra>",
            )
    fig.update_layout(barmode="stack", bargap=0.35, legend={"traceorder": "normal"})
    fig.update_xaxes(rangemode="tozero")
    fig.update_yaxes(automargin=True, title=None, showgrid=False)
    return fig


def _name(row: Mapping[str, object]) -> str:
    """Return what has computed a row."""
    return " · ".join(str(row[key]) for key in ("model", "protocol") if row[key]) or "not started"


def cost_bars(costs: pa.Table) -> go.Figure:
    """Plot the wall time of each stage, the costliest on top.

    Parameters
    ----------
    costs
        Columns ``stage``, ``wall_s``, ``executions`` and ``evaluations``, the costliest first.
    """
    rows = costs.to_pylist()[::-1]
    seconds, unit = time_unit(max((row["wall_s"] for row in rows), default=0.0))
    fig = style.figure(f"wall time [{unit}]", "", height=90 + ROW_HEIGHT * len(rows))
    fig.add_bar(
        x=[row["wall_s"] / seconds for row in rows],
        y=[row["stage"] for row in rows],
        customdata=[[row["executions"], row["evaluations"]] for row in rows],
        orientation="h",
        marker={"color": style.BLUE},
        texttemplate="%{x:.3g}",
        hovertemplate=(
            f"%{{x:.3g}} {unit}, %{{customdata[0]}} computations, "
            "%{customdata[1]} cells evaluated<extra>%{y}</extra>"
        ),
    )
    fig.update_yaxes(automargin=True, title=None, showgrid=False)
    return fig


def time_unit(seconds: float) -> tuple[float, str]:
    """Return the largest unit of which there is at least one: its length in s, and its name."""
    for length, name in UNITS:
        if seconds >= length:
            return length, name
    return UNITS[-1]
