"""How all figures look: one colour-blind-safe palette, units on every axis, no template files."""

from __future__ import annotations

import re
from typing import Literal

import plotly.graph_objects as go

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

FAINT = "rgba(138, 146, 155, 0.16)"
HEIGHT = 380  # px

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


def mark_line(fig: go.Figure, y: float, text: str) -> None:
    """Draw a dotted horizontal line with a text at its right end."""
    fig.add_hline(
        y=y,
        line={"color": GREY, "dash": "dot", "width": 1},
        annotation={"text": text, "font": {"color": GREY, "size": 11}},
        annotation_position="top right",
    )
