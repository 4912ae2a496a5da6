"""Which frequencies and mean free paths carry the heat, and between which it tunnels."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from dashboard.charts import style
from screen.core.crystal import FloatArray
from screen.core.records import Conductivity
from screen.core.spectra import (
    coherence_plane,
    cumulative_by_mean_free_path,
    mean_free_paths,
    median_mean_free_path,
    mode_conductivities,
    spectral_conductivity,
)

DECADES = 3  # of κ_C(ω, ω') that are shown below its maximum
NEGLIGIBLE = 1e-4  # of κ_P: modes with shorter paths carry less together
POINTS = 200  # of the curve over mean free paths


def spectral_curve(record: Conductivity, index: int) -> go.Figure:
    """Plot κ_P(ω) and κ_C(ω) in W/m/K/THz and what all lower frequencies carry, in W/m/K."""
    found = spectral_conductivity(record, index)
    fig = style.figure("frequency [THz]", "κ(ω) [W/m/K/THz]")
    for name, values, colour in (
        ("κ_P(ω)", found.kappa_p, style.GREEN),
        ("κ_C(ω)", found.kappa_c, style.ORANGE),
    ):
        fig.add_scatter(
            x=found.frequencies,
            y=values,
            name=style.pretty(name),
            mode="lines",
            fill="tozeroy",
            line={"color": colour, "width": 2},
            hovertemplate="%{y:.3g} W/m/K/THz at %{x:.2f} THz",
        )
    fig.add_scatter(
        x=found.edges,
        y=found.cumulative_p + found.cumulative_c,
        name="cumulative κ",
        mode="lines",
        yaxis="y2",
        line={"color": style.BLUE, "width": 2, "dash": "dash"},
        hovertemplate="%{y:.3g} W/m/K up to %{x:.2f} THz",
    )
    _add_right_axis(fig, "cumulative κ [W/m/K]")
    return fig


def mean_free_path_curve(record: Conductivity, index: int) -> go.Figure:
    """Plot κ_P, and κ = κ_P + κ_C, of all modes with mean free paths up to Λ.

    A coherence has no mean free path of its own: it is counted with its two modes, in the ratio
    of their heat capacities as in ``mode_conductivities``.
    """
    lengths = _lengths(record, index)
    carried = cumulative_by_mean_free_path(record, index, lengths)
    fig = style.figure("mean free path Λ [nm]", "κ up to Λ [W/m/K]")
    style.log_axis(fig.layout.xaxis, lengths)
    fig.update_yaxes(rangemode="tozero")
    for name, values, colour, dash in (
        ("κ_P (populations)", carried, style.GREEN, "solid"),
        ("κ = κ_P + κ_C", carried + _coherences_up_to(record, index, lengths), style.BLUE, "dash"),
    ):
        fig.add_scatter(
            x=lengths,
            y=values,
            name=style.pretty(name),
            mode="lines",
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate="%{y:.3g} W/m/K up to %{x:.3g} nm",
        )
    _mark_half(fig, median_mean_free_path(record, index), float(carried[-1]) / 2)
    return fig


def _coherences_up_to(record: Conductivity, index: int, lengths: FloatArray) -> FloatArray:
    """κ_C counted with modes of Λ up to each of ``lengths`` (n,) nm: (n,) W/m/K."""
    paths = mean_free_paths(record, index).ravel()
    _, coherences = mode_conductivities(record, index)
    order = np.argsort(paths)
    total = np.append(0.0, np.cumsum(coherences.ravel()[order]))
    return np.asarray(total[np.searchsorted(paths[order], lengths, side="right")])


def coherence_map(record: Conductivity, index: int) -> go.Figure:
    """Plot κ_C(ω, ω') in W/m/K/THz², colours by the logarithm; blank where it is negligible."""
    found = coherence_plane(record, index)
    top = float(found.kappa_c.max()) or 1.0
    visible = found.kappa_c > top * 10.0**-DECADES
    logarithm = np.log10(np.where(visible, found.kappa_c, np.nan))
    fig = style.figure("frequency ω/2π [THz]", "frequency ω′/2π [THz]")
    highest = float(found.edges[-1])
    fig.update_xaxes(range=[0, highest], constrain="domain")
    fig.update_yaxes(range=[0, highest], scaleanchor="x", constrain="domain")
    fig.add_heatmap(
        x=found.frequencies,
        y=found.frequencies,
        z=logarithm,
        customdata=found.kappa_c,
        colorscale=style.HEAT,
        zmin=np.log10(top) - DECADES,
        zmax=np.log10(top),
        colorbar=style.decades(
            float(np.log10(top)), DECADES, style.pretty("κ_C(ω, ω′) [W/m/K/THz²]")
        ),
        hovertemplate="%{x:.2f} and %{y:.2f} THz<br>%{customdata:.2g} W/m/K/THz²<extra></extra>",
    )
    fig.add_scatter(
        x=[0, highest],
        y=[0, highest],
        mode="lines",
        showlegend=False,
        hoverinfo="skip",
        line={"color": style.GREY, "dash": "dot", "width": 1},
    )
    return fig


def _lengths(record: Conductivity, index: int) -> FloatArray:
    """Lengths in nm on a logarithmic scale, from paths that begin to matter to the longest."""
    populations, _ = mode_conductivities(record, index)
    paths = mean_free_paths(record, index)
    carrying = paths[populations > NEGLIGIBLE * populations.sum() / populations.size]
    return np.geomspace(0.9 * carrying.min(), 1.1 * carrying.max(), POINTS)


def _mark_half(fig: go.Figure, median: float, half: float) -> None:
    """Mark the mean free path at which half of κ_P is reached."""
    fig.add_scatter(
        x=[median, median],
        y=[0, half],
        mode="lines+text",
        name="half",
        showlegend=False,
        hoverinfo="skip",
        line={"color": style.GREEN, "dash": "dot", "width": 1.5},
        text=["", f"half: {median:.3g} nm "],
        textposition="top left",
        textfont={"color": style.GREEN},
    )


def _add_right_axis(fig: go.Figure, title: str) -> None:
    """Add a second ordinate; both begin at zero."""
    fig.update_layout(
        margin={"r": 64},
        yaxis={"rangemode": "tozero"},
        yaxis2={
            "title": {"text": title},
            "overlaying": "y",
            "side": "right",
            "rangemode": "tozero",
            "tickmode": "auto",  # not in line with the other ordinate's, at round numbers
            "showgrid": False,
            "zeroline": False,
        },
    )
