"""Ranked materials: κ against expansion, against the coherences' share, or against DFT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.charts import style
from screen.core.crystal import FloatArray


@dataclass(frozen=True)
class Axis:
    """What κ is plotted against."""

    column: str  # of the ranking
    title: str
    factor: float = 1.0  # from the stored unit to the title's
    spread: str | None = None  # column of half the range over several potentials


AXES: Mapping[str, Axis] = {
    "thermal expansion": Axis("expansion", "α [10⁻⁶/K]", 1e6, "expansion_spread"),
    "share of coherences": Axis("coherence_share", "κ_C/κ"),
    "DFT reference": Axis("kappa_reference_300", "reference κ (300 K) [W/m/K]"),
}

OTHER = "other"


def ranking_scatter(
    table: pa.Table, axis: Axis, substrate: tuple[str, float] | None = None
) -> go.Figure:
    """Plot the ranked materials that have a value on the axis, coloured by prototype.

    Each point carries ``[material_id]`` as its custom data, and error bars where several
    potentials computed it. κ is logarithmic; the other axis is
    too, unless it has values that are not positive (negative expansion) or a substrate.

    Parameters
    ----------
    substrate
        Name and expansion, 1/K, of what is matched: a line on the axis of expansions. Materials
        that are ``pareto_optimal`` are outlined.
    """
    shown = with_value(table, axis)
    temperature = f" ({shown['temperature'][0].as_py():g} K)" if len(shown) else ""
    fig = style.figure(axis.title, f"κ{temperature} [W/m/K]", height=400)
    groups = _groups(shown)
    for index, group in enumerate(sorted(set(groups), key=lambda name: (name == OTHER, name))):
        part = shown.filter(pa.array([name == group for name in groups]))
        _add_group(fig, part, axis, group, index)
    kappa, x = _numbers(shown, "kappa"), axis.factor * _numbers(shown, axis.column)
    style.log_axis(fig.layout.yaxis, kappa)
    if substrate is not None and axis.column == "expansion":
        _add_substrate(fig, axis, *substrate)
    elif (x > 0).all():
        style.log_axis(fig.layout.xaxis, x)
    if axis.column == "kappa_reference_300" and len(shown):
        _add_diagonal(fig, kappa, x)
    return fig


def with_value(table: pa.Table, axis: Axis) -> pa.Table:
    """Return the rows that have a value on the axis."""
    return table.filter(pc.is_valid(table[axis.column]))


def _groups(table: pa.Table) -> list[str]:
    """Return the prototype of each row; rare ones, beyond the palette, are ``other``."""
    counted = pc.value_counts(table["prototype"].drop_null()).to_pylist()
    common = sorted(counted, key=lambda item: -item["counts"])[: len(style.CATEGORIES) - 1]
    names = {item["values"] for item in common}
    return [name if name in names else OTHER for name in table["prototype"].to_pylist()]


def _add_group(fig: go.Figure, part: pa.Table, axis: Axis, name: str, index: int) -> None:
    """Add the materials of one prototype."""
    colour = style.GREY if name == OTHER else style.CATEGORIES[index % len(style.CATEGORIES)]
    fig.add_scatter(
        x=axis.factor * _numbers(part, axis.column),
        y=_numbers(part, "kappa"),
        name=name,
        mode="markers",
        customdata=[[material] for material in part["material_id"].to_pylist()],
        error_y=_bars(part, "kappa_spread", 1.0),
        error_x=_bars(part, axis.spread, axis.factor),
        text=[_hover(row, axis) for row in part.to_pylist()],
        hovertemplate="%{text}<extra></extra>",
        marker={
            "color": colour,
            "symbol": style.SYMBOLS[index % len(style.SYMBOLS)],
            "size": 9,
            "opacity": 0.85,
            "line": {"color": style.GREY, "width": _outlines(part)},
        },
    )


def _bars(part: pa.Table, column: str | None, factor: float) -> dict[str, object]:
    """Return error bars; none where the table has no spread."""
    if column is None or column not in part.column_names:
        return {"visible": False}
    if part[column].null_count == len(part):
        return {"visible": False}
    spread = factor * _numbers(part, column)
    return {"type": "data", "array": spread, "thickness": 1, "width": 2, "color": style.GREY}


def _hover(row: Mapping[str, object], axis: Axis) -> str:
    """Return the text of one point."""
    kappa, share, x = row["kappa"], row["coherence_share"], row[axis.column]
    spread = row.get("kappa_spread")
    bar = f" ± {spread:.2g}" if isinstance(spread, float) else ""
    lines = [f"<b>{row['formula']}</b>  {row['material_id']}", f"κ = {kappa:.3g}{bar} W/m/K"]
    if row.get("models_disagree"):
        lines.append("potentials disagree")
    if row.get("fc3_fit_poor"):
        lines.append("poor fit of fc3")
    if isinstance(share, float):
        lines.append(f"κ<sub>C</sub>/κ = {share:.2g}")
    if isinstance(x, float) and axis.column != "coherence_share":
        lines.append(f"{style.pretty(axis.title)}: {axis.factor * x:.3g}")
    return "<br>".join(lines)


def _outlines(part: pa.Table) -> list[float]:
    """Return the width in px of each point's outline."""
    optimal = "pareto_optimal" in part.column_names
    return [2.5 if optimal and row["pareto_optimal"] else 0.0 for row in part.to_pylist()]


def _numbers(table: pa.Table, name: str) -> FloatArray:
    """Return a column as floats; NULL becomes NaN."""
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _add_substrate(fig: go.Figure, axis: Axis, name: str, expansion: float) -> None:
    """Draw the expansion of the substrate."""
    fig.add_vline(
        x=axis.factor * expansion,
        name=f"{name} ({axis.factor * expansion:.3g})",
        showlegend=True,
        line={"color": style.GREY, "dash": "dash", "width": 1.5},
    )


def _add_diagonal(fig: go.Figure, *values: FloatArray) -> None:
    """Draw the line of agreement."""
    ends = [min(float(item.min()) for item in values), max(float(item.max()) for item in values)]
    fig.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        name="agreement",
        line={"color": style.GREY, "dash": "dash", "width": 1},
        hoverinfo="skip",
    )
