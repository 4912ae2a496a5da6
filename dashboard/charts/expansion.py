"""Linear thermal expansion against temperature."""

from __future__ import annotations

import plotly.graph_objects as go

from dashboard.charts import style
from screen.core.records import Expansion


def expansion_curve(record: Expansion) -> go.Figure:
    """Plot the mean linear expansion coefficient in 10⁻⁶/K; it may be negative."""
    fig = style.figure("T [K]", "α_L [10⁻⁶/K]")
    style.temperature_axis(fig.layout.xaxis, record.temperatures)
    fig.add_scatter(
        x=record.temperatures,
        y=1e6 * record.alpha_linear,
        mode="lines+markers",
        name="α",
        showlegend=False,
        line={"color": style.PURPLE, "width": 2.5},
        marker={"size": 6},
        hovertemplate="%{y:.3g}·10⁻⁶/K at %{x:g} K<extra></extra>",
    )
    if record.alpha_linear.min() < 0:
        style.mark_line(fig, 0.0, "")
    return fig
