"""Phonon bands along the path through the Brillouin zone."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dashboard.charts import style
from screen.core.crystal import FloatArray
from screen.core.records import Bands

NOISE = 0.01  # THz; acoustic modes at Γ are zero only for exact force constants


def band_structure(bands: Bands) -> go.Figure:
    """Plot frequencies in THz, imaginary ones as negative."""
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
    return fig


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
