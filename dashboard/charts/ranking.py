"""Ranked materials: κ against another criterion, with the Pareto front of the two."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.charts import style
from dashboard.display import UNITS, shown_column
from dashboard.rankings.criteria import Criterion
from screen.core.crystal import FloatArray

OTHER = "other"
FRONT = "Pareto front"
PICKED = "selected"
HEIGHT = 430  # px
Frame = tuple[tuple[float, float], tuple[float, float]]


def ranking_scatter(
    table: pa.Table,
    criterion: Criterion,
    substrate: tuple[str, float] | None = None,
    picked: Collection[str] = (),
    frame: Frame | None = None,
) -> go.Figure:
    """Plot the ranked materials that have a value of the criterion, coloured by prototype.

    Each point carries ``[material_id]`` as its custom data, and error bars where several
    potentials computed it. κ is logarithmic; the other axis is too, unless it has values that are
    not positive (negative expansion) or a substrate. Materials that are ``pareto_optimal`` are
    outlined, and joined unless a substrate is matched.

    Parameters
    ----------
    substrate
        Name and expansion, 1/K, of what is matched: a line on the axis of expansions.
    picked
        Ids of materials that get a ring and their formula.
    frame
        Two ends on each axis of a box to draw, in stored units.
    """
    shown = with_value(table, criterion)
    temperature = f" ({shown['temperature'][0].as_py():g} K)" if len(shown) else ""
    fig = style.figure(shown_column(criterion.column).header, f"κ{temperature} [W/m/K]", HEIGHT)
    groups = prototype_groups(shown)
    for index, group in enumerate(sorted(set(groups), key=lambda name: (name == OTHER, name))):
        part = shown.filter(pa.array([name == group for name in groups]))
        _add_group(fig, part, criterion, group, index)
    kappa, x = _numbers(shown, "kappa"), _factor(criterion) * _numbers(shown, criterion.column.name)
    style.log_axis(fig.layout.yaxis, kappa)
    if substrate is not None and criterion.column.name == "expansion":
        _add_substrate(fig, criterion, *substrate)
    elif (x > 0).all():
        style.log_axis(fig.layout.xaxis, x)
    if substrate is None and "pareto_optimal" in shown.column_names:
        _add_front(fig, shown, criterion)
    if criterion.column.name == "kappa_reference_300" and len(shown):
        _add_diagonal(fig, kappa, x)
    _add_picked(fig, shown, criterion, picked)
    if frame is not None:
        _add_frame(fig, criterion, frame)
    return fig


def with_value(table: pa.Table, criterion: Criterion) -> pa.Table:
    """Return the rows that have a value of the criterion."""
    return table.filter(pc.is_valid(table[criterion.column.name]))


def _factor(criterion: Criterion) -> float:
    """Return what takes the stored unit to the one that is shown."""
    return UNITS.get(criterion.column.unit, (1.0, ""))[0]


def prototype_groups(table: pa.Table) -> list[str]:
    """Return the prototype of each row; rare ones, beyond the palette, are ``other``."""
    if "prototype" not in table.column_names:
        return [OTHER] * len(table)
    counted = pc.value_counts(table["prototype"].drop_null()).to_pylist()
    common = sorted(counted, key=lambda item: (-item["counts"], item["values"]))
    names = {item["values"] for item in common[: len(style.CATEGORIES) - 1]}
    return [name if name in names else OTHER for name in table["prototype"].to_pylist()]


def _add_group(fig: go.Figure, part: pa.Table, criterion: Criterion, name: str, index: int) -> None:
    """Add the materials of one prototype."""
    colour = style.GREY if name == OTHER else style.CATEGORIES[index % len(style.CATEGORIES)]
    fig.add_scatter(
        x=_factor(criterion) * _numbers(part, criterion.column.name),
        y=_numbers(part, "kappa"),
        name=name,
        mode="markers",
        customdata=[[material] for material in part["material_id"].to_pylist()],
        error_y=_bars(part, "kappa_spread", 1.0),
        error_x=_bars(part, criterion.spread, _factor(criterion)),
        text=[_hover(row, criterion) for row in part.to_pylist()],
        hovertemplate="%{text}<extra></extra>",
        marker={
            "color": colour,
            "symbol": style.SYMBOLS[index % len(style.SYMBOLS)],
            "size": 9 if len(part) < 200 else 7,
            "opacity": 0.5 if name == OTHER else 0.85,
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


def _hover(row: Mapping[str, object], criterion: Criterion) -> str:
    """Return the text of one point."""
    kappa, share, x = row["kappa"], row.get("coherence_share"), row[criterion.column.name]
    spread = row.get("kappa_spread")
    bar = f" ± {spread:.2g}" if isinstance(spread, float) else ""
    place = f"no. {row['rank']:,}: " if "rank" in row else ""
    lines = [
        f"{place}<b>{row['formula']}</b>  {row['material_id']}",
        f"κ = {kappa:.3g}{bar} W/m/K",
    ]
    warnings = {
        "models_disagree": "potentials disagree",
        "fc3_fit_poor": "poor fit of fc3",
        "expansion_doubt": "doubtful α",
    }
    lines += [text for name, text in warnings.items() if row.get(name)]
    if isinstance(share, float):
        lines.append(f"κ<sub>C</sub>/κ = {share:.2g}")
    if isinstance(x, float) and criterion.column.name != "coherence_share":
        unit = shown_column(criterion.column).unit
        label = style.pretty(criterion.column.label)
        lines.append(f"{label} = {_factor(criterion) * x:.3g} {unit}".rstrip())
    return "<br>".join(lines)


def _outlines(part: pa.Table) -> list[float]:
    """Return the width in px of each point's outline."""
    if "pareto_optimal" not in part.column_names:
        return [0.0] * len(part)
    return [2.5 if optimal else 0.0 for optimal in part["pareto_optimal"].to_pylist()]


def _numbers(table: pa.Table, name: str) -> FloatArray:
    """Return a column as floats; NULL becomes NaN."""
    return np.asarray(table[name].to_numpy(), dtype=np.float64)


def _add_front(fig: go.Figure, shown: pa.Table, criterion: Criterion) -> None:
    """Join the materials of which no other one is better in both."""
    optimal = shown.filter(shown["pareto_optimal"]).sort_by(criterion.column.name)
    if len(optimal) > 1:
        fig.add_scatter(
            x=_factor(criterion) * _numbers(optimal, criterion.column.name),
            y=_numbers(optimal, "kappa"),
            name=FRONT,
            mode="lines",
            line={"color": style.GREY, "width": 1.5},
            hoverinfo="skip",
        )


def _add_picked(
    fig: go.Figure, shown: pa.Table, criterion: Criterion, picked: Collection[str]
) -> None:
    """Ring the materials that are selected."""
    chosen = shown.filter(pc.is_in(shown["material_id"], pa.array(list(picked), pa.string())))
    if len(chosen):
        fig.add_scatter(
            x=_factor(criterion) * _numbers(chosen, criterion.column.name),
            y=_numbers(chosen, "kappa"),
            name=PICKED,
            mode="markers+text",
            text=chosen["formula"].to_pylist(),
            textposition="top center",
            textfont={"color": style.VERMILLION},
            hoverinfo="skip",
            marker={
                "symbol": "circle-open",
                "size": 17,
                "color": style.VERMILLION,
                "line": {"width": 2.5},
            },
        )


def _add_frame(fig: go.Figure, criterion: Criterion, frame: Frame) -> None:
    """Draw the box whose materials are listed."""
    (x0, x1), (y0, y1) = frame
    factor = _factor(criterion)
    fig.add_shape(
        type="rect",
        x0=factor * x0,
        x1=factor * x1,
        y0=y0,
        y1=y1,
        line={"color": style.GREY, "dash": "dot", "width": 1.5},
        fillcolor=style.FAINT,
        layer="below",
    )


def _add_substrate(fig: go.Figure, criterion: Criterion, name: str, expansion: float) -> None:
    """Draw the expansion of the substrate."""
    value = _factor(criterion) * expansion
    fig.add_vline(
        x=value,
        name=f"{name} ({value:.3g})",
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
