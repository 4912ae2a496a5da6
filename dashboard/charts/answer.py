"""Rows of any query as points, lines or bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc

from dashboard.charts import style
from screen.core.crystal import FloatArray

Kind = Literal["points", "lines", "bars"]
KINDS: tuple[Kind, ...] = ("points", "lines", "bars")
OTHER = "other"
NONE = "none"
BARS = 60  # more cannot be told apart
MANY = 2000  # points, beyond which the graphics card draws them


@dataclass(frozen=True)
class Choice:
    """What is drawn: columns of the table by name."""

    kind: Kind
    x: str
    y: str
    colour: str | None = None
    log_x: bool = False
    log_y: bool = False


def numbers(table: pa.Table) -> list[str]:
    """Return the columns that hold numbers, at least one."""
    return [
        field.name
        for field in table.schema
        if _is_number(field.type) and table[field.name].null_count < len(table)
    ]


def labels(table: pa.Table) -> list[str]:
    """Return the columns that hold texts, times or truth values, at least one."""
    return [
        field.name
        for field in table.schema
        if _is_label(field.type) and table[field.name].null_count < len(table)
    ]


def suggested(table: pa.Table) -> Choice | None:
    """Return a first guess: curves over temperature, else bars by name, else points; or nothing."""
    found, names = numbers(table), labels(table)
    measured = [name for name in found if pa.types.is_floating(table.schema.field(name).type)]
    if not found or not len(table):
        return None
    if "temperature" in measured and _distinct(table, "temperature") > 1:
        curves = [name for name in measured if name != "temperature"]
        if curves:
            return Choice("lines", "temperature", curves[0], _groups_by(table, names))
    y = (measured or found)[0]
    if names:
        kind: Kind = "bars" if _distinct(table, names[0]) <= BARS else "points"
        return Choice(kind, names[0], y, _groups_by(table, names[1:]))
    others = [name for name in found if name != y]
    return Choice("points", y, others[0]) if others else None


def chart(table: pa.Table, choice: Choice, titles: Mapping[str, str]) -> go.Figure:
    """Draw the rows that have a value on both axes.

    Parameters
    ----------
    titles
        Column to its header with unit.
    """
    rows = drawable(table, choice)
    fig = style.figure(titles[choice.x], titles[choice.y], height=420)
    if choice.colour is not None and _is_scale(rows, choice):
        _add(fig, rows, choice, "", _colours(rows, choice.colour, titles[choice.colour]))
    else:
        for index, (name, part) in enumerate(_groups(rows, choice.colour)):
            colour = style.GREY if name == OTHER else style.CATEGORIES[index]
            _add(fig, part, choice, name, {"color": colour, "symbol": style.SYMBOLS[index]})
    fig.update_layout(barmode="group", showlegend=len(fig.data) > 1)
    for axis, name in ((fig.layout.xaxis, choice.x), (fig.layout.yaxis, choice.y)):
        if pa.types.is_string(rows.schema.field(name).type):
            order = pc.unique(rows[name]).to_pylist()  # that of the query, whatever the colours
            axis.update(categoryorder="array", categoryarray=order)
    for wanted, axis, name in (
        (choice.log_x, fig.layout.xaxis, choice.x),
        (choice.log_y, fig.layout.yaxis, choice.y),
    ):
        if wanted and may_be_log(rows, name):
            style.log_axis(axis, _values(rows, name))
    return fig


def drawable(table: pa.Table, choice: Choice) -> pa.Table:
    """Return the rows that have a value on both axes, in the order of the abscissa for lines."""
    there = pc.and_(pc.is_valid(table[choice.x]), pc.is_valid(table[choice.y]))
    rows = table.filter(there)
    return rows.sort_by(choice.x) if choice.kind == "lines" else rows


def may_be_log(table: pa.Table, name: str) -> bool:
    """Say whether a column can stand on a logarithmic axis: numbers, all of them positive."""
    if not _is_number(table.schema.field(name).type):
        return False
    values = _values(table, name)
    return bool(len(values) and (values[~np.isnan(values)] > 0).all())


def _add(
    fig: go.Figure, rows: pa.Table, choice: Choice, name: str, marker: dict[str, object]
) -> None:
    """Add one group of rows."""
    x, y = (_axis(rows, column) for column in (choice.x, choice.y))
    text = [_hover(row) for row in rows.to_pylist()]
    common = {"x": x, "y": y, "name": name, "text": text, "hovertemplate": "%{text}<extra></extra>"}
    if choice.kind == "bars":
        bar = {key: value for key, value in marker.items() if key != "symbol"}
        fig.add_bar(**common, marker=bar, textposition="none")
        return
    add = fig.add_scattergl if len(rows) > MANY else fig.add_scatter
    mode = "lines+markers" if choice.kind == "lines" else "markers"
    add(**common, mode=mode, marker={"size": 8, "opacity": 0.85, **marker})


def _hover(row: Mapping[str, object]) -> str:
    """Return the texts and numbers of a row, the first of them in bold."""
    shown = [
        f"{name}: {value:.4g}" if isinstance(value, float) else f"{name}: {value}"
        for name, value in row.items()
        if isinstance(value, str | int | float) and len(str(value)) <= 60
    ]
    return "<br>".join(item.replace("<", "&lt;") for item in shown[:8])


def _colours(rows: pa.Table, name: str, title: str) -> dict[str, object]:
    """Colour by a number."""
    return {
        "color": _values(rows, name),
        "colorscale": "Cividis",  # reads the same for the colour-blind
        "colorbar": {"title": {"text": title, "side": "right"}, "thickness": 12, "outlinewidth": 0},
    }


def _is_scale(rows: pa.Table, choice: Choice) -> bool:
    """Say whether colour is a number with too many values for groups; lines are groups."""
    name = str(choice.colour)
    return (
        choice.kind != "lines"
        and _is_number(rows.schema.field(name).type)
        and _distinct(rows, name) > len(style.CATEGORIES)
    )


def _groups(rows: pa.Table, name: str | None) -> list[tuple[str, pa.Table]]:
    """Return the rows by the text of a column; values beyond the palette are ``other``."""
    if name is None:
        return [("", rows)]
    texts = [NONE if value is None else str(value) for value in rows[name].to_pylist()]
    uses = Counter(texts).most_common()
    room = len(style.CATEGORIES) - (len(uses) > len(style.CATEGORIES))
    common = sorted(text for text, _ in uses[:room])
    shown = [text if text in common else OTHER for text in texts]
    names = [*common, *([OTHER] if OTHER in shown and OTHER not in common else [])]
    return [(item, rows.filter(pa.array([text == item for text in shown]))) for item in names]


def _groups_by(table: pa.Table, names: Sequence[str]) -> str | None:
    """Return the first column whose values make a few groups of several rows."""
    few = (name for name in names if 1 < _distinct(table, name) <= len(style.CATEGORIES))
    return next((name for name in few if _distinct(table, name) < len(table)), None)


def _distinct(table: pa.Table, name: str) -> int:
    return int(pc.count_distinct(table[name]).as_py())


def _axis(rows: pa.Table, name: str) -> FloatArray | list[object]:
    """Return the positions on an axis: numbers as floats, all else as it is."""
    if _is_number(rows.schema.field(name).type):
        return _values(rows, name)
    return [str(item) if isinstance(item, bool) else item for item in rows[name].to_pylist()]


def _values(rows: pa.Table, name: str) -> FloatArray:
    """Return numbers; NULL becomes NaN."""
    return np.asarray(rows[name].cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)
    )


def _is_label(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
    )
