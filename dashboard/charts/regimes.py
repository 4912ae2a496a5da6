"""Where heat tunnels: κ_C/κ over materials and temperature, and kinds of carriers."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa

from dashboard.charts import axes, style

ROW_HEIGHT = 17  # px
LEAST = 5.0  # %, of the axes of shares
WAVE, OVERDAMPED = "wave-like share of κ (300 K) [%]", "overdamped share of κ (300 K) [%]"


def share_trend(table: pa.Table, threshold: float) -> go.Figure:
    """Plot the distribution of κ_C/κ over all materials against temperature, in percent.

    Parameters
    ----------
    table
        Columns ``temperature``, ``low``, ``middle``, ``high``, ``beyond`` and ``materials``.
    threshold
        Share from which materials count as ``beyond``.
    """
    grid = np.array(table["temperature"].to_pylist(), float)
    low, middle, high, beyond = (
        100 * np.array(table[name].to_pylist(), float)
        for name in ("low", "middle", "high", "beyond")
    )
    fig = style.figure(axes.TEMPERATURE, "share [%]", height=420)
    style.temperature_axis(fig.layout.xaxis, grid)
    fig.add_scatter(
        x=np.concatenate([grid, grid[::-1]]),
        y=np.concatenate([high, low[::-1]]),
        name="κ_C/κ of 80 % of the materials",
        mode="lines",
        fill="toself",
        fillcolor="rgba(230, 159, 0, 0.28)",
        line={"width": 0},
        hoverinfo="skip",
    )
    for name, values, colour, dash in (
        ("κ_C/κ, median", middle, style.ORANGE, "solid"),
        (f"materials with κ_C/κ ≥ {100 * threshold:g} %", beyond, style.BLUE, "dash"),
    ):
        fig.add_scatter(
            x=grid,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "width": 2.5, "dash": dash},
            hovertemplate="%{y:.3g} % at %{x:g} K",
        )
    for item in fig.data:
        item.name = style.pretty(item.name.replace("κ_C/κ", "κ_C /κ")).replace(" /κ", "/κ")
    fig.update_yaxes(rangemode="tozero")
    return fig


def share_map(table: pa.Table) -> go.Figure:
    """Draw κ_C/κ in percent, one row per material, one column per temperature.

    Parameters
    ----------
    table
        Columns ``formula``, ``material_id``, ``temperatures`` and ``shares``, largest first.
    """
    rows = table.to_pylist()
    grid = sorted({value for row in rows for value in row["temperatures"]})
    shares = [dict(zip(row["temperatures"], row["shares"], strict=True)) for row in rows]
    values = [[_percent(item.get(value)) for value in grid] for item in shares]
    names = _unique([str(row["formula"] or row["material_id"]) for row in rows])
    fig = style.figure(axes.TEMPERATURE, "", height=110 + ROW_HEIGHT * len(rows))
    fig.add_heatmap(
        x=[f"{value:g}" for value in grid],
        y=names,
        z=values,
        customdata=[[row["material_id"]] * len(grid) for row in rows],
        colorscale="Cividis",
        zmin=0,
        zmax=_rounded_up(values),
        xgap=1,
        ygap=1,
        colorbar={
            "title": {"text": "κ<sub>C</sub>/κ [%]", "side": "right"},
            "thickness": 12,
            "outlinewidth": 0,
        },
        hovertemplate="%{customdata}<br>%{z:.3g} % at %{x} K<extra>%{y}</extra>",
    )
    fig.update_xaxes(type="category", showgrid=False)
    fig.update_yaxes(type="category", autorange="reversed", automargin=True, dtick=1, title=None)
    return fig


def carrier_scatter(table: pa.Table) -> go.Figure:
    """Plot the overdamped against the wave-like share at 300 K, coloured by κ; in percent."""
    fig = _carriers(table)
    kappa = np.array(table["kappa_300"].to_pylist(), float)
    fig.add_scatter(
        x=100 * np.array(table[_WAVE].to_pylist(), float),
        y=100 * np.array(table[_OVER].to_pylist(), float),
        mode="markers",
        name="materials",
        showlegend=False,
        customdata=list(
            zip(
                table["material_id"].to_pylist(),
                table["formula"].to_pylist(),
                kappa.tolist(),
                strict=True,
            )
        ),
        marker={
            "size": 9,
            "opacity": 0.85,
            "line": {"width": 1.5, "color": style.GREY},  # dark points on a dark page
            "color": np.log10(np.where(kappa > 0, kappa, np.nan)),
            "colorscale": "Cividis",
            "colorbar": _kappa_bar(kappa),
        },
        hovertemplate=(
            "%{customdata[1]} (%{customdata[0]})<br>wave-like %{x:.3g} %, overdamped %{y:.3g} %"
            "<br>κ = %{customdata[2]:.3g} W/m/K<extra></extra>"
        ),
    )
    return fig


def carrier_bins(table: pa.Table) -> go.Figure:
    """Plot how many materials there are in each square of both shares; colours by logarithm."""
    fig = _carriers(table)
    count = np.array(table["materials"].to_pylist(), float)
    top = float(np.log10(count.max(initial=1.0)))
    fig.add_scattergl(
        x=100 * np.array(table[_WAVE].to_pylist(), float),
        y=100 * np.array(table[_OVER].to_pylist(), float),
        mode="markers",
        name="materials",
        showlegend=False,
        customdata=list(
            zip(table["materials"].to_pylist(), table["kappa_300"].to_pylist(), strict=True)
        ),
        marker={
            "symbol": "square",
            "size": 8,
            "color": np.log10(count),
            "cmin": 0,
            "cmax": max(top, 1.0),
            "colorscale": "Cividis_r",
            "colorbar": style.decades(max(top, 1.0), int(np.ceil(max(top, 1.0))), "materials"),
        },
        hovertemplate=(
            "%{customdata[0]} materials<br>wave-like %{x:.0f} %, overdamped %{y:.0f} %"
            "<br>median κ = %{customdata[1]:.3g} W/m/K<extra></extra>"
        ),
    )
    return fig


_WAVE, _OVER = "wave_like_share_300", "overdamped_share_300"


def _carriers(table: pa.Table) -> go.Figure:
    """Return the empty triangle of shares: with the particle-like one they sum to 100 %.

    As much of it as has materials: in most runs overdamped phonons carry little.
    """
    fig = style.figure(WAVE, OVERDAMPED, height=420)
    fig.add_scatter(
        x=[0, 100],
        y=[100, 0],
        mode="lines",
        name="no particle-like phonon carries heat",
        line={"color": style.GREY, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
        showlegend=True,
    )
    for axis, name in ((fig.layout.xaxis, _WAVE), (fig.layout.yaxis, _OVER)):
        top = max([LEAST, *(100 * value for value in table[name].to_pylist())])
        axis.update(range=[-0.04 * top, 1.08 * top])  # points on zero stay whole
    return fig


def _kappa_bar(kappa: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> dict[str, object]:
    """Return a colour bar for decimal logarithms of κ."""
    positive = kappa[kappa > 0]
    if not len(positive):
        return {"title": {"text": axes.KAPPA}}
    top, low = float(np.log10(positive.max())), float(np.log10(positive.min()))
    return style.decades(top, max(int(np.ceil(top - low)), 1), "κ (300 K) [W/m/K]")


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _rounded_up(values: list[list[float | None]]) -> float:
    """Return the end of the colours in percent: small shares must be seen too."""
    largest = max((value for row in values for value in row if value is not None), default=0.0)
    return float(10 * np.ceil(max(largest, 1.0) / 10))


def _unique(names: list[str]) -> list[str]:
    """Give names that come again a number: an axis of categories would merge them."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return found
