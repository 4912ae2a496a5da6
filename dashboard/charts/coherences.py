"""κ_C/κ of a whole set of compounds: where the Boltzmann equation is enough, and up to which T."""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
from plotly.subplots import make_subplots

from dashboard.charts import style
from screen.core.verdicts import MIXED_FROM, WAVE_LIKE_FROM, Verdict, coherence_share, verdict

ROW_HEIGHT = 17  # px
AROUND = 150  # px, above and below the rows
LEAST = 1e-3  # κ_C/κ at which the colours begin
SORTED_AT = 300.0  # K
TICKS = (0.001, 0.003, 0.01, 0.03, MIXED_FROM, 0.3, WAVE_LIKE_FROM)
SCALE = "Cividis"  # Nuñez, Anderton, Renslow, PLoS ONE 13, e0199239 (2018): the same to colour-blind eyes
MARKS = {
    Verdict.MIXED: (style.VERMILLION, MIXED_FROM),
    Verdict.WAVE_LIKE: (style.BLUE, WAVE_LIKE_FROM),
}
"""Colour of a frame, and κ_C/κ from which a cell has it."""


def coherence_panels(table: pa.Table) -> go.Figure:
    """Draw κ_C/κ in percent, one row per compound, one column per temperature, a panel per prototype.

    Colours are logarithmic. Rows are sorted by κ_C/κ at 300 K, or at the stored temperature next to
    it, largest first. A compound without κ (unstable, failed) has no row. Mixed and
    wave-like cells (``core.verdicts``) have a frame.

    Parameters
    ----------
    table
        Columns ``compound``, ``prototype``, and ``temperatures`` K, ``kappa_p`` and ``kappa_c``
        W/m/K, which are lists or null.
    """
    panels = _panels(table)
    grid = sorted({T for rows in panels.values() for row in rows.values() for T in row})
    fig = _frame(panels)
    for column, rows in enumerate(panels.values(), start=1):
        _add_panel(fig, column, rows, grid)
    for mark, (colour, start) in MARKS.items():
        fig.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            name=f"{mark}: {style.pretty('κ_C')}/κ ≥ {100 * start:g} %",
            marker={"symbol": "square-open", "size": 11, "color": colour, "line": {"width": 2.5}},
        )
    return fig


def _panels(table: pa.Table) -> dict[str, dict[str, dict[float, float]]]:
    """κ_C/κ by prototype, compound and temperature; the largest prototype and κ_C/κ first."""
    found: dict[str, dict[str, dict[float, float]]] = {}
    for row in table.to_pylist():
        if not row["kappa_p"]:
            continue
        shares = coherence_share(np.array(row["kappa_p"]), np.array(row["kappa_c"]))
        by_temperature = dict(zip(row["temperatures"], shares.tolist(), strict=True))
        found.setdefault(str(row["prototype"]), {})[row["compound"]] = by_temperature
    order = sorted(found, key=lambda prototype: -len(found[prototype]))
    return {
        prototype: dict(sorted(found[prototype].items(), key=lambda item: -_at_room(item[1])))
        for prototype in order
    }


def _at_room(shares: dict[float, float]) -> float:
    return shares[min(shares, key=lambda T: abs(T - SORTED_AT))]


def _frame(panels: dict[str, dict[str, dict[float, float]]]) -> go.Figure:
    """Return empty panels side by side, as high as the longest."""
    longest = max((len(rows) for rows in panels.values()), default=1)
    fig = make_subplots(
        rows=1,
        cols=max(len(panels), 1),
        subplot_titles=[f"{name} ({len(rows)})" for name, rows in panels.items()],
        horizontal_spacing=0.06,
    )
    fig.update_layout(
        height=AROUND + ROW_HEIGHT * longest,
        margin={"l": 64, "r": 16, "t": 72, "b": 52},
        legend={"orientation": "h", "x": 0, "y": 1, "yref": "container", "yanchor": "top"},
        plot_bgcolor="rgba(0, 0, 0, 0)",
        coloraxis={
            "colorscale": SCALE,
            "cmin": np.log10(LEAST),
            "cmax": np.log10(WAVE_LIKE_FROM),
            "colorbar": {
                "title": {"text": f"{style.pretty('κ_C')}/κ [%]", "side": "right"},
                "tickvals": np.log10(TICKS).tolist(),
                "ticktext": [f"{100 * share:g}" for share in TICKS],
                "thickness": 12,
                "outlinewidth": 0,
            },
        },
    )
    fig.update_xaxes(type="category", showgrid=False, title={"text": "T [K]"})
    # the longest panel sets the height of a row for all
    fig.update_yaxes(
        type="category", range=[longest - 0.5, -0.5], showgrid=False, dtick=1, zeroline=False
    )
    return fig


def _add_panel(
    fig: go.Figure, column: int, rows: dict[str, dict[float, float]], grid: list[float]
) -> None:
    """Add the cells of one prototype, and frames around those beyond ``particle``."""
    shares = np.array([[row.get(T, np.nan) for T in grid] for row in rows.values()])
    values = np.log10(np.where(shares > 0, shares, np.nan))
    fig.add_heatmap(
        row=1,
        col=column,
        x=[f"{T:g}" for T in grid],
        y=list(rows),
        z=np.maximum(values, np.log10(LEAST)),  # NaN stays
        text=[[_written(share) for share in row] for row in shares],
        texttemplate="%{text}",
        textfont={"size": 10},
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
        hovertemplate=f"%{{y}} at %{{x}} K: {style.pretty('κ_C')}/κ = %{{text}} %<extra></extra>",
    )
    for (row_number, place), share in np.ndenumerate(shares):
        found = verdict(float(share))
        if found in MARKS:
            fig.add_shape(_box(row_number, place, MARKS[found][0]), row=1, col=column)


def _box(row: int, column: int, colour: str) -> dict[str, Any]:
    """Return a frame inside a cell."""
    return {
        "type": "rect",
        "x0": column - 0.46,
        "x1": column + 0.46,
        "y0": row - 0.44,
        "y1": row + 0.44,
        "line": {"color": colour, "width": 2},
    }


def _written(share: float) -> str:
    """Percent with two digits; less than 0.1 is 0."""
    percent = 100 * share
    if np.isnan(percent):
        return ""
    return f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}" if percent >= 0.095 else "0"
