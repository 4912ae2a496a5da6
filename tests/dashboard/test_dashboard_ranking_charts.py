"""What the plot of ranked materials, the funnel and the curve of progress draw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from dashboard.charts import style
from dashboard.charts.progress import funnel_bars, progress_curve
from dashboard.charts.ranking import FRONT, PICKED, ranking_scatter
from dashboard.rankings.criteria import CRITERIA

ALPHA = CRITERIA["thermal expansion"]


def ranked(**changed: list[object]) -> pa.Table:
    columns: dict[str, list[object]] = {
        "material_id": ["a", "b", "c", "d"],
        "formula": ["LiBr", "MgO", "SiC", "NaCl"],
        "prototype": ["rocksalt", "rocksalt", "zincblende", None],
        "rank": [1, 2, 3, 4],
        "temperature": [300.0] * 4,
        "kappa": [1.8, 55.0, 430.0, 6.0],
        "coherence_share": [0.05, 0.01, 0.001, 0.02],
        "expansion": [5e-5, 1.1e-5, 2e-6, 4e-5],
        "pareto_optimal": [True, False, True, True],
    }
    return pa.table(columns | changed)


def test_front_joins_its_materials_in_the_order_of_the_axis() -> None:
    fig = ranking_scatter(ranked(), ALPHA)
    (line,) = [item for item in fig.data if item.name == FRONT]
    assert line.x == pytest.approx([2.0, 40.0, 50.0])
    assert line.y == pytest.approx([430.0, 6.0, 1.8])


def test_front_of_a_single_material_is_no_line() -> None:
    fig = ranking_scatter(ranked(pareto_optimal=[True, False, False, False]), ALPHA)
    assert FRONT not in [item.name for item in fig.data]


def test_front_against_a_substrate_is_outlined_but_not_joined() -> None:
    fig = ranking_scatter(ranked(), ALPHA, ("Si", 2.6e-6))
    assert FRONT not in [item.name for item in fig.data]
    widths = {
        item[0]: width
        for trace in fig.data
        for item, width in zip(trace.customdata, trace.marker.line.width, strict=True)
    }
    assert {name for name, width in widths.items() if width} == {"a", "c", "d"}


def test_selected_materials_have_a_ring_and_a_name() -> None:
    fig = ranking_scatter(ranked(), ALPHA, picked=("b", "unknown"))
    (ring,) = [item for item in fig.data if item.name == PICKED]
    assert (list(ring.x), list(ring.y), list(ring.text)) == ([pytest.approx(11.0)], [55.0], ["MgO"])
    assert ring.marker.symbol == "circle-open"


def test_box_is_drawn_in_the_units_of_the_axes() -> None:
    fig = ranking_scatter(ranked(), ALPHA, frame=((1e-6, 2e-5), (10.0, 500.0)))
    (shape,) = fig.layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == pytest.approx((1.0, 20.0, 10.0, 500.0))


def test_hover_names_place_unit_and_doubts() -> None:
    table = ranked(expansion_doubt=[True, None, None, None], fc3_fit_poor=[None, True, None, None])
    texts = {
        item[0]: text
        for trace in ranking_scatter(table, ALPHA).data
        if trace.customdata is not None
        for item, text in zip(trace.customdata, trace.text, strict=True)
    }
    assert "no. 1: <b>LiBr</b>  a" in texts["a"]
    assert "α = 50 10⁻⁶/K" in texts["a"]
    assert "doubtful α" in texts["a"]
    assert "poor fit of fc3" in texts["b"]
    assert "doubtful" not in texts["b"]


def test_materials_without_prototype_are_drawn_where_no_source_names_any() -> None:
    fig = ranking_scatter(ranked().drop_columns(["prototype"]), ALPHA)
    assert [item.name for item in fig.data] == ["other", FRONT]
    assert fig.data[0].marker.color == style.GREY


def test_groups_differ_by_symbol_and_not_by_colour_alone() -> None:
    fig = ranking_scatter(ranked(), ALPHA)
    groups = [item for item in fig.data if item.customdata is not None]
    assert len({item.marker.symbol for item in groups}) == len(groups) == 3


def test_funnel_says_which_part_came_through() -> None:
    fig = funnel_bars([("candidates", 200, "all"), ("stable", 50, "no soft mode"), ("κ", 0, "")])
    (bars,) = fig.data
    assert list(bars.y) == ["κ", "stable", "candidates"]  # the first on top
    assert list(bars.text) == ["0 (0% of the step before)", "50 (25% of the step before)", "200"]
    assert bars.customdata[2][0] == "all"
    assert fig.layout.xaxis.title.text == "materials"


def test_funnel_of_nothing_has_no_shares() -> None:
    (bars,) = funnel_bars([("candidates", 0, ""), ("stable", 0, "")]).data
    assert list(bars.text) == ["0 (0% of the step before)", "0"]


def test_progress_is_a_staircase_from_zero() -> None:
    begun = datetime(2026, 3, 1, tzinfo=UTC)
    moments = [begun + timedelta(hours=hour) for hour in range(3)]
    fig = progress_curve(pa.table({"moment": moments, "outcomes": [1, 4, 9]}))
    (line,) = fig.data
    assert list(line.y) == [1, 4, 9]
    assert line.line.shape == "hv"
    assert fig.layout.yaxis.rangemode == "tozero"
    assert "UTC" in fig.layout.xaxis.title.text
