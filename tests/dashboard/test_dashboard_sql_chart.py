"""The chart of any query's rows."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from dashboard.answer import from_address
from dashboard.charts import answer as charts
from dashboard.charts import style
from dashboard.charts.answer import Choice

CURVES = pa.table(
    {
        "formula": ["MgO"] * 4,
        "model": ["a", "b", "a", "b"],
        "temperature": [300.0, 300.0, 100.0, 100.0],
        "kappa": [2.0, 1.0, 6.0, None],
    }
)
TITLES = {name: f"{name} [unit]" for name in ("temperature", "kappa", "formula", "model")}


def test_rows_over_temperature_are_curves_in_order_and_by_group() -> None:
    choice = charts.suggested(CURVES)
    assert choice == Choice("lines", "temperature", "kappa", "model")
    first, second = charts.chart(CURVES, choice, TITLES).data
    assert (first.name, list(first.x), list(first.y)) == ("a", [100.0, 300.0], [6.0, 2.0])
    assert (second.name, list(second.x)) == ("b", [300.0]), "a row without κ is left out"
    assert first.marker.symbol != second.marker.symbol, "told apart without colour"


def test_names_with_a_number_are_bars() -> None:
    table = pa.table({"stage": ["relax", "fc3"], "hours": [1.5, None], "n": [3, 4]})
    choice = charts.suggested(table)
    assert choice == Choice("bars", "stage", "hours")
    (bars,) = charts.chart(table, choice, {"stage": "stage", "hours": "hours [h]"}).data
    assert (list(bars.x), list(bars.y)) == (["relax"], [1.5])


def test_bars_keep_the_order_of_the_query_whatever_colours_them() -> None:
    table = pa.table({"name": ["c", "a", "b"], "flag": [True, False, True], "y": [3.0, 2.0, 1.0]})
    choice = Choice("bars", "name", "y", "flag")
    fig = charts.chart(table, choice, {"name": "name", "y": "y", "flag": "flag"})
    assert len(fig.data) == 2
    assert list(fig.layout.xaxis.categoryarray) == ["c", "a", "b"]


def test_numbers_alone_are_points_and_a_single_number_or_no_row_is_nothing() -> None:
    assert charts.suggested(pa.table({"a": [1, 2], "b": [1.5, 2.5]})) == Choice("points", "b", "a")
    assert charts.suggested(pa.table({"a": [1, 2]})) is None
    assert charts.suggested(pa.table({"a": ["x"], "b": [[1.0]]})) is None
    assert charts.suggested(pa.table({"a": ["x"], "b": [1.0]}).slice(0, 0)) is None
    absent = pa.table({"a": ["x"], "b": pa.array([None], pa.float64())})
    assert charts.suggested(absent) is None


def test_beyond_the_palette_groups_are_other_and_grey() -> None:
    names = [f"p{index}" for index in range(9)] * 2
    table = pa.table({"name": [*names, None], "x": np.arange(19.0), "y": np.arange(19.0)})
    found = charts.chart(table, Choice("points", "x", "y", "name"), {"x": "x", "y": "y"}).data
    assert len(found) == len(style.CATEGORIES)
    assert (found[-1].name, found[-1].marker.color) == (charts.OTHER, style.GREY)
    assert sum(len(trace.x) for trace in found) == 19


def test_a_number_with_many_values_colours_by_a_scale() -> None:
    table = pa.table({"x": np.arange(8.0), "y": np.arange(8.0), "gap": np.arange(8.0)})
    titles = {"x": "x", "y": "y", "gap": "gap [eV]"}
    for kind in ("points", "bars"):
        (trace,) = charts.chart(table, Choice(kind, "x", "y", "gap"), titles).data
        assert list(trace.marker.color) == [*range(8)]
        assert trace.marker.colorbar.title.text == "gap [eV]"
    assert len(charts.chart(table, Choice("lines", "x", "y", "gap"), titles).data) == 6


def test_an_axis_is_logarithmic_only_where_all_values_are_positive() -> None:
    table = pa.table({"x": [1.0, 10.0], "y": [0.0, 1.0], "name": ["a", "b"]})
    figure = charts.chart(table, Choice("points", "x", "y", None, True, True), {"x": "x", "y": "y"})
    assert (figure.layout.xaxis.type, figure.layout.yaxis.type) == ("log", None)
    assert not charts.may_be_log(table, "name")


def test_every_kind_of_column_that_can_be_drawn_is_drawn() -> None:
    table = pa.table(
        {
            "day": [date(2026, 1, 1), date(2026, 1, 2)],
            "stable": [True, False],
            "total": pa.array([Decimal("1.5"), Decimal(2)], pa.decimal128(9, 2)),
            "whole": [1, None],
            "list": [[1.0], [2.0]],
        }
    )
    assert charts.numbers(table) == ["total", "whole"]
    assert charts.labels(table) == ["day", "stable"]
    for x in ("day", "stable", "total", "whole"):
        for kind in charts.KINDS:
            figure = charts.chart(table, Choice(kind, x, "total"), {x: x, "total": "total"})
            assert len(figure.data[0].x) == (1 if x == "whole" else 2)
            assert figure.to_json()


def test_many_points_are_drawn_by_the_graphics_card() -> None:
    many = pa.table({"x": np.arange(5000.0), "y": np.arange(5000.0)})
    (trace,) = charts.chart(many, Choice("points", "x", "y"), {"x": "x", "y": "y"}).data
    assert trace.type == "scattergl"


def test_what_a_point_is_stands_beside_it_and_is_no_markup() -> None:
    table = pa.table({"formula": ["<b>"], "kappa": [1.23456], "x": [2.0], "list": [[1.0]]})
    (trace,) = charts.chart(table, Choice("points", "x", "kappa"), {"x": "x", "kappa": "κ"}).data
    assert trace.text == ("formula: &lt;b><br>kappa: 1.235<br>x: 2",)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ({}, Choice("lines", "temperature", "kappa", "model")),
        (
            {"chart": "points", "x": "kappa", "y": "temperature", "log": "y"},
            Choice("points", "kappa", "temperature", None, False, True),
        ),
        (
            {"chart": "bars", "x": "model", "y": "kappa", "colour": "nonsense"},
            Choice("bars", "model", "kappa"),
        ),
        ({"chart": "pie", "x": "model", "y": "kappa"}, None),
        ({"chart": "bars", "x": "model", "y": "formula"}, None),
        ({"chart": "bars", "x": "mood", "y": "kappa"}, None),
    ],
)
def test_an_address_names_a_chart_or_is_passed_over(
    address: dict[str, str], expected: Choice | None
) -> None:
    suggestion = charts.suggested(CURVES)
    assert suggestion is not None
    assert from_address(CURVES, suggestion, address) == (expected or suggestion)
