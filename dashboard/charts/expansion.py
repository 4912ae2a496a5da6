"""Linear thermal expansion against temperature, and the mode Grüneisen parameters behind it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from dashboard.charts import axes, style
from dashboard.spread import Spread
from screen.core.crystal import FloatArray
from screen.core.experiment import Measurement
from screen.core.records import Expansion
from screen.core.voigt import mean_normal

AXES = (("α_a", style.SKY), ("α_b", style.GREEN), ("α_c", style.BLUE))
SAME = 1e-4  # of the largest α; axes that differ by less share one curve
MEASURED = {"alpha": style.PURPLE, "alpha_a": style.SKY, "alpha_c": style.BLUE}
MANY = 5000  # modes from which WebGL draws


def expansion_curve(
    record: Expansion,
    lattice: FloatArray | None = None,
    measured: Sequence[Measurement] = (),
    spread: Spread | None = None,
) -> go.Figure:
    """Plot the linear expansion coefficient in 10⁻⁶/K; it may be negative.

    The mean, and the axes of ``lattice`` (3, 3) where they differ; with measured values, and what
    third-order force constants alone would give; shaded: the range of ``spread`` in 1/K.
    """
    fig = style.figure(axes.TEMPERATURE, axes.LINEAR_EXPANSION.header)
    style.temperature_axis(fig.layout.xaxis, record.temperatures)
    if spread is not None:
        low, high = 1e6 * spread.low, 1e6 * spread.high
        style.add_range(fig, spread.temperatures, low, high, spread.potentials)
    curves = [] if lattice is None else _different_axes(record, lattice)
    for name, colour, values in curves:
        _add_curve(fig, record.temperatures, values, name, colour, dash="dash")
    mean = "mean" if curves else "α"
    _add_curve(fig, record.temperatures, record.alpha_linear, mean, style.PURPLE, dash="solid")
    third_order = record.alpha_linear_fc3
    if third_order is not None and not np.allclose(third_order, record.alpha_linear, rtol=SAME):
        _add_curve(fig, record.temperatures, third_order, "fc3 alone", style.GREY, dash="dot")
    for item in measured:
        _add_measured(fig, item)
    fig.update_traces(showlegend=len(fig.data) > 1)
    if record.alpha.min() < 0:
        style.mark_line(fig, 0.0, "")
    return fig


def _different_axes(record: Expansion, lattice: FloatArray) -> list[tuple[str, str, FloatArray]]:
    """Axes of a lattice whose expansion differs from that of the axes before; none if all agree."""
    along = record.alpha_along(lattice)
    tolerance = SAME * np.abs(along).max()
    chosen: list[tuple[str, str, FloatArray]] = []
    for (name, colour), values in zip(AXES, along.T, strict=True):
        if all(np.abs(values - other).max() > tolerance for _, _, other in chosen):
            chosen.append((name, colour, values))
    return chosen if len(chosen) > 1 else []


def _add_curve(
    fig: go.Figure, temperatures: FloatArray, values: FloatArray, name: str, colour: str, dash: str
) -> None:
    few = len(temperatures) < 20
    fig.add_scatter(
        x=temperatures,
        y=1e6 * values,
        mode="lines+markers" if few else "lines",
        name=style.pretty(name),
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={"size": 6},
        hovertemplate="%{y:.3g}·10⁻⁶/K at %{x:g} K<extra></extra>",
    )


def _add_measured(fig: go.Figure, item: Measurement) -> None:
    """Add a measured expansion; a mean over temperatures, or one without, is not drawn."""
    if item.property not in MEASURED or item.temperature is None or item.temperature_to is not None:
        return
    axis = item.property.removeprefix("alpha").replace("_", " along ")
    fig.add_scatter(
        x=[item.temperature],
        y=[1e6 * item.value],
        mode="markers",
        name=f"experiment{axis}",
        marker={"size": 11, "symbol": "diamond", "color": MEASURED[item.property]},
        hovertemplate=f"%{{y:.3g}}·10⁻⁶/K at %{{x:g}} K<br>{item.citation}<extra></extra>",
    )


def gruneisen_scatter(record: Expansion) -> go.Figure:
    """Plot tr γ/3 of all modes against their frequencies in THz.

    Acoustic modes at Γ have no γ and are left out.
    """
    gamma = mean_normal(record.mode_gruneisen)
    shown = gamma != 0
    fig = style.figure("frequency [THz]", "mode Grüneisen parameter γ")
    kind = go.Scattergl if shown.sum() > MANY else go.Scatter
    fig.add_trace(
        kind(
            x=record.frequencies[shown],
            y=gamma[shown],
            mode="markers",
            showlegend=False,
            marker={"size": 5, "opacity": 0.6, "color": style.PURPLE},
            hovertemplate="%{x:.2f} THz, γ = %{y:.3g}<extra></extra>",
        )
    )
    style.mark_line(fig, 0.0, "")
    return fig
