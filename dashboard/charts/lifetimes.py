"""Decay of all phonons at one temperature: which are quasiparticles, which carry the heat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from dashboard.charts import style
from screen.core.crystal import FloatArray
from screen.core.lifetimes import ioffe_regel_limit, lifetimes, wigner_limit
from screen.core.records import Conductivity
from screen.core.spectra import mode_conductivities

MANY = 5000  # modes from which WebGL draws
SMALLEST, LARGEST = 3.0, 26.0  # px, diameters of the points
ORIGIN = ((0.0, style.GREEN), (0.5, "#B7AE54"), (1.0, style.ORANGE))
"""From populations to coherences, in the colours of the curves."""


@dataclass(frozen=True)
class Decay:
    """What the ordinate says: how long a phonon lives, or how broad its line is."""

    axis: str
    symbol: str
    unit: str
    limit: str  # the Ioffe–Regel limit in words
    inverse: bool  # lifetimes grow where linewidths shrink

    def of(self, tau: FloatArray) -> FloatArray:
        """Return the ordinate from lifetimes in ps, same shape."""
        return lifetimes(tau) if self.inverse else tau  # τ = 1/(2π width), and back


DECAYS = {
    "lifetime": Decay("lifetime τ [ps]", "τ", "ps", "τ = 1/ω", inverse=False),
    "linewidth": Decay("linewidth (FWHM) [THz]", "width", "THz", "width = frequency", inverse=True),
}


def lifetime_scatter(record: Conductivity, index: int, decay: str = "lifetime") -> go.Figure:
    """Plot lifetimes in ps, or linewidths in THz, against frequencies in THz at one temperature.

    The area of a point is the mode's contribution to κ, its colour the share of coherences in it.
    Below the Wigner limit neighbouring bands overlap and coherences matter; below the Ioffe–Regel
    limit a phonon decays before it has oscillated (Simoncelli, Marzari, Mauri, PRX 12, 041011
    (2022)); for linewidths, above. Modes without frequency or width (Γ) cannot be shown on the logarithmic axis.

    Parameters
    ----------
    index
        Position of the temperature in the record's grid.
    decay
        Key of ``DECAYS``.
    """
    ordinate = DECAYS[decay]
    widths = record.linewidths[index]
    populations, coherences = mode_conductivities(record, index)
    shown = (record.frequencies > 0) & (widths > 0)
    total = (populations + coherences)[shown]
    order = np.argsort(-total)  # large points must not hide small ones
    values = ordinate.of(lifetimes(widths[shown][order]))
    fig = style.figure("frequency [THz]", ordinate.axis)
    modes = (record.frequencies[shown][order], values, total[order], coherences[shown][order])
    _add_modes(fig, *modes, ordinate)
    _add_limits(fig, record.frequencies, ordinate)
    wigner = ordinate.of(np.array([wigner_limit(record.frequencies)]))
    style.log_axis(fig.layout.yaxis, values, wigner)
    return fig


def _add_modes(
    fig: go.Figure,
    frequencies: FloatArray,
    values: FloatArray,
    kappa: FloatArray,
    coherent: FloatArray,
    ordinate: Decay,
) -> None:
    """Add one point per mode; ``coherent`` is the part of ``kappa`` that coherences carry."""
    kind = go.Scattergl if len(frequencies) > MANY else go.Scatter
    top = float(kappa.max(initial=0.0)) or 1.0
    origin = np.divide(coherent, kappa, out=np.zeros_like(kappa), where=kappa > 0)
    percent = 100 * kappa / (float(kappa.sum()) or 1.0)
    fig.add_trace(
        kind(
            x=frequencies,
            y=values,
            customdata=np.stack([percent, 100 * origin], axis=-1),
            mode="markers",
            name="phonon modes",
            showlegend=False,
            marker={
                "size": np.maximum(SMALLEST, LARGEST * np.sqrt(np.maximum(kappa, 0.0) / top)),
                "opacity": 0.7,
                "line": {"width": 0},
                "color": 100 * origin,
                "colorscale": ORIGIN,
                "cmin": 0,
                "cmax": 100,
                "colorbar": {
                    "title": {"text": "coherences in κ of the mode [%]", "side": "right"},
                    "thickness": 12,
                    "outlinewidth": 0,
                },
            },
            hovertemplate=(
                f"%{{x:.2f}} THz, {ordinate.symbol} = %{{y:.3g}} {ordinate.unit}<br>"
                "%{customdata[0]:.2g} % of κ, "
                "%{customdata[1]:.2g} % of it by coherences<extra></extra>"
            ),
        )
    )


def _add_limits(fig: go.Figure, frequencies: FloatArray, ordinate: Decay) -> None:
    """Draw both limits; ``frequencies`` is (nq, nb) THz."""
    highest = float(frequencies.max())
    grid = np.linspace(highest / 200, highest, 200)
    lines = (
        ("Wigner limit", np.full_like(grid, wigner_limit(frequencies)), style.GREY, "dash"),
        (
            f"Ioffe–Regel limit: {ordinate.limit}",
            ioffe_regel_limit(grid),
            style.VERMILLION,
            "solid",
        ),
    )
    for name, values, colour, dash in lines:
        fig.add_scatter(
            x=grid,
            y=ordinate.of(values),
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
            hoverinfo="skip",
        )
