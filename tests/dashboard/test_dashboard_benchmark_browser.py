"""The page Benchmark in a real browser."""

from __future__ import annotations

from pathlib import Path

from .chromium import Watched, needs_browser

pytestmark = needs_browser


def test_benchmark_is_read_taken_along_and_leads_to_a_material(watched: Watched) -> None:
    page = watched.page
    watched.open("benchmark?axes=linear")
    watched.expect("Beside published potentials")
    watched.charts(2)
    page.get_by_text("7 of 103").first.wait_for()
    assert "axes=linear" in page.url
    page.get_by_role("radio", name="log", exact=True).click()
    page.wait_for_function("!location.search.includes('axes')")
    watched.picture("benchmark")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV", exact=True).click()
    lines = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert "κ_ref (300 K) [W/m/K]" in lines[0]
    assert len(lines) == 1 + 7
    points = page.locator(".js-plotly-plot").first.locator(".points path")
    points.nth(2).click(force=True)
    watched.expect("Key numbers")
    watched.check_quiet()
