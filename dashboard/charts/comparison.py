"""The same quantity of several results against temperature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dashboard.charts import axes, style
from screen.core.crystal import FloatArray
from screen.store.macros import KAPPA, KAPPA_C, KAPPA_P

DASHES = ("solid", "dash", "dot")
"""After the colours are used up once, twice."""


@dataclass(frozen=True, eq=False)
class Curve:
    """One quantity of one result, in the unit of the axis."""

    label: str
    temperatures: FloatArray  # (nT,) K
    values: FloatArray  # (nT,)


@dataclass(frozen=True)
class Quantity:
    """What is compared."""

    axis: str
    unit: str
    logarithmic: bool


PARTS = {
    **{
        column.label: Quantity(column.header, column.unit, logarithmic=True)
        for column in (KAPPA, KAPPA_P, KAPPA_C)
    },
    "κ_C/κ": Quantity("κ_C/κ [%]", "%", logarithmic=False),
}
EXPANSION = Quantity(axes.LINEAR_EXPANSION.header, axes.LINEAR_EXPANSION.unit, logarithmic=False)


def comparison(curves: Sequence[Curve], quantity: Quantity) -> go.Figure:
    """Draw one curve per result; colours repeat with another dash after six."""
    fig = style.figure(axes.TEMPERATURE, quantity.axis)
    for index, curve in enumerate(curves):
        place, turn = index % len(style.CATEGORIES), index // len(style.CATEGORIES)
        fig.add_scatter(
            x=curve.temperatures,
            y=curve.values,
            name=curve.label,
            mode="lines+markers",
            line={
                "color": style.CATEGORIES[place],
                "width": 2.5,
                "dash": DASHES[turn % len(DASHES)],
            },
            marker={"symbol": style.SYMBOLS[place], "size": 7},
            hovertemplate=f"%{{y:.3g}} {quantity.unit} at %{{x:g}} K",
        )
    grids = np.unique(np.concatenate([item.temperatures for item in curves] or [np.zeros(0)]))
    style.temperature_axis(fig.layout.xaxis, grids)
    everything = np.concatenate([item.values for item in curves] or [np.ones(1)])
    positive = everything[everything > 0]
    if quantity.logarithmic and len(positive):
        style.log_axis(fig.layout.yaxis, positive)
    elif len(everything) and everything.min() < 0:
        style.mark_line(fig, 0.0, "")
    else:
        fig.update_yaxes(rangemode="tozero")
    fig.update_traces(showlegend=True)
    return fig
