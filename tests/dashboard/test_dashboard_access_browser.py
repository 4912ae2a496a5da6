"""The gate in front of the pages, and the report, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dashboard.access import VARIABLE
from dashboard.launch import serving
from dashboard.report.__main__ import main as write_report

from .chromium import VIEWPORT, Watched, needs_browser
from .conftest import RECIPES

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _no_password_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    file.chmod(0o600)
    return file


@pytest.fixture
def window(browser: Browser, pictures: Path) -> Iterator[Watched]:
    context = browser.new_context(viewport=VIEWPORT)
    yield Watched(context.new_page(), "", pictures)
    context.close()


def test_gate_opens_with_the_password_only(run: Path, secret: Path, window: Watched) -> None:
    with serving(run, secret) as url:
        window.address = url
        window.open("material?id=LiBr-rs")
        window.expect("Password")
        field = window.page.get_by_label("Password").first
        field.fill("a wrong password")
        field.press("Enter")
        window.expect("That is not the password.")
        assert "LiBr" not in window.page.inner_text("body")
        assert not window.page.get_by_role("link", name="Overview").count()
        window.picture("gate")
        field.fill(PASSWORD)
        field.press("Enter")
        window.expect("Key numbers")
        window.page.get_by_role("link", name="Overview").click()
        window.expect("Cost by stage")  # other pages do not ask again
        window.check_quiet()


def test_server_for_everybody_without_password_shows_nothing(run: Path, window: Watched) -> None:
    with serving(run, listen="0.0.0.0") as url:
        window.address = url
        window.open("material?id=LiBr-rs")
        window.expect("Nothing is shown")
        assert "LiBr" not in window.page.inner_text("body")


def test_name_that_only_resolves_to_this_machine_shows_nothing(
    address: str, window: Watched
) -> None:
    window.address = address.replace("127.0.0.1", "evil.localhost")
    window.open("material?id=LiBr-rs")
    window.expect("Nothing is shown: it was asked for as evil.localhost")
    assert "Key numbers" not in window.page.inner_text("body")


# ------------------------------------------------------------------------------ report


def test_report_opens_and_prints_without_a_complaint(
    run: Path, window: Watched, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    names = [item.id for item in RECIPES]
    assert write_report(["--run", str(run), "--materials", *names, "--output", str(path)]) == 0
    window.page.goto(path.as_uri())
    window.charts(20)
    assert [url for url in window.outside if not url.startswith("file:")] == []
    assert window.complaints == []
    assert window.page.pdf(prefer_css_page_size=True)[:5] == b"%PDF-"
    window.page.screenshot(path=window.pictures / "report.png", full_page=True)
