"""The dashboard in a real browser: visible, quiet, and silent towards the outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlparse

import pytest

from dashboard.launch import serving

from .conftest import RECIPES, write_run

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",  # WebGL without a graphics card, for the crystal
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
VIEWPORT = {"width": 1280, "height": 900}
TIMEOUT = 60_000  # ms

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


class Watched:
    """A browser page that remembers every complaint and every request to the outside."""

    def __init__(self, page: playwright.Page, address: str, pictures: Path) -> None:
        self.page, self.address, self.pictures = page, address, pictures
        self.complaints: list[str] = []
        self.outside: list[str] = []
        page.set_default_timeout(TIMEOUT)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._on_request)
        page.on("websocket", self._on_request)

    def _on_console(self, message: playwright.ConsoleMessage) -> None:
        # on a page other than the first, Streamlit looks for its server below that page first
        probes = message.location.get("url", "").endswith(
            ("/_stcore/health", "/_stcore/host-config")
        )
        if message.type == "error" and not probes:
            self.complaints.append(message.text)

    def _on_request(self, request: playwright.Request | playwright.WebSocket) -> None:
        parts = urlparse(request.url)
        if parts.scheme not in {"data", "blob"} and parts.hostname != "127.0.0.1":
            self.outside.append(request.url)

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.address}/{path}")

    def expect(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for()

    def charts(self, number: int) -> None:
        """Wait until this many charts are drawn."""
        self.page.wait_for_function(
            "n => document.querySelectorAll('.js-plotly-plot .main-svg').length "
            "&& document.querySelectorAll('.js-plotly-plot').length >= n",
            arg=number,
        )

    def picture(self, name: str) -> None:
        """Save the whole page."""
        height = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
        self.page.set_viewport_size({**VIEWPORT, "height": int(height)})
        self.page.wait_for_timeout(700)
        self.page.screenshot(path=self.pictures / f"{name}.png")
        print(self.pictures / f"{name}.png")
        self.page.set_viewport_size(VIEWPORT)

    def check_quiet(self) -> None:
        assert not self.page.locator("[data-testid=stException]").count()
        assert self.complaints == []
        assert self.outside == []


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def address(run: Path) -> Iterator[str]:
    with serving(run) as url:
        yield url


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture
def watched(browser: playwright.Browser, address: str, pictures: Path) -> Iterator[Watched]:
    context = browser.new_context(viewport=VIEWPORT, color_scheme="light")
    yield Watched(context.new_page(), address, pictures)
    context.close()


def test_link_to_a_page_of_a_fresh_server_opens_it_inside_the_app(
    run: Path, browser: playwright.Browser, pictures: Path
) -> None:
    context = browser.new_context(viewport=VIEWPORT)
    with serving(run) as url:
        watched = Watched(context.new_page(), url, pictures)
        watched.open("material?id=LiBr-rs")
        watched.expect("Phonon bands")
        assert watched.page.get_by_role("link", name="Ranking").is_visible()
        watched.check_quiet()
        context.close()


def test_overview_shows_progress_and_cost(watched: Watched) -> None:
    watched.open()
    watched.expect("Failures by stage and kind")
    watched.charts(2)
    watched.picture("overview")
    watched.check_quiet()


def test_selected_row_of_the_ranking_opens_the_material(watched: Watched) -> None:
    watched.open()
    watched.page.get_by_role("link", name="Ranking").click()
    watched.expect("Select a row to open it")
    watched.charts(1)
    watched.picture("ranking")
    watched.page.locator("[data-testid=stDataFrame] canvas").first.click(
        position={"x": 14, "y": 52}, force=True
    )
    watched.expect("Key numbers")
    assert "id=LiBr-rs" in watched.page.url
    watched.charts(7)
    watched.check_quiet()


def test_clicked_point_of_the_ranking_opens_the_material(watched: Watched) -> None:
    watched.open("ranking?kind=heat-spreaders&prototype=zincblende")
    watched.charts(1)
    watched.page.locator(".js-plotly-plot .points path").first.click(force=True)
    watched.expect("Key numbers")
    assert "-zb" in watched.page.url
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
    tmp_path: Path, browser: playwright.Browser, pictures: Path
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
