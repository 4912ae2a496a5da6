"""The ranking page with a substrate whose expansion is to be matched."""

from __future__ import annotations

import pytest

from dashboard import display
from dashboard.charts import style
from dashboard.charts.ranking import ranking_scatter
from dashboard.rankings.columns import DOUBT
from dashboard.rankings.criteria import CRITERIA
from screen.core.substrates import substrates
from screen.ranking import COLUMNS, MATCH_COLUMNS, rank
from screen.store.database import open_snapshot

from .conftest import RECIPES
from .reading import OpenPage, charts, checked, table, texts

ALPHA = {item.id: item.alpha / (1 + (170 / 300) ** 2) for item in RECIPES}  # 1/K at 300 K
SILICON = 2.57  # 1e-6/K


def lines(figure: dict) -> list[dict]:
    return [item for item in figure["layout"].get("shapes", []) if item["type"] == "line"]


def test_without_a_substrate_nothing_is_matched(page: OpenPage) -> None:
    app = page("insulators")
    assert app.selectbox(key="match").value is None
    assert app.selectbox(key="match").options == [*substrates(), "another value"]
    assert "α − α_sub [10⁻⁶/K]" not in table(app, "rank")
    assert not lines(charts(app)["scatter"])


def test_a_substrate_keeps_what_expands_like_it(page: OpenPage) -> None:
    app = page("heat_spreaders")
    app.selectbox(key="match").set_value("Si")
    checked(app.run())
    ranked = table(app, "rank", "α − α_sub [10⁻⁶/K]")
    assert ranked["formula"] == ["SiC"]
    assert ranked["α − α_sub [10⁻⁶/K]"] == pytest.approx([1e6 * ALPHA["SiC-zb"] - SILICON])
    assert "within 1·10⁻⁶/K of Si and a band gap of at least 1 eV" in texts(app)
    (line,) = lines(charts(app)["scatter"])
    assert (line["x0"], line["x1"], line["name"]) == (SILICON, SILICON, "Si (2.57)")
    assert charts(app)["scatter"]["layout"]["xaxis"].get("type") != "log"


def test_a_page_opens_with_the_substrate_of_its_address(page: OpenPage) -> None:
    app = page("insulators", match="another value", alpha="3.0", within="2.0")
    ranked = table(app, "rank", "α − α_sub [10⁻⁶/K]")
    assert ranked["formula"] == ["GaAs", "SiC"]
    assert ranked["Pareto"] == [True, True], "GaAs insulates better, SiC is closer"
    assert "within 2·10⁻⁶/K of the substrate ranked by κ" in texts(app)


def test_the_page_shows_the_rows_of_the_library(page: OpenPage, run) -> None:
    app = page("heat_spreaders", match="InP", within="4.0")
    with open_snapshot(run) as snapshot:
        expected = rank(snapshot, "heat-spreaders", match_expansion="InP", max_mismatch=4e-6)
    ranked = table(app, "rank", "α − α_sub [10⁻⁶/K]")
    assert ranked["material"] == expected["material_id"].to_pylist()
    assert ranked["rank"] == expected["rank"].to_pylist()
    assert ranked["Pareto"] == expected["pareto_optimal"].to_pylist()
    # hidden where they say nothing: for one potential, finite differences, sources without gaps
    hidden = ("kappa_spread", "expansion_spread", "models_disagree", "fc3_fit_poor", "band_gap")
    headers = {
        display.shown_column(column).header
        for column in (*COLUMNS, *MATCH_COLUMNS, DOUBT)
        if column.name not in hidden
    }
    assert set(ranked) == headers


def test_a_substrate_is_not_used_far_from_room_temperature(page: OpenPage) -> None:
    app = page("insulators", match="Si", T="500")
    assert "known at 300 K only, not at 500 K" in app.warning[0].value
    assert not app.dataframe


def test_no_match_says_so(page: OpenPage) -> None:
    app = page("insulators", match="diamond", within="0.01")
    assert "No stable material passes the filters" in texts(app)


def test_materials_without_a_better_one_are_outlined(run) -> None:
    with open_snapshot(run) as snapshot:
        ranked = rank(snapshot, "heat-spreaders", match_expansion=4e-6, max_mismatch=5e-6)
    figure = ranking_scatter(ranked, CRITERIA["thermal expansion"], ("substrate", 4e-6))
    widths = {
        material: width
        for trace in figure.data
        for (material,), width in zip(trace.customdata, trace.marker.line.width, strict=True)
    }
    optimal = dict(
        zip(ranked["material_id"].to_pylist(), ranked["pareto_optimal"].to_pylist(), strict=True)
    )
    assert {material: width > 0 for material, width in widths.items()} == optimal
    assert set(optimal.values()) == {True, False}
    (line,) = figure.layout.shapes
    assert line.x0 == pytest.approx(4.0)
    assert line.line.color == style.GREY


def test_the_line_is_drawn_on_the_axis_of_expansions_only(run) -> None:
    with open_snapshot(run) as snapshot:
        ranked = rank(snapshot, "heat-spreaders", match_expansion=4e-6, max_mismatch=5e-6)
    figure = ranking_scatter(ranked, CRITERIA["share of coherences"], ("substrate", 4e-6))
    assert not figure.layout.shapes
