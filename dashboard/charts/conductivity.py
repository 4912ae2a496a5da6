"""κ(T), split into populations and coherences."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from dashboard.charts import axes, style
from dashboard.spread import Spread
from screen.core.experiment import Measurement
from screen.core.records import Conductivity
from screen.core.voigt import mean_diagonal

HOVER = "%{y:.3g} W/m/K at %{x:g} K"
MEASURED = {"kappa": "experiment", "kappa_a": "experiment ⟂ c"}


def conductivity_curve(
    record: Conductivity,
    reference_300: float | None = None,
    scale: style.Scale = "log",
    spread: Spread | None = None,
    measured: Sequence[Measurement] = (),
) -> go.Figure:
    """Plot κ = κ_P + κ_C, the mean of xx, yy and zz, against temperature.

    Parameters
    ----------
    reference_300
        Reference conductivity at 300 K in W/m/K.
    spread
        Range of κ over several potentials, in W/m/K.
    measured
        Experiments on this crystal.
    """
    kappa_p, kappa_c = mean_diagonal(record.kappa_p), mean_diagonal(record.kappa_c)
    fig = style.figure(axes.TEMPERATURE, axes.KAPPA)
    style.temperature_axis(fig.layout.xaxis, record.temperatures)
    if scale == "log":
        style.log_axis(fig.layout.yaxis, kappa_p, kappa_c[kappa_c > 0])
    if spread is not None:
        style.add_range(fig, spread.temperatures, spread.low, spread.high, spread.potentials)
    parts = (
        ("κ = κ_P + κ_C", kappa_p + kappa_c, style.BLUE, "solid"),
        ("κ_P (populations)", kappa_p, style.GREEN, "dash"),
        ("κ_C (coherences)", kappa_c, style.ORANGE, "dot"),
    )
    for name, values, colour, dash in parts:
        fig.add_scatter(
            x=record.temperatures,
            y=values,
            name=style.pretty(name),
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2.5},
            marker={"size": 6},
            hovertemplate=HOVER,
        )
    if reference_300 is not None:
        _add_reference(fig, reference_300)
    for item in measured:
        _add_measured(fig, item)
    return fig


def _add_measured(fig: go.Figure, item: Measurement) -> None:
    """Add a measured conductivity; a mean over temperatures, or one without, is not drawn."""
    if item.property not in MEASURED or item.temperature is None or item.temperature_to is not None:
        return
    fig.add_scatter(
        x=[item.temperature],
        y=[item.value],
        name=MEASURED[item.property],
        mode="markers",
        marker={"symbol": "diamond", "size": 11, "color": style.PURPLE},
        error_y={"array": [item.uncertainty or 0.0], "color": style.PURPLE},
        hovertemplate=f"{HOVER}<br>{item.citation}<extra></extra>",
    )


def _add_reference(fig: go.Figure, value: float) -> None:
    """Mark the reference figure at 300 K."""
    fig.add_scatter(
        x=[300.0],
        y=[value],
        name="DFT reference",
        mode="markers",
        marker={
            "symbol": "diamond-open",
            "size": 13,
            "color": style.VERMILLION,
            "line": {"width": 2.5},
        },
        hovertemplate=f"reference: {HOVER}",
    )
