"""Insulators and heat spreaders over real run folders, without a browser."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs

import duckdb
import pyarrow.parquet as pq
import pytest
from ase.data import chemical_symbols
from streamlit.testing.v1 import AppTest

from benchmarks.synthetic_run import write_synthetic_run
from dashboard import data, downloads
from dashboard.rankings.elements import LAYOUT, rows_with
from screen.store.database import Writer, open_snapshot
from tests.store.samples import GRID, candidate, outcome

from .conftest import COLUMNS, RECIPES, write_run
from .linked import click, draw_box, links, mark
from .reading import OpenPage, charts, checked, table, texts

PAGES = ("insulators", "heat_spreaders")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough made-up materials for several pages."""
    return write_synthetic_run(tmp_path_factory.mktemp("runs") / "large", 400)


def formulas(app: AppTest) -> list[str]:
    return table(app, "rank")["formula"]


def points(app: AppTest) -> int:
    return sum(len(item.get("customdata", [])) for item in charts(app)["scatter"]["data"])


# ------------------------------------------------------------------------------ what is ranked


def test_best_insulator_is_first(page: OpenPage) -> None:
    app = page("insulators")
    ranked = table(app, "rank", "κ [W/m/K]")
    assert ranked["formula"] == ["LiBr", "RbF", "GaAs", "MgO", "SiC"]
    assert ranked["κ [W/m/K]"] == pytest.approx([1.8, 1.9, 32.0, 55.0, 430.0])
    assert "α [10⁻⁶/K]" in ranked
    figure = charts(app)["scatter"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "α [10⁻⁶/K]"
    assert figure["layout"]["yaxis"]["title"]["text"] == "κ (300 K) [W/m/K]"
    assert points(app) == 5


def test_best_heat_spreader_is_first(page: OpenPage) -> None:
    assert formulas(page("heat_spreaders")) == ["SiC", "MgO", "GaAs", "RbF", "LiBr"]


def test_address_decides_all_that_is_shown(page: OpenPage) -> None:
    app = page(
        "heat_spreaders",
        T="500",
        prototype="rocksalt",
        to="40",
        without="Li",
        x="density",
        order="formula",
        descending="true",
    )
    ranked = table(app, "rank", "ρ [g/cm³]")
    assert ranked["formula"] == ["RbF", "MgO"]
    assert ranked["rank"] == [2, 1]
    assert set(ranked["T [K]"]) == {500.0}
    assert app.slider(key="T").value == 500.0
    assert charts(app)["scatter"]["layout"]["xaxis"]["title"]["text"] == "ρ [g/cm³]"


def test_conductivity_between_grid_points_follows_a_power_law(page: OpenPage) -> None:
    app = page("insulators", T="330")
    ranked = table(app, "rank", "κ_P [W/m/K]")
    exact = 0.95 * 1.8 * 300 / 330  # κ_P ∝ 1/T but for the heat capacity, which hardly changes
    assert ranked["κ_P [W/m/K]"][0] == pytest.approx(exact, rel=2e-3)


def test_single_temperature_is_stated_instead_of_a_slider(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "one", [replace(RECIPES[0], temperatures=(300.0,))])
    for name in PAGES:
        app = page(name, folder)
        assert not app.slider
        assert [item.value for item in app.metric] == ["300 K"]
        assert formulas(app) == ["LiBr"]


# ------------------------------------------------------------------------------ filters


def test_filters_narrow_table_and_plot_alike(page: OpenPage) -> None:
    app = page("insulators")
    app.multiselect(key="without").set_value(["Si", "Li"])
    app.number_input(key="from").set_value(10.0)
    checked(app.run())
    assert formulas(app) == ["GaAs", "MgO"]
    assert points(app) == 2


def test_filters_that_let_nothing_pass_say_so(page: OpenPage) -> None:
    app = page("insulators")
    app.number_input(key="from").set_value(1e6)
    checked(app.run())
    assert "No stable material passes the filters" in texts(app)
    assert not app.dataframe


def test_filters_without_data_are_not_offered(page: OpenPage, large: Path) -> None:
    keys = {item.key for item in page("insulators").number_input}
    assert not {"gap_from", "gap_to", "hull_to"} & keys
    keys = {item.key for item in page("insulators", large).number_input}
    assert keys >= {"gap_from", "gap_to", "hull_to"}


def test_trust_flags_leave_out_what_is_doubtful(page: OpenPage, large: Path) -> None:
    everything = texts(page("insulators", large))
    app = page("insulators", large, trust="good fit of fc3")
    assert "poor fit" in table(app, "rank")
    assert not any(table(app, "rank")["poor fit"])
    assert "of 300;" in everything
    assert "of 300;" not in texts(app)


def test_periodic_table_asks_excludes_and_forgets(page: OpenPage) -> None:
    app = page("insulators", periodic="true")
    for expected in (["RbF"], ["LiBr", "GaAs", "MgO", "SiC"], None):
        app.button(key="element-F").click()
        checked(app.run())
        assert formulas(app) == (expected or ["LiBr", "RbF", "GaAs", "MgO", "SiC"])
    app.button(key="element-F").click()
    checked(app.run())
    assert app.button(key="element-F").label == "+F"
    assert app.multiselect(key="with").value == ["F"]


def test_periodic_table_is_that_of_the_elements() -> None:
    cells = [symbol for line in LAYOUT for symbol in line.split()]
    assert len(cells) == 9 * 18
    assert set(cells) - {"."} == set(chemical_symbols[1:])
    column = {symbol: line.split().index(symbol) for line in LAYOUT for symbol in line.split()}
    for family in ("H Li Na K Rb Cs Fr", "F Cl Br I At Ts", "He Ne Ar Kr Xe Rn Og", "C Si Ge Sn"):
        assert len({column[symbol] for symbol in family.split()}) == 1
    assert len(rows_with(["Li", "U"])) == 2


def test_elements_that_the_run_lacks_cannot_be_clicked(page: OpenPage) -> None:
    app = page("insulators", periodic="true")
    assert app.button(key="element-Be").disabled
    assert not app.button(key="element-Li").disabled


# ------------------------------------------------------------------------------ linked selection


def test_box_in_the_plot_lists_its_materials(page: OpenPage) -> None:
    app = draw_box(page("insulators"), x=(1, 6), kappa=(20, 500))
    assert formulas(app) == ["GaAs", "SiC"]
    assert table(app, "rank")["rank"] == [3, 5]
    assert app.query_params["box"] == "1,6,20,500"
    assert points(app) == 5
    assert "Box:** α 1 to 6 10⁻⁶/K, κ 20 to 500 W/m/K" in texts(app)


def test_box_of_an_address_is_drawn_and_can_be_forgotten(page: OpenPage) -> None:
    app = page("insulators", box="1,6,20,500")
    assert formulas(app) == ["GaAs", "SiC"]
    (shape,) = charts(app)["scatter"]["layout"]["shapes"]
    assert (shape["x0"], shape["y1"]) == (1.0, 500.0)
    app.button(key="forget").click()
    checked(app.run())
    assert len(formulas(app)) == 5
    assert "box" not in app.query_params


def test_box_that_is_none_is_said(page: OpenPage) -> None:
    app = page("insulators", box="1,2,three")
    assert "box=1,2,three is no box" in app.warning[0].value
    assert len(formulas(app)) == 5


def test_clicked_point_is_selected_and_leads_to_its_page(page: OpenPage) -> None:
    app = click(page("insulators"), "MgO-rs")
    assert app.query_params["pick"] == "MgO-rs"
    (label,) = links(app)
    assert label == "MgO · MgO-rs"
    assert "id=MgO-rs" in links(app)[label]
    (ring,) = [item for item in charts(app)["scatter"]["data"] if item["name"] == "selected"]
    assert ring["text"] == ["MgO"]


def test_marked_rows_are_ringed_in_the_plot_and_compared(page: OpenPage) -> None:
    app = mark(page("insulators"), 0, 4)
    (ring,) = [item for item in charts(app)["scatter"]["data"] if item["name"] == "selected"]
    assert sorted(ring["text"]) == ["LiBr", "SiC"]
    assert links(app)["Compare"] == "materials=LiBr-rs%2CSiC-zb"
    app = mark(app)
    assert not links(app)


def test_selected_materials_of_an_address_stay_when_filters_leave_them_out(
    page: OpenPage,
) -> None:
    app = page("insulators", pick="MgO-rs", without="Mg")
    assert "MgO" not in formulas(app)
    assert "1 more that the filters leave out" in texts(app)


def test_column_of_another_axis_no_longer_orders(page: OpenPage) -> None:
    app = page("insulators", x="density", order="ρ [g/cm³]", descending="true")
    densities = table(app, "ρ [g/cm³]")["ρ [g/cm³]"]
    assert densities == sorted(densities, reverse=True)
    app.selectbox(key="x").set_value("mean atomic mass")
    checked(app.run())
    assert app.selectbox(key="order").value == "rank"
    assert len(formulas(app)) == 5


def test_another_axis_forgets_the_box(page: OpenPage) -> None:
    app = draw_box(page("insulators"), x=(1, 6), kappa=(20, 500))
    app.selectbox(key="x").set_value("density")
    checked(app.run())
    assert len(formulas(app)) == 5


# ------------------------------------------------------------------------------ front and pages


def test_front_can_be_turned_listed_and_left_out(page: OpenPage) -> None:
    app = page("insulators", only_front="true")
    assert formulas(app) == ["LiBr", "RbF", "GaAs", "SiC"]
    app = page("insulators", only_front="true", front_low="high")
    assert formulas(app) == ["LiBr"]
    app = page("insulators", front_low="no front")
    assert "Pareto" not in table(app, "rank")
    assert "Pareto front" not in [item["name"] for item in charts(app)["scatter"]["data"]]


def test_pages_turn_and_another_question_begins_at_the_first(page: OpenPage, large: Path) -> None:
    app = page("insulators", large, rows="50", page="3")
    assert table(app, "rank")["rank"] == list(range(101, 151))
    assert "Rows 101 to 150 of 300" in texts(app)
    app.selectbox(key="order").set_value("kappa")
    app.toggle(key="descending").set_value(True)
    checked(app.run())
    assert table(app, "rank")["rank"][0] == 300
    app = page("insulators", large, rows="50", page="99")
    assert app.number_input(key="page").value in {1, 7}
    assert len(table(app, "rank")["rank"]) > 0


def test_plot_of_many_materials_says_what_it_leaves_out(
    page: OpenPage, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.rankings.sql.POINTS", 70)
    monkeypatch.setattr("dashboard.rankings.sql.POINTS_OF_BEST", 10)
    app = page("insulators", large, T="340")
    assert points(app) == 70
    without = table(app, "rank")["α [10⁻⁶/K]"]
    said = texts(app)
    assert "are drawn: the best 10, the Pareto front and a random sample" in said
    drawn, plotted = map(int, re.search(r"(\d+) of (\d+) are drawn", said).groups())
    hidden = int(re.search(r"(\d+) without this value are in the table only", said)[1])
    assert (drawn, plotted + hidden) == (70, 300)
    assert hidden >= sum(map(math.isnan, without)) > 0  # the table shows the first page of them


# ------------------------------------------------------------------------------ downloads


def test_sql_that_is_shown_gives_what_the_table_lists(page: OpenPage, run: Path) -> None:
    for query in ({}, {"x": "density", "T": "330"}, {"match": "another value", "within": "9"}):
        app = page("heat_spreaders", **query)
        (code,) = app.code
        with open_snapshot(run) as snapshot:
            found = snapshot.query(code.value)
        assert found["material_id"].to_pylist() == table(app, "rank")["material"]
        assert found["kappa"].to_pylist() == table(app, "rank")["κ [W/m/K]"]
        (link,) = [item.proto for item in app.get("page_link") if item.proto.label == "Open in SQL"]
        assert parse_qs(link.query_string)["sql"] == [code.value]


def test_files_hold_all_pages_with_units_and_sql(
    page: OpenPage, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: dict[str, object] = {}
    monkeypatch.setattr(
        downloads.st,
        "download_button",
        lambda label, content, name, *_, **__: made.update({label: (content, name)}),
    )
    app = page("insulators", large, without="O", T="330")
    (csv, csv_name), (parquet, _), (script, _) = (made[key] for key in ("CSV", "Parquet", "SQL"))
    assert csv_name.startswith("large-insulators-330K-mace-mpa-0_quick-v")
    lines = csv().decode().splitlines()
    assert lines[0].startswith('"rank","formula","κ [W/m/K]"')
    file = pq.read_table(BytesIO(parquet()))
    assert len(file) == len(lines) - 1 > 100
    field = file.schema.field("expansion")
    assert field.metadata[b"unit"] == b"1/K"
    query = file.schema.metadata[b"sql"].decode()
    assert query == app.code[0].value
    assert script().endswith(f"{query};\n")
    with open_snapshot(large) as snapshot:
        assert snapshot.query(query).equals(
            file.replace_schema_metadata(None), check_metadata=False
        )


# ------------------------------------------------------------------------------ empty and old


@pytest.mark.parametrize("name", PAGES)
def test_run_without_expansions_is_ranked_all_the_same(
    page: OpenPage, tmp_path: Path, name: str
) -> None:
    columns = {"conductivity": COLUMNS["conductivity"]}
    rows = {"conductivity": {"temperatures": GRID, "kappa": 600.0 / GRID, "kappa_300": 2.0}}
    with Writer(tmp_path, columns) as writer:
        writer.add_candidates([candidate("m1")])
        writer.upsert([outcome("m1", rows=rows)])
        writer.publish()
    app = page(name, tmp_path)
    ranked = table(app, "rank", "κ [W/m/K]")
    assert ranked["κ [W/m/K]"] == pytest.approx([2.0])
    assert "α [10⁻⁶/K]" not in ranked
    assert app.selectbox(key="x").options[0] == "mean atomic mass"
    app.selectbox(key="match").set_value("Si")
    checked(app.run())
    assert "this run has no expansions" in app.warning[0].value


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (  # as schema version 1 left it
            "DELETE FROM columns WHERE table_name = 'rankable'",
            "An earlier version of Thermoscreen has written this snapshot",
        ),
        ("DROP MACRO TABLE rankable_at", "the query failed: "),
    ],
)
def test_snapshot_that_cannot_be_ranked_says_why(
    page: OpenPage, run: Path, tmp_path: Path, change: str, said: str
) -> None:
    folder = shutil.copytree(run, tmp_path / "changed")
    with open_snapshot(folder) as snapshot:
        file = snapshot.path
    file.chmod(0o600)
    with duckdb.connect(file) as connection:
        connection.execute(change)
    assert said in texts(page("insulators", folder))


def test_page_follows_the_campaign(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "growing", RECIPES[:2])
    app = page("insulators", folder)
    assert formulas(app) == ["LiBr", "MgO"]
    write_run(folder, RECIPES[:5])
    checked(app.run())
    assert formulas(app) == ["LiBr", "RbF", "GaAs", "MgO", "SiC"]
    assert data.newest(folder).version == 2
