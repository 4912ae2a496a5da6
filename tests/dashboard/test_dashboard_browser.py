"""The dashboard in a real browser: visible, quiet, and silent towards the outside."""

from __future__ import annotations

from .chromium import Watched, needs_browser

pytestmark = needs_browser


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
