"""How far a campaign is, and what its stages have cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
WHOLE = ",~d"  # of an axis that counts
LARGE = 100.0
MARKED = 40  # points, of a curve that marks them
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
                texttemplate="%{x:,}",
                insidetextanchor="middle",
                textangle=0,  # else narrow bars have them upright
                hovertemplate=f"%{{x:,}} {status}<extra>%{{y}}</extra>",
            )
    fig.update_layout(barmode="stack", bargap=0.35, legend={"traceorder": "normal"})
    fig.update_xaxes(rangemode="tozero", tickformat=WHOLE)
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
        text=[_amount(row["wall_s"] / seconds) for row in rows],
        hovertemplate=(
            f"%{{x:.3g}} {unit}, %{{customdata[0]}} computations, "
            "%{customdata[1]} cells evaluated<extra>%{y}</extra>"
        ),
    )
    fig.update_yaxes(automargin=True, title=None, showgrid=False)
    return fig


def funnel_bars(steps: Sequence[tuple[str, int, str]]) -> go.Figure:
    """Plot how many materials have come to each step, the first step on top.

    Parameters
    ----------
    steps
        Name, number of materials and meaning of each step.
    """
    names = [name for name, _, _ in steps][::-1]
    numbers = [number for _, number, _ in steps][::-1]
    before = [numbers[min(index + 1, len(numbers) - 1)] for index in range(len(numbers))]
    parts = [
        number / other if other else 0.0 for number, other in zip(numbers, before, strict=True)
    ]
    fig = style.figure("materials", "", height=90 + ROW_HEIGHT * len(names))
    fig.add_bar(
        x=numbers,
        y=names,
        customdata=[[meaning] for _, _, meaning in steps][::-1],
        orientation="h",
        marker={"color": style.BLUE},
        text=[
            f"{number:,}"
            if index == len(numbers) - 1
            else f"{number:,} ({part:.0%} of the step before)"
            for index, (number, part) in enumerate(zip(numbers, parts, strict=True))
        ],
        hovertemplate="%{x:,}: %{customdata[0]}<extra>%{y}</extra>",
    )
    fig.update_xaxes(rangemode="tozero", tickformat=WHOLE)
    fig.update_yaxes(automargin=True, title=None, showgrid=False)
    return fig


def progress_curve(finished: pa.Table) -> go.Figure:
    """Plot how many outcomes had ended at which moment.

    Parameters
    ----------
    finished
        Columns ``moment``, UTC, and ``outcomes``, both rising.
    """
    fig = style.figure("finished at [UTC]", "outcomes", height=260)
    fig.add_scatter(
        x=finished["moment"].to_pylist(),
        y=finished["outcomes"].to_pylist(),
        mode="lines+markers" if len(finished) < MARKED else "lines",
        line={"color": style.BLUE, "shape": "hv"},
        hovertemplate="%{y:,} by %{x}<extra></extra>",
    )
    fig.update_yaxes(rangemode="tozero", tickformat=WHOLE)
    return fig


def _amount(value: float) -> str:
    """Write three significant digits, large numbers in whole."""
    return f"{value:,.0f}" if value >= LARGE else f"{value:.3g}"


def time_unit(seconds: float) -> tuple[float, str]:
    """Return the largest unit of which there is at least one: its length in s, and its name."""
    for length, name in UNITS:
        if seconds >= length:
            return length, name
    return UNITS[-1]
