"""Every page over a real run folder, without a browser."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import display
from dashboard.launch import APP
from screen.core.settings import protocol_named
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder, snapshots_folder

from .conftest import COLUMNS, MODEL_DIGEST, RECIPES, outcome_of, write_run

NameRun = Callable[[Path | None], None]
OpenPage = Callable[..., AppTest]
CHARTS = ["conductivity", "bands", "linewidths", "structure", "expansion"]


@pytest.fixture
def page(run: Path, named_run: NameRun) -> OpenPage:
    """Open a page of the finished run, or of ``folder``."""

    def open_page(name: str, folder: Path | None = run, **query: str) -> AppTest:
        named_run(folder)
        app = AppTest.from_file(str(APP), default_timeout=60)
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"views/{name}.py")
        return checked(app.run())

    return open_page


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception[0].value
    return app


def charts(app: AppTest) -> dict[str, dict]:
    """Figures on the page by key."""
    found = {}
    for element in app.get("plotly_chart"):
        key = element.proto.id.split("-")[-1]
        found[key] = json.loads(element.proto.spec)
    return found


def texts(app: AppTest) -> str:
    """All that the page says outside of tables and charts."""
    kinds = ("title", "subheader", "caption", "info", "warning", "error", "markdown")
    return "\n".join(str(item.value) for kind in kinds for item in app.get(kind))


def table(app: AppTest, *columns: str) -> dict[str, list]:
    """The first table that has these columns."""
    for item in app.dataframe:
        if set(columns) <= set(item.value.columns):
            return {name: item.value[name].tolist() for name in item.value.columns}
    raise AssertionError(
        f"no table with {columns}: {[list(i.value.columns) for i in app.dataframe]}"
    )


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the pages offer as CSV."""
    made: list[str] = []
    write = display.csv

    def remember(*arguments: object) -> bytes:
        content = write(*arguments)
        made.append(content.decode())
        return content

    monkeypatch.setattr(display, "csv", remember)
    return made


# ------------------------------------------------------------------------------ overview


def test_overview_counts_what_is_done_and_what_is_not(page: OpenPage) -> None:
    app = page("overview")
    assert app.title[0].value == "demo"
    counts = {item.label: item.value for item in app.metric}
    assert counts["complete"] == "5"
    assert counts["partial"] == "1"
    assert counts["failed"] == "2"
    assert counts["pending"] == "1"
    assert "Snapshot 1, published" in texts(app)
    assert set(charts(app)) == {"progress", "costs"}


def test_overview_lists_failures_with_their_messages(page: OpenPage) -> None:
    app = page("overview")
    counts = table(app, "stage", "kind", "materials")
    assert dict(zip(counts["kind"], counts["materials"], strict=True)) == {
        "transport": 1,
        "unreadable_file": 1,
        "imaginary_modes": 1,
    }
    failed = table(app, "failure_message", "material_id")
    assert set(failed["material_id"]) == {"NaCl-rs", "broken.cif", "CsF-rs"}
    assert "not finite at 100 K" in failed["failure_message"][0]
    assert "That is a result, no error." in texts(app)


def test_overview_names_potential_and_protocol(page: OpenPage) -> None:
    methods = table(page("overview"), "potential", "protocol digest")
    assert (methods["potential"], methods["protocol"]) == (["mace-mpa-0"], ["quick"])


def test_overview_shows_a_newer_snapshot(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "growing", RECIPES[:2])
    app = page("overview", folder)
    assert app.metric[0].value == "2"
    write_run(folder, RECIPES[:5])
    checked(app.run())
    assert app.metric[0].value == "5"
    assert "Snapshot 2, published" in texts(app)


def test_selecting_a_failure_opens_its_material(page: OpenPage) -> None:
    app = page("overview")
    app.session_state["failures"] = select_row(2)
    checked(app.run())
    assert "CsF" in app.title[0].value


def select_row(row: int) -> dict[str, object]:
    return {"selection": {"rows": [row], "columns": [], "cells": []}}


# ------------------------------------------------------------------------------ ranking


def test_ranking_puts_the_best_insulator_first(page: OpenPage) -> None:
    app = page("ranking")
    ranked = table(app, "rank", "κ [W/m/K]")
    assert ranked["formula"] == ["LiBr", "RbF", "GaAs", "MgO", "SiC"]
    assert ranked["κ [W/m/K]"] == pytest.approx([1.8, 1.9, 32.0, 55.0, 430.0])
    assert "α [10⁻⁶/K]" in ranked
    figure = charts(app)["scatter"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "α [10⁻⁶/K]"
    assert figure["layout"]["yaxis"]["title"]["text"] == "κ (300 K) [W/m/K]"
    assert sum(len(item["customdata"]) for item in figure["data"]) == 5


def test_ranking_page_opens_as_its_address_says(page: OpenPage) -> None:
    app = page("ranking", kind="heat-spreaders", T="500", prototype="rocksalt", to="40")
    ranked = table(app, "rank", "κ [W/m/K]")
    assert ranked["formula"] == ["MgO", "RbF", "LiBr"]
    assert set(ranked["T [K]"]) == {500.0}
    assert app.select_slider(key="T").value == 500.0


def test_filters_narrow_table_and_plot_alike(page: OpenPage) -> None:
    app = page("ranking")
    app.multiselect(key="without").set_value(["Si", "Li"])
    app.number_input(key="from").set_value(10.0)
    checked(app.run())
    assert table(app, "rank")["formula"] == ["GaAs", "MgO"]
    assert sum(len(item["customdata"]) for item in charts(app)["scatter"]["data"]) == 2


def test_filters_that_let_nothing_pass_say_so(page: OpenPage) -> None:
    app = page("ranking")
    app.number_input(key="from").set_value(1e6)
    checked(app.run())
    assert "No stable material passes the filters" in texts(app)


def test_box_in_the_plot_keeps_its_materials(page: OpenPage) -> None:
    app = page("ranking")
    app.session_state["scatter"] = {
        "selection": {
            "points": [{"customdata": ["LiBr-rs"]}, {"customdata": ["SiC-zb"]}],
            "box": [{"x": [1, 60], "y": [1, 500]}],
            "lasso": [],
        }
    }
    checked(app.run())
    assert table(app, "rank")["formula"] == ["LiBr", "SiC"]


def test_clicked_point_opens_its_material(page: OpenPage) -> None:
    app = page("ranking")
    app.session_state["scatter"] = {
        "selection": {"points": [{"customdata": ["MgO-rs"]}], "box": [], "lasso": []}
    }
    checked(app.run())
    assert "MgO" in app.title[0].value


def test_selected_row_opens_its_material(page: OpenPage) -> None:
    app = page("ranking")
    app.session_state["table"] = select_row(4)
    checked(app.run())
    assert "SiC" in app.title[0].value


def test_download_holds_exactly_the_rows_that_are_shown(
    page: OpenPage, downloads: list[str]
) -> None:
    app = page("ranking", prototype="zincblende")
    (button,) = app.get("download_button")
    assert button.proto.label == "Download these rows as CSV"
    (file,) = downloads
    assert file.splitlines()[0].startswith('"rank","formula","κ [W/m/K]"')
    assert [line.split(",")[1] for line in file.splitlines()[1:]] == ['"GaAs"', '"SiC"']


# ------------------------------------------------------------------------------ material


def test_material_shows_all_charts_and_numbers(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    assert "LiBr" in app.title[0].value
    assert "complete" in app.title[0].value
    assert list(charts(app)) == CHARTS
    numbers = {item.label: item.value for item in app.metric}
    assert numbers["κ (300 K) [W/m/K]"] == "1.8"
    assert numbers["γ (300 K)"] == "1.6"
    facts = table(app, "quantity", "value")
    known = dict(zip(facts["quantity"], facts["value"], strict=True))
    assert known["κ / reference κ (300 K)"] == "0.8696"
    assert known["space group relaxed"] == "Fm-3m (225)"
    assert not app.error


def test_material_tells_where_its_numbers_come_from(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    facts = [item.value for item in app.dataframe if "quantity" in item.value.columns][1]
    known = dict(zip(facts["quantity"], facts["value"], strict=True))
    assert known["transport solver"] == "phono3py 4.10.0"
    assert known["potential"] == "mace-mpa-0"
    assert len(known["protocol digest"]) == 24
    assert known["packages"] == "phono3py 4.10.0, phonopy 4.4.0"
    assert table(app, "stage", "wall [s]")["stage"][0] == "conductivity"


def test_linewidths_follow_the_temperature(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    before = charts(app)["linewidths"]["data"][0]["y"]
    app.select_slider(key="linewidth_temperature").set_value(600.0)
    checked(app.run())
    assert charts(app)["linewidths"]["data"][0]["y"] != before


def test_conductivity_axis_can_be_linear(page: OpenPage) -> None:
    assert (
        charts(page("material", id="LiBr-rs"))["conductivity"]["layout"]["yaxis"]["type"] == "log"
    )
    linear = charts(page("material", id="LiBr-rs", scale="linear"))["conductivity"]
    assert "type" not in linear["layout"]["yaxis"]


def test_unstable_material_shows_its_failure_and_its_bands(page: OpenPage) -> None:
    app = page("material", id="CsF-rs")
    assert "failed" in app.title[0].value
    assert "imaginary_modes" in app.error[0].value
    assert list(charts(app)) == ["bands", "structure"]
    assert "There is no conductivity of this material" in texts(app)


def test_material_without_conductivity_shows_the_rest(page: OpenPage) -> None:
    app = page("material", id="NaCl-rs")
    assert "partial" in app.title[0].value
    assert "not finite at 100 K" in app.error[0].value
    assert list(charts(app)) == ["bands", "structure", "expansion"]
    assert app.code[0].value == "Traceback: solver.py, line 7"


def test_pending_material_shows_the_given_crystal(page: OpenPage) -> None:
    app = page("material", id="AgCl-rs")
    assert "has not been computed yet" in texts(app)
    assert "not relaxed" in texts(app)
    assert list(charts(app)) == ["structure"]


def test_unreadable_entry_says_why(page: OpenPage) -> None:
    app = page("material", id="broken.cif")
    assert app.title[0].value.startswith("unreadable crystal")
    assert "no atoms in broken.cif" in app.error[0].value
    assert not charts(app)


def test_unknown_material_is_no_traceback(page: OpenPage) -> None:
    assert "no material `nonsense`" in texts(page("material", id="nonsense"))


def test_search_finds_materials_by_formula(page: OpenPage) -> None:
    app = page("material")
    app.text_input(key="search").set_value("libr")
    checked(app.run())
    assert app.selectbox[0].options == ["LiBr · LiBr-rs"]
    assert "LiBr" in app.title[0].value


def test_missing_and_broken_artifacts_are_said(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "damaged", RECIPES[:1])
    artifacts = artifacts_folder(folder)
    shutil.rmtree(artifacts / "stability")
    next((artifacts / "expansion").rglob("*.npz")).write_bytes(b"PK broken")
    app = page("material", folder, id="LiBr-rs")
    assert list(charts(app)) == ["conductivity", "linewidths", "structure"]
    said = texts(app)
    assert "the curve cannot be drawn" in said
    assert "delete the file" in said


def test_single_temperature_needs_no_slider(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "single", [replace(RECIPES[0], temperatures=(300.0,))])
    ranking = page("ranking", folder)
    assert not ranking.select_slider
    assert table(ranking, "rank")["T [K]"] == [300.0]
    material = page("material", folder, id="LiBr-rs")
    assert not material.select_slider
    assert list(charts(material)) == CHARTS


@pytest.fixture
def two_protocols(tmp_path: Path) -> Path:
    """LiBr under two protocols, MgO under one."""
    folder = write_run(tmp_path / "two", RECIPES[:2])
    other = protocol_named("screen")
    softer = replace(RECIPES[0], kappa=1.0)
    with Writer(folder, COLUMNS) as writer:
        writer.add_protocol(other)
        writer.upsert([outcome_of(softer, Artifacts(artifacts_folder(folder)), other)])
        writer.publish()
    return folder


def test_protocols_are_never_mixed_in_a_ranking(page: OpenPage, two_protocols: Path) -> None:
    app = page("ranking", two_protocols)
    assert table(app, "rank")["formula"] == ["LiBr", "MgO"]
    app.selectbox(key="results").select("mace-mpa-0 · screen")
    checked(app.run())
    ranked = table(app, "rank")
    assert ranked["formula"] == ["LiBr"]
    assert ranked["κ [W/m/K]"] == pytest.approx([1.0])


def test_address_names_the_protocol_of_a_material(page: OpenPage, two_protocols: Path) -> None:
    for name, kappa in (("screen", "1"), ("quick", "1.8")):
        protocol = protocol_named(name).digest
        app = page("material", two_protocols, id="LiBr-rs", model=MODEL_DIGEST, protocol=protocol)
        assert app.metric[0].value == kappa
        assert f"mace-mpa-0 · {name}" in texts(app)


# ------------------------------------------------------------------------------ empty states

PAGES = ("overview", "ranking", "material")


@pytest.mark.parametrize("name", PAGES)
def test_no_run_named(page: OpenPage, name: str) -> None:
    assert "No run folder was named" in texts(page(name, None))


@pytest.mark.parametrize("name", PAGES)
def test_no_run_folder(page: OpenPage, tmp_path: Path, name: str) -> None:
    assert "There is no run folder" in texts(page(name, tmp_path / "nowhere"))


@pytest.mark.parametrize("name", PAGES)
def test_no_snapshot_yet(page: OpenPage, tmp_path: Path, name: str) -> None:
    assert "has published no results yet" in texts(page(name, tmp_path))


@pytest.mark.parametrize("name", PAGES)
def test_no_material_yet(page: OpenPage, tmp_path: Path, name: str) -> None:
    with Writer(tmp_path, COLUMNS) as writer:
        writer.publish()
    said = texts(page(name, tmp_path))
    assert "no material yet" in said or "no conductivity to rank yet" in said


@pytest.mark.parametrize("name", PAGES)
def test_run_without_any_property(page: OpenPage, tmp_path: Path, name: str) -> None:
    with Writer(tmp_path) as writer:
        writer.publish()
    assert page(name, tmp_path)


def test_garbled_pointer_is_an_error_message(page: OpenPage, tmp_path: Path) -> None:
    folder = snapshots_folder(tmp_path)
    folder.mkdir()
    (folder / "CURRENT").write_text("rubbish")
    assert "names no snapshot" in page("overview", tmp_path).error[0].value
