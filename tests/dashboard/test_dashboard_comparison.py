"""Materials and potentials side by side, without a browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dashboard import comparison, exported
from dashboard.charts import style
from dashboard.charts.comparison import EXPANSION, PARTS, Curve
from dashboard.charts.comparison import comparison as chart
from screen.core.protocols import ModelIdentity
from screen.core.settings import protocol_named
from screen.store.artifacts import Artifacts
from screen.store.database import Writer, open_snapshot
from screen.store.layout import artifacts_folder
from screen.store.queries import columns_of

from .conftest import COLUMNS, MODEL_DIGEST, RECIPES, outcome_of, write_run
from .reading import OpenPage, charts, checked, table, texts

THREE = "LiBr-rs,MgO-rs,CsF-rs"
OTHER = "77" * 12


def names(app: object, key: str) -> list[str]:
    return [item["name"] for item in charts(app)[key]["data"]]  # type: ignore[arg-type]


def test_address_names_the_materials() -> None:
    assert comparison.from_address(["a,b", "c, a"]) == ["a", "b", "c"]
    assert comparison.from_address([]) == []
    assert comparison.from_address([",,"]) == []


def test_compared_materials_share_charts_and_table(page: OpenPage) -> None:
    app = page("compare", materials=THREE)
    assert names(app, "conductivity") == ["LiBr", "MgO"]
    assert names(app, "expansion") == ["LiBr", "MgO"]
    shown = table(app, "quantity", "LiBr", "MgO", "CsF")
    numbers = dict(zip(shown["quantity"], zip(*(shown[n] for n in ("LiBr", "CsF")))))  # noqa: B905
    assert numbers["κ (300 K) [W/m/K]"] == ("1.8", "–")
    assert numbers["kind"] == ("–", "imaginary_modes")
    assert r"No conductivity of CsF\: stability (imaginary\_modes)." in texts(app)
    assert [link.proto.label for link in app.get("page_link")] == [
        "Open LiBr",
        "Open MgO",
        "Open CsF",
    ]


def test_parts_of_kappa_are_compared_on_their_own_axes(page: OpenPage) -> None:
    axis = charts(page("compare", materials=THREE, part="κ_C/κ"))["conductivity"]["layout"]["yaxis"]
    assert axis["title"]["text"] == "κ<sub>C</sub>/κ [%]"
    assert "type" not in axis
    drawn = charts(page("compare", materials=THREE, part="κ_P"))["conductivity"]
    assert drawn["layout"]["yaxis"]["type"] == "log"


def test_every_part_of_kappa_is_that_of_the_record(run: Path) -> None:
    with open_snapshot(run) as snapshot:
        found = comparison.entries(
            comparison.rows_of(snapshot, ("LiBr-rs",)), comparison.grids_of(snapshot, ("LiBr-rs",))
        )
    at_300 = {}
    for part in PARTS:
        (curve,) = comparison.conductivities(found, part)
        at_300[part] = curve.values[curve.temperatures.tolist().index(300.0)]
    assert at_300 == pytest.approx({"κ": 1.8, "κ_P": 1.71, "κ_C": 0.09, "κ_C/κ": 5.0})


def test_unknown_and_pending_materials_are_said(page: OpenPage) -> None:
    said = texts(page("compare", materials="LiBr-rs,nonsense,AgCl-rs"))
    assert "no material `nonsense`: left out" in said
    assert "Not computed yet: AgCl-rs." in said
    said = texts(page("compare", materials="AgCl-rs"))
    assert "None of these materials has been computed yet" in said
    assert "Choose the materials to compare" in texts(page("compare"))


def test_choice_is_written_to_the_address(page: OpenPage) -> None:
    app = page("compare", materials="LiBr-rs")
    app.multiselect[0].set_value(["LiBr-rs", "SiC-zb"])
    checked(app.run())
    assert "LiBr-rs,SiC-zb" in app.query_params["materials"]
    assert names(app, "conductivity") == ["LiBr", "SiC"]
    app.multiselect[0].set_value([])
    checked(app.run())
    assert "materials" not in app.query_params


def test_search_offers_materials_beside_the_chosen_ones(page: OpenPage) -> None:
    app = page("compare", materials="LiBr-rs")
    app.text_input(key="search").set_value("sic")
    checked(app.run())
    assert app.multiselect[0].options == ["LiBr-rs", "SiC · SiC-zb"]
    assert app.multiselect[0].value == ["LiBr-rs"]
    assert names(app, "conductivity") == ["LiBr"]


@pytest.fixture
def two_of_each(tmp_path: Path) -> Path:
    """LiBr by two potentials, and by one of them under another protocol; MgO by one."""
    folder = write_run(tmp_path / "two", RECIPES[:2])
    artifacts, other = Artifacts(artifacts_folder(folder)), protocol_named("screen")
    with Writer(folder, COLUMNS) as writer:
        writer.add_model(OTHER, ModelIdentity("other", "other", OTHER, "float64", "pkg", "1"))
        writer.add_protocol(other)
        second = outcome_of(replace(RECIPES[0], kappa=3.0), artifacts)
        writer.upsert(
            [
                replace(second, model_digest=OTHER, executions=()),
                outcome_of(replace(RECIPES[0], kappa=1.0), artifacts, other),
            ]
        )
        writer.publish()
    return folder


def test_potentials_of_one_material_are_named_by_what_differs(
    page: OpenPage, two_of_each: Path
) -> None:
    app = page("compare", two_of_each, materials="LiBr-rs")
    assert names(app, "conductivity") == [
        "mace-mpa-0 · quick",
        "mace-mpa-0 · screen",
        "other · quick",
    ]
    both = page("compare", two_of_each, materials="LiBr-rs,MgO-rs")
    assert names(both, "conductivity")[-1] == "MgO · mace-mpa-0 · quick"


def test_potentials_can_be_left_out(page: OpenPage, two_of_each: Path) -> None:
    app = page("compare", two_of_each, materials="LiBr-rs")
    app.multiselect(key="methods").set_value(["other · quick"])
    checked(app.run())
    assert names(app, "conductivity") == ["LiBr"]


def test_sql_of_the_page_gives_the_numbers_of_the_table(two_of_each: Path) -> None:
    with open_snapshot(two_of_each) as snapshot:
        wanted = ("LiBr-rs", "MgO-rs")
        found = comparison.entries(
            comparison.rows_of(snapshot, wanted), comparison.grids_of(snapshot, wanted)
        )
        columns = {column.name: column for column in columns_of(snapshot)}
        rows = snapshot.query(comparison.sql(found, columns)).to_pylist()
    assert sorted(row["kappa_300"] for row in rows) == pytest.approx([1.0, 1.8, 3.0, 55.0])
    shown = comparison.numbers(found, columns)
    assert [entry.row["model_digest"] for entry in found].count(MODEL_DIGEST) == 3
    text = exported.csv(shown).decode().splitlines()
    assert text[0].startswith('"quantity","LiBr · mace-mpa-0 · quick"')
    assert len(text) == len(shown) + 1


def test_curves_are_taken_along_point_by_point(two_of_each: Path) -> None:
    with open_snapshot(two_of_each) as snapshot:
        found = comparison.entries(
            comparison.rows_of(snapshot, ("MgO-rs",)), comparison.grids_of(snapshot, ("MgO-rs",))
        )
        first, second = comparison.curves_sql(found).split("\n\n")
        assert snapshot.query(first)["kappa"][0].as_py()[2] == pytest.approx(55.0)
        assert len(snapshot.query(second)) == 1
    rows = comparison.curves(found).to_pylist()
    at_300 = {row["quantity"]: row for row in rows if row["T [K]"] == 300.0}
    assert at_300["κ"]["value"] == pytest.approx(55.0)
    assert at_300["κ_C/κ"]["unit"] == "%"
    assert at_300["α_L"]["value"] == pytest.approx(11 / (1 + (170 / 300) ** 2))
    assert {row["result"] for row in rows} == {"MgO"}
    assert len(comparison.curves([])) == 0
    assert comparison.curves_sql([]) == ""


def test_materials_of_one_formula_are_told_apart() -> None:
    row = {"formula": "SiO2", "model": "m", "protocol": "p", "model_digest": "d" * 8}
    rows = [{**row, "material_id": name, "protocol_digest": "e" * 8} for name in ("a", "b")]
    assert [entry.label for entry in comparison.entries(rows, {})] == ["SiO2 (a)", "SiO2 (b)"]
    twice = [rows[0], {**rows[0], "model_digest": "f" * 8}]
    labels = [entry.label for entry in comparison.entries(twice, {})]
    assert labels == ["SiO2 (dddddd, eeeeee)", "SiO2 (ffffff, eeeeee)"]


def test_many_curves_are_told_apart_by_dashes_and_symbols() -> None:
    grid = np.array([100.0, 300.0])
    curves = [Curve(str(n), grid, np.array([2.0, 1.0]) + n) for n in range(8)]
    fig = chart(curves, PARTS["κ"])
    looks = {(item.line.color, item.line.dash, item.marker.symbol) for item in fig.data}
    assert len(looks) == 8
    assert fig.data[6].line.color == style.CATEGORIES[0]
    assert fig.layout.yaxis.type == "log"
    assert fig.layout.xaxis.title.text == "T [K]"


def test_negative_expansion_is_drawn_below_a_line_at_zero() -> None:
    grid = np.array([100.0, 300.0])
    fig = chart([Curve("a", grid, np.array([-2.0, 1.0]))], EXPANSION)
    assert fig.layout.shapes
    assert fig.layout.yaxis.title.text == "α<sub>L</sub> [10⁻⁶/K]"
    assert not chart([], EXPANSION).data
