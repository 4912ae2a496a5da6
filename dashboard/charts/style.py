"""How all figures look: one colour-blind-safe palette, units on every axis, no template files."""

from __future__ import annotations

import re
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from screen.core.crystal import FloatArray

# M. Okabe, K. Ito, "Color Universal Design" (2008)
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
GREY = "#8A929B"  # instead of black: visible on a light and on a dark page
CATEGORIES = (BLUE, ORANGE, GREEN, VERMILLION, SKY, PURPLE)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x")

# strong on a light and on a dark page alike
HEAT = ((0.0, "rgba(138, 146, 155, 0.2)"), (0.5, ORANGE), (1.0, VERMILLION))

LINE = "rgba(138, 146, 155, 0.55)"
FAINT = "rgba(138, 146, 155, 0.16)"
SHADE = "rgba(138, 146, 155, 0.28)"
HEIGHT = 380  # px

DENSE = 2.5  # decades up to which 2 and 5 are ticks too
NARROW = 0.7  # decades below which hardly any of these lies on the axis

Scale = Literal["linear", "log"]


def figure(x: str, y: str, height: int = HEIGHT) -> go.Figure:
    """Return an empty figure with titled axes; titles carry the unit, e.g. ``T [K]``."""
    axis = {"showgrid": True, "gridcolor": FAINT, "zeroline": False, "exponentformat": "power"}
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 64, "r": 16, "t": 28, "b": 52},
            "xaxis": {**axis, "title": {"text": pretty(x)}},
            "yaxis": {**axis, "title": {"text": pretty(y)}},
            "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
            "hovermode": "closest",
        }
    )


def pretty(label: str) -> str:
    """Write ``κ_P`` with a subscript."""
    return re.sub(r"(\w)_(\w+)", r"\1<sub>\2</sub>", label)


def log_axis(axis: Any, *values: FloatArray) -> None:
    """Make an axis of a figure logarithmic, with plain numbers at its ticks.

    Parameters
    ----------
    axis
        ``fig.layout.xaxis`` or ``fig.layout.yaxis``.
    values
        What is plotted on it, positive.
    """
    everything = np.concatenate([np.ravel(item) for item in values]) if values else np.ones(1)
    decades = np.log10(everything.max() / everything.min()) if everything.size else 0.0
    ticks = None if decades < NARROW else "D2" if decades < DENSE else 1
    axis.update(type="log", tickformat="~g", dtick=ticks, nticks=8)


def temperature_axis(axis: Any, temperatures: FloatArray) -> None:
    """Keep the ticks of an axis with a single temperature at that temperature, K."""
    if len(temperatures) == 1:
        axis.update(tickvals=temperatures)


def decades(top: float, shown: int, title: str) -> dict[str, Any]:
    """Return a colour bar for decimal logarithms, with ticks at whole powers of ten.

    Parameters
    ----------
    top
        Logarithm of the largest value.
    shown
        Decades below it.
    """
    powers = np.arange(np.ceil(top - shown), np.floor(top) + 1)
    return {
        "title": {"text": title, "side": "right"},
        "tickvals": powers.tolist(),
        "ticktext": [f"{10.0**power:g}" for power in powers],
        "thickness": 12,
        "outlinewidth": 0,
    }


def add_range(
    fig: go.Figure, temperatures: FloatArray, low: FloatArray, high: FloatArray, potentials: int
) -> None:
    """Shade the range that several potentials give, in the units of the ordinate."""
    fig.add_scatter(
        x=np.concatenate([temperatures, temperatures[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        name=f"range of {potentials} potentials",
        mode="lines",
        fill="toself",
        fillcolor=SHADE,
        line={"width": 0},
        hoverinfo="skip",
    )


def mark_line(fig: go.Figure, y: float, text: str) -> None:
    """Draw a dotted horizontal line with a text at its right end."""
    fig.add_hline(
        y=y,
        line={"color": GREY, "dash": "dot", "width": 1},
        annotation={"text": text, "font": {"color": GREY, "size": 11}},
        annotation_position="top right",
    )
