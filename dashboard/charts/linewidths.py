"""Linewidths of all phonons at one temperature: which are quasiparticles, which carry the heat."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dashboard.charts import style
from screen.core.crystal import FloatArray
from screen.core.records import Conductivity

DECADES = 4  # shown of the contribution to κ, below the largest
MANY = 5000  # modes from which WebGL draws


def linewidths(record: Conductivity, temperature: float) -> go.Figure:
    """Plot full widths against frequencies, both in THz, coloured by the share of κ in %.

    Above the Ioffe–Regel line, linewidth = frequency, a phonon decays within one period. Above
    the Wigner limit, linewidth = highest frequency / number of bands, neighbouring bands overlap
    and coherences matter (Simoncelli, Marzari, Mauri, PRX 12, 041011 (2022)). Modes without
    frequency or width (Γ) cannot be shown on the logarithmic axis.
    """
    index = int(np.abs(record.temperatures - temperature).argmin())
    widths, share = record.linewidths[index], _percent(record.mode_kappa[index])
    shown = (record.frequencies > 0) & (widths > 0)
    order = np.argsort(share[shown])  # the largest contributions on top
    fig = style.figure("frequency [THz]", "linewidth (FWHM) [THz]")
    _add_modes(fig, record.frequencies[shown][order], widths[shown][order], share[shown][order])
    _add_limits(fig, record.frequencies)
    style.log_axis(fig.layout.yaxis, widths[shown], record.frequencies.max(keepdims=True))
    return fig


def _percent(mode_kappa: FloatArray) -> FloatArray:
    """Share of each mode in κ, %."""
    total = float(mode_kappa.sum())
    return np.asarray(100 * mode_kappa / total if total > 0 else np.zeros_like(mode_kappa))


def _add_modes(
    fig: go.Figure, frequencies: FloatArray, widths: FloatArray, share: FloatArray
) -> None:
    """Add one point per mode."""
    kind = go.Scattergl if len(frequencies) > MANY else go.Scatter
    top = float(share.max(initial=0.0)) or 1.0
    logarithm = np.log10(np.clip(share, top * 10.0**-DECADES, None))
    fig.add_trace(
        kind(
            x=frequencies,
            y=widths,
            customdata=share,
            mode="markers",
            name="phonon modes",
            showlegend=False,
            marker={
                "size": 6,
                "opacity": 0.85,
                "color": logarithm,
                "colorscale": "Cividis_r",
                "cmin": np.log10(top) - DECADES,
                "cmax": np.log10(top),
                "colorbar": _colour_bar(float(np.log10(top))),
            },
            hovertemplate=(
                "%{x:.2f} THz, linewidth %{y:.2g} THz<br>%{customdata:.2g} % of κ<extra></extra>"
            ),
        )
    )


def _colour_bar(top: float) -> dict[str, object]:
    """Return a colour bar with whole powers of ten."""
    powers = np.arange(np.ceil(top - DECADES), np.floor(top) + 1)
    return {
        "title": {"text": "share of κ [%]", "side": "right"},
        "tickvals": powers.tolist(),
        "ticktext": [f"{10.0**power:g}" for power in powers],
        "thickness": 12,
        "outlinewidth": 0,
    }


def _add_limits(fig: go.Figure, frequencies: FloatArray) -> None:
    """Draw the Ioffe–Regel line and the Wigner limit; ``frequencies`` is (nq, nb) THz."""
    highest = float(frequencies.max())
    grid = np.linspace(highest / 200, highest, 200)
    wigner = highest / frequencies.shape[1]
    lines = (
        ("Ioffe–Regel: linewidth = frequency", grid, style.VERMILLION, "solid"),
        ("Wigner limit", np.full_like(grid, wigner), style.GREY, "dash"),
    )
    for name, values, colour, dash in lines:
        fig.add_scatter(
            x=grid,
            y=values,
            name=name,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2},
            hoverinfo="skip",
        )
