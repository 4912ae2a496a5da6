"""The dashboard in a real browser: visible, quiet, and silent towards the outside."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.launch import serving

from .chromium import VIEWPORT, Watched, needs_browser
from .conftest import RECIPES, write_run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser


def test_link_to_a_page_of_a_fresh_server_opens_it_inside_the_app(
    run: Path, browser: Browser, pictures: Path
) -> None:
    context = browser.new_context(viewport=VIEWPORT)
    with serving(run) as url:
        watched = Watched(context.new_page(), url, pictures)
        watched.open("material?id=LiBr-rs")
        watched.expect("Phonon bands")
        assert watched.page.get_by_role("link", name="Insulators").is_visible()
        watched.check_quiet()
        context.close()


def test_overview_shows_progress_and_cost(watched: Watched) -> None:
    watched.open()
    watched.expect("Failures by stage and kind")
    watched.charts(4)
    watched.picture("overview")
    watched.check_quiet()


def test_material_page_draws_everything(watched: Watched) -> None:
    watched.open("material?id=SiC-zb")
    watched.expect("Provenance")
    watched.charts(7)
    assert watched.page.locator(".gl-container canvas").count()
    watched.picture("material")
    watched.check_quiet()


def test_heat_carriers_are_drawn_by_frequency_and_by_mean_free_path(watched: Watched) -> None:
    watched.open("material?id=LiBr-rs")
    watched.expect("Provenance")
    watched.charts(7)
    watched.expect("Wigner limit")
    watched.expect("cumulative κ [W/m/K]")
    assert watched.page.locator(".heatmaplayer image").count() == 1  # κ_C(ω, ω′)
    watched.page.get_by_role("radio", name="mean free path").click()
    watched.expect("mean free path Λ [nm]")
    watched.expect("half: 30.8 nm")
    assert "abscissa=mean" in watched.page.url
    watched.picture("carriers")
    watched.check_quiet()


def test_failed_material_shows_its_failure(watched: Watched) -> None:
    watched.open("material?id=CsF-rs")
    watched.expect("dynamically unstable")
    watched.charts(2)
    watched.picture("failed")
    watched.check_quiet()


def test_open_page_follows_the_campaign_by_itself(
    tmp_path: Path, browser: Browser, pictures: Path
) -> None:
    folder = tmp_path / "growing"
    context = browser.new_context(viewport=VIEWPORT)
    with serving(folder) as url:
        watched = Watched(context.new_page(), url, pictures)
        watched.open()
        watched.expect("There is no run folder")
        write_run(folder, RECIPES[:2])
        watched.expect("Snapshot 1, published")
        write_run(folder, RECIPES[:3])
        watched.expect("Snapshot 2, published")
        watched.check_quiet()
        context.close()
