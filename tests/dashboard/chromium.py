"""A real browser without a window, and what it complains about."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlparse

import pytest

if TYPE_CHECKING:
    from playwright import sync_api as playwright

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
VIEWPORT: Any = {"width": 1280, "height": 900}
TIMEOUT = 60_000  # ms

needs_browser = [
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
            self.complaints.append(f"{message.text} ({message.location.get('url', '')})")

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
        assert self.complaints == [], (self.page.url, self.complaints)
        assert self.outside == [], self.outside
