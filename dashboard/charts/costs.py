"""What the stages have cost, by potential."""

from __future__ import annotations

import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import style
from dashboard.charts.progress import ROW_HEIGHT, time_unit


def costs_by_potential(costs: pa.Table) -> go.Figure:
    """Plot the wall time of each stage as a stack of potentials, the costliest on top.

    Parameters
    ----------
    costs
        Columns ``stage``, ``potential``, ``wall_s``, ``executions`` and ``evaluations``.
    """
    rows = costs.to_pylist()
    total: dict[str, float] = {}
    for row in rows:
        total[row["stage"]] = total.get(row["stage"], 0.0) + (row["wall_s"] or 0.0)
    stages = sorted(total, key=lambda stage: total[stage])
    seconds, unit = time_unit(max(total.values(), default=0.0))
    fig = style.figure(f"wall time [{unit}]", "", height=110 + ROW_HEIGHT * len(stages))
    potentials = sorted({row["potential"] for row in rows})
    for index, potential in enumerate(potentials):
        found = [row for row in rows if row["potential"] == potential]
        fig.add_bar(
            x=[(row["wall_s"] or 0.0) / seconds for row in found],
            y=[row["stage"] for row in found],
            name=potential,
            customdata=[[row["executions"], row["evaluations"]] for row in found],
            orientation="h",
            marker={"color": style.CATEGORIES[index % len(style.CATEGORIES)]},
            hovertemplate=(
                f"{potential}: %{{x:.3g}} {unit}, %{{customdata[0]}} computations, "
                "%{customdata[1]} cells evaluated<extra>%{y}</extra>"
            ),
        )
    fig.update_layout(barmode="stack", bargap=0.35, legend={"traceorder": "normal"})
    fig.update_traces(showlegend=True)
    fig.update_yaxes(
        automargin=True,
        title=None,
        showgrid=False,
        categoryorder="array",
        categoryarray=stages,
    )
    return fig
