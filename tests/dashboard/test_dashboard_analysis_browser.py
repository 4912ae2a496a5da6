"""Material, Compare, Regimes and Runs in a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .chromium import VIEWPORT, Watched, needs_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser


def test_material_can_be_taken_along(watched: Watched) -> None:
    watched.open("material?id=LiBr-rs")
    watched.expect("Downloads")
    watched.charts(8)
    for label, name in (("CIF", "cif"), ("JSON", "json"), ("Parquet", "parquet")):
        with watched.page.expect_download() as download:
            watched.page.get_by_role("button", name=label).click()
        assert download.value.suggested_filename.endswith(name)
        content = Path(download.value.path()).read_bytes()
        if name == "cif":
            assert b"_cell_length_a   5.51" in content
        elif name == "json":
            assert json.loads(content)["results"]["formula"] == "LiBr"
        else:
            assert content[:4] == b"PAR1"
    watched.check_quiet()


def test_material_shows_linewidths_and_density_of_states(watched: Watched) -> None:
    watched.open("material?id=LiBr-rs&mode_temperature=600")
    watched.expect("Coherences (600 K)")
    watched.charts(8)
    watched.expect("DOS [1/THz]")
    watched.page.get_by_role("radio", name="linewidth").click()
    watched.expect("linewidth (FWHM) [THz]")
    assert "decay=linewidth" in watched.page.url
    assert watched.page.get_by_role("link", name="mp-23259").get_attribute("href") == (
        "https://next-gen.materialsproject.org/materials/mp-23259"
    )
    watched.picture("material-linewidths")
    watched.check_quiet()


def test_materials_are_chosen_and_compared(watched: Watched) -> None:
    watched.open("compare?materials=LiBr-rs,MgO-rs,CsF-rs")
    watched.expect("Numbers side by side")
    watched.charts(2)
    watched.picture("compare")
    watched.page.get_by_role("combobox", name="Materials").click()
    watched.page.get_by_role("option", name="SiC · SiC-zb").click()
    watched.expect("Open SiC")
    assert "SiC-zb" in watched.page.url
    watched.page.keyboard.press("Escape")
    watched.page.get_by_role("link", name="Open MgO").click()
    watched.expect("Key numbers")
    assert "id=MgO-rs" in watched.page.url
    watched.check_quiet()


def test_regimes_lead_to_their_materials(watched: Watched) -> None:
    watched.open("regimes?from=0&T=600")
    watched.expect("Materials with κ_C/κ ≥ 0 % at 600 K")
    watched.charts(3)
    watched.picture("regimes")
    watched.page.locator(".js-plotly-plot .points path").last.click(force=True)
    watched.expect("Key numbers")
    watched.check_quiet()


def test_run_is_described(watched: Watched) -> None:
    watched.open("runs")
    watched.expect("Cost by stage and potential")
    watched.charts(1)
    watched.expect("Versions")
    watched.picture("runs")
    watched.check_quiet()


@pytest.mark.parametrize("path", ["material?id=SiC-zb", "regimes"])
def test_pages_are_as_quiet_in_the_dark(
    browser: Browser, address: str, pictures: Path, path: str
) -> None:
    context = browser.new_context(viewport=VIEWPORT, color_scheme="dark")
    watched = Watched(context.new_page(), address, pictures)
    watched.open(path)
    watched.charts(2)
    watched.page.wait_for_timeout(500)
    background = watched.page.evaluate(
        "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
    )
    assert sum(map(int, background.removeprefix("rgb(").removesuffix(")").split(","))) < 3 * 60
    watched.picture(f"{path.split('?', maxsplit=1)[0]}-dark")
    watched.check_quiet()
    context.close()
