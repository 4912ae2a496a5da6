"""The page of one material, whatever became of it, without a browser."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from screen.core.settings import protocol_named
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder

from .conftest import COLUMNS, MODEL_DIGEST, PENDING, RECIPES, outcome_of, write_run
from .reading import CHARTS, OpenPage, charts, checked, facts, table, texts


def test_material_shows_all_charts_and_numbers(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    assert "LiBr" in app.title[0].value
    assert "complete" in app.title[0].value
    assert list(charts(app)) == CHARTS
    numbers = {item.label: item.value for item in app.metric}
    assert numbers["κ (300 K) [W/m/K]"] == "1.8"
    assert numbers["γ (300 K)"] == "1.6"
    known = facts(app, 0)
    assert known["κ / reference κ (300 K)"] == "0.8696"
    assert known["space group relaxed"] == "Fm-3m (225)"
    assert known["median mean free path (300 K) [nm]"] == "30.76"
    assert not app.error


def test_material_tells_where_its_numbers_come_from(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    known = facts(app, 2)
    assert known["transport solver"] == "phono3py 4.10.0"
    assert known["potential evaluated by"] == "mace-torch 0.3.14"
    assert known["potential"] == "mace-mpa-0"
    assert len(known["protocol digest"]) == 24
    assert facts(app, 4) == {"phono3py": "4.10.0", "phonopy": "4.4.0"}
    assert table(app, "stage", "wall [s]")["stage"][0] == "conductivity"


def test_mode_resolved_charts_follow_the_temperature(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    before = charts(app)
    assert "Coherences (300 K)" in texts(app)
    app.select_slider(key="mode_temperature").set_value(600.0)
    checked(app.run())
    assert "Coherences (600 K)" in texts(app)
    after = charts(app)
    for name in ("lifetimes", "carriers"):
        assert after[name]["data"][0]["y"] != before[name]["data"][0]["y"]
    assert after["coherences"]["data"][0]["z"] != before["coherences"]["data"][0]["z"]


def test_carriers_are_shown_by_frequency_or_by_mean_free_path(page: OpenPage) -> None:
    by_frequency = charts(page("material", id="LiBr-rs"))["carriers"]
    assert by_frequency["layout"]["xaxis"]["title"]["text"] == "frequency [THz]"
    by_path = charts(page("material", id="LiBr-rs", abscissa="mean free path"))["carriers"]
    assert by_path["layout"]["xaxis"]["title"]["text"] == "mean free path Λ [nm]"


def test_conductivity_axis_can_be_linear(page: OpenPage) -> None:
    assert (
        charts(page("material", id="LiBr-rs"))["conductivity"]["layout"]["yaxis"]["type"] == "log"
    )
    linear = charts(page("material", id="LiBr-rs", scale="linear"))["conductivity"]
    assert "type" not in linear["layout"]["yaxis"]


def test_the_page_opens_on_a_complete_material(page: OpenPage) -> None:
    app = page("material")
    (chooser,) = [item for item in app.selectbox if item.label == "Material"]
    assert chooser.options[0] == f"AgCl · {PENDING.id}", "the first by id has not been computed"
    assert "GaAs" in app.title[0].value
    assert "complete" in app.title[0].value


def test_unstable_material_shows_its_failure_and_its_bands(page: OpenPage) -> None:
    app = page("material", id="CsF-rs")
    assert "failed" in app.title[0].value
    assert r"imaginary\_modes" in app.error[0].value  # Markdown shows it as it is
    assert list(charts(app)) == ["bands", "structure"]
    assert "There is no conductivity of this material" in texts(app)


def test_material_without_conductivity_shows_the_rest(page: OpenPage) -> None:
    app = page("material", id="NaCl-rs")
    assert "partial" in app.title[0].value
    assert "not finite at 100 K" in app.error[0].value
    assert list(charts(app)) == ["bands", "expansion", "gruneisen", "structure"]
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
    assert list(charts(app)) == ["conductivity", "lifetimes", "carriers", "coherences", "structure"]
    said = texts(app)
    assert "the curve cannot be drawn" in said
    assert "delete the file" in said


def test_single_temperature_needs_no_slider(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "single", [replace(RECIPES[0], temperatures=(300.0,))])
    ranking = page("insulators", folder)
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
    app = page("insulators", two_protocols)
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


def test_materials_are_chosen_one_after_the_other(page: OpenPage) -> None:
    app = page("material", id="LiBr-rs")
    for name in ("MgO-rs", "SiC-zb", "GaAs-zb"):
        app.selectbox[0].select(name)
        checked(app.run())
        assert name[:2] in app.title[0].value
        assert name in app.query_params["id"]
