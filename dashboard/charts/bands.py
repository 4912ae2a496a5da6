"""Phonon bands along the path through the Brillouin zone, with the density of states."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dashboard.charts import style
from dashboard.charts.dos import DensityOfStates
from screen.core.crystal import FloatArray
from screen.core.records import Bands

BANDS, GAP = 0.76, 0.05  # of the width: bands, and what is left free before the DOS
NOISE = 0.01  # THz; acoustic modes at Γ are zero only for exact force constants


def band_structure(bands: Bands, density: DensityOfStates | None = None) -> go.Figure:
    """Plot frequencies in THz, imaginary ones as negative; the density of states beside them."""
    fig = style.figure("wave vector", "frequency [THz]")
    distances, frequencies = _broken_at_borders(bands)
    for band in frequencies.T:
        fig.add_scatter(
            x=distances,
            y=band,
            mode="lines",
            line={"color": style.BLUE, "width": 1.6},
            showlegend=False,
            hovertemplate="%{y:.3f} THz<extra></extra>",
        )
    _add_path(fig, bands)
    lowest = float(bands.frequencies.min())
    if lowest < -NOISE:
        _mark_imaginary(fig, lowest)
    else:
        fig.update_yaxes(rangemode="tozero")
    if density is not None:
        _add_density(fig, density)
    return fig


def _add_density(fig: go.Figure, density: DensityOfStates) -> None:
    """Draw the density of states on the same axis of frequencies."""
    fig.update_layout(
        xaxis={"domain": [0.0, BANDS]},
        xaxis2={
            "domain": [BANDS + GAP, 1.0],
            "anchor": "y",
            "title": {"text": "DOS [1/THz]"},
            "rangemode": "tozero",
            "gridcolor": style.FAINT,
            "zeroline": False,
            "nticks": 3,
        },
    )
    fig.add_scatter(
        x=density.states,
        y=density.frequencies,
        xaxis="x2",
        name="DOS",
        mode="lines",
        fill="tozerox",
        line={"color": style.GREY, "width": 1.6},
        showlegend=False,
        hovertemplate="%{x:.3g} states/THz at %{y:.2f} THz<extra></extra>",
    )


def _broken_at_borders(bands: Bands) -> tuple[FloatArray, FloatArray]:
    """Put a gap between segments: the path may go on at another point, as in ``U|K``."""
    borders = np.flatnonzero(np.diff(bands.distances) == 0) + 1
    return (
        np.insert(bands.distances, borders, np.nan),
        np.insert(bands.frequencies, borders, np.nan, axis=0),
    )


def _add_path(fig: go.Figure, bands: Bands) -> None:
    """Label the special points and draw a line at each."""
    fig.update_xaxes(
        tickmode="array",
        tickvals=bands.label_positions.tolist(),
        ticktext=list(bands.labels),
        range=[float(bands.distances[0]), float(bands.distances[-1])],
        gridcolor=style.LINE,
        tickfont={"size": 14},
        tickangle=0,
    )
    fig.update_yaxes(zeroline=True, zerolinecolor=style.LINE, zerolinewidth=1)


def _mark_imaginary(fig: go.Figure, lowest: float) -> None:
    """Shade the frequencies below zero."""
    fig.add_hrect(
        y0=1.1 * lowest,
        y1=0,
        fillcolor=style.VERMILLION,
        opacity=0.12,
        line_width=0,
        annotation={"text": "imaginary", "font": {"color": style.VERMILLION}},
        annotation_position="inside bottom",
    )
