"""κ of a potential against its reference, with the band within a factor of 2."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.charts import style
from dashboard.charts.ranking import OTHER, prototype_groups
from screen.core.crystal import FloatArray

HEIGHT = 520  # px
NAMED = 12  # compounds outside the band that are named, the worst
NO_KAPPA = "no κ: failed or unstable"
X, Y = "κ of the reference (300 K) [W/m/K]", "κ of the potential (300 K) [W/m/K]"


def parity_scatter(table: pa.Table, factor: float, scale: style.Scale = "log") -> go.Figure:
    """Plot κ against the reference, one point per compound, coloured by prototype.

    Compounds without κ are crosses at the lower edge. Each point carries ``[material_id]``.

    Parameters
    ----------
    table
        Columns ``formula``, ``material_id``, ``prototype``, ``kappa``, ``kappa_reference_300``
        and ``srd_300``; references are positive, κ is so or NULL.
    factor
        Half-width of the band about agreement.
    """
    has = pc.greater(pc.fill_null(table["kappa"], 0.0), 0.0)
    shown, missing = table.filter(has), table.filter(pc.invert(has))
    reference = _numbers(table, "kappa_reference_300")
    ends = _ends(scale, reference, _numbers(shown, "kappa"))
    fig = _frame(ends, factor, scale)
    groups = prototype_groups(shown)
    for index, group in enumerate(sorted(set(groups), key=lambda name: (name == OTHER, name))):
        part = shown.filter(pa.array([name == group for name in groups]))
        colour = style.GREY if group == OTHER else style.CATEGORIES[index % len(style.CATEGORIES)]
        _add_points(
            fig,
            part,
            _numbers(part, "kappa"),
            name=group,
            marker={
                "color": colour,
                "symbol": style.SYMBOLS[index % len(style.SYMBOLS)],
                "size": 10 if len(table) < 200 else 7,
                "opacity": 0.85,
            },
        )
    if len(missing):
        _add_points(
            fig,
            missing,
            np.full(len(missing), ends[0]),
            name=NO_KAPPA,
            marker={"color": style.GREY, "symbol": "x-thin-open", "size": 10},
            cliponaxis=False,
        )
    _name_worst(fig, shown, factor, scale)
    return fig


def parity_bins(table: pa.Table, factor: float) -> go.Figure:
    """Plot how many compounds lie in each square of κ and reference; colours by logarithm.

    Parameters
    ----------
    table
        Columns ``reference``, ``kappa`` and ``compounds``.
    """
    x, y = _numbers(table, "reference"), _numbers(table, "kappa")
    count = _numbers(table, "compounds")
    fig = _frame(_ends("log", x, y), factor, "log")
    top = max(float(np.log10(count.max(initial=1.0))), 1.0)
    fig.add_scattergl(
        x=x,
        y=y,
        mode="markers",
        showlegend=False,
        customdata=count.tolist(),
        marker={
            "symbol": "square",
            "size": 6,
            "color": np.log10(count),
            "cmin": 0,
            "cmax": top,
            "colorscale": "Cividis_r",
            "colorbar": style.decades(top, int(np.ceil(top)), "compounds"),
        },
        hovertemplate="%{customdata} compounds<br>κ = %{y:.3g}, reference %{x:.3g} W/m/K"
        "<extra></extra>",
    )
    return fig


def _frame(ends: tuple[float, float], factor: float, scale: style.Scale) -> go.Figure:
    """Return equal axes with the line of agreement and the band about it."""
    low, high = ends
    fig = style.figure(X, Y, HEIGHT)
    start = low if scale == "log" else 0.0
    fig.add_scatter(
        x=[start, high, high, start],
        y=[start * factor, high * factor, high / factor, start / factor],
        mode="lines",
        fill="toself",
        fillcolor=style.FAINT,
        line={"width": 0},
        name=f"within a factor of {factor:g}",
        hoverinfo="skip",
    )
    fig.add_scatter(
        x=[start, high],
        y=[start, high],
        mode="lines",
        name="agreement",
        line={"color": style.GREY, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
    )
    for axis in (fig.layout.xaxis, fig.layout.yaxis):
        if scale == "log":
            style.log_axis(axis, np.array(ends))
            axis.update(range=np.log10(ends).tolist())
        else:
            axis.update(range=[low, high])
    return fig


def _ends(scale: style.Scale, *values: FloatArray) -> tuple[float, float]:
    """Return the ends of both axes: the same, so that agreement is the diagonal."""
    everything = np.concatenate(values)
    everything = everything[everything > 0]
    low, high = (everything.min(), everything.max()) if len(everything) else (1.0, 10.0)
    return (low / 1.6, high * 1.6) if scale == "log" else (0.0, 1.06 * high)


def _add_points(fig: go.Figure, part: pa.Table, kappa: FloatArray, **look: object) -> None:
    """Add compounds at some ordinate."""
    fig.add_scatter(
        x=_numbers(part, "kappa_reference_300"),
        y=kappa,
        mode="markers",
        customdata=[[material] for material in part["material_id"].to_pylist()],
        text=[_hover(row) for row in part.to_pylist()],
        hovertemplate="%{text}<extra></extra>",
        **look,
    )


def _hover(row: Mapping[str, object]) -> str:
    """Return the text of one point."""
    kappa = row["kappa"]
    value = f"κ = {kappa:.3g} W/m/K" if isinstance(kappa, float) else "no κ"
    return (
        f"<b>{row['formula']}</b>  {row['material_id']}<br>{value}, reference "
        f"{row['kappa_reference_300']:.3g} W/m/K<br>SRD = {row['srd_300']:.2f}"
    )


def _name_worst(fig: go.Figure, shown: pa.Table, factor: float, scale: style.Scale) -> None:
    """Write formulas beside the compounds that are most off, outside the band."""
    kappa, reference = _numbers(shown, "kappa"), _numbers(shown, "kappa_reference_300")
    off = np.abs(np.log(kappa / reference))
    for index in np.argsort(-off)[:NAMED]:
        if off[index] > np.log(factor):
            place = np.array([reference[index], kappa[index]])
            x, y = np.log10(place) if scale == "log" else place
            above = kappa[index] > reference[index]
            fig.add_annotation(
                x=x,
                y=y,
                text=str(shown["formula"][int(index)]),
                showarrow=False,
                xshift=-7 if above else 7,
                yshift=9 if above else -9,
                xanchor="right" if above else "left",
                font={"size": 12, "color": style.GREY},
            )


def _numbers(table: pa.Table, name: str) -> FloatArray:
    """Return a column as floats; NULL becomes NaN."""
    return np.asarray(table[name].to_numpy(), dtype=np.float64)
