"""What holds for every page in a real browser: links, keyboard, no request to the outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlparse

import pytest

from .chromium import VIEWPORT, Watched, needs_browser

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = needs_browser

LINKS = {  # an address that no page has by itself, and what it makes the page say
    "?failed=stability+·+imaginary_modes": "Potentials and protocols",
    "insulators?T=450&x=density&pick=LiBr-rs": "LiBr · LiBr-rs",
    "heat_spreaders?match=Si&within=2&prototype=zincblende": "Match expansion of",
    "material?id=MgO-rs&mode_temperature=600&decay=linewidth": "Coherences (600 K)",
    "compare?materials=LiBr-rs,MgO-rs&part=κ_C/κ": "Numbers side by side",
    "benchmark?axes=linear": "Beside published potentials",
    "regimes?T=600&from=0": "Materials with κ_C/κ ≥ 0 % at 600 K",
    "sql?query=kappa-over-temperature": "Download",
    "runs": "Cost by stage and potential",
}
MOST_TABS = 500  # the cells of a table's row are one each
PASSING = re.compile(r"published .* ago|in [\d.e-]+ s from|\d+ ms")  # differs from visit to visit
CONTROLS = """() => {
  const roots = '[data-testid=stMain], [data-testid=stSidebar], [data-testid=stToolbar], header';
  const wanted = 'a[href], button, input, textarea, summary, [role=slider], [role=combobox]';
  const shown = item => item.getClientRects().length
    && getComputedStyle(item).visibility !== 'hidden' && !item.disabled;
  return [...document.querySelectorAll(roots)].flatMap(root => [...root.querySelectorAll(wanted)])
    .filter((item, index, all) => all.indexOf(item) === index && shown(item))
    .filter(item => !item.closest('.js-plotly-plot, [data-testid=stDataFrame]'))
    // arrows open a list and count up, backspace takes an item away: no button needed
    .filter(item => item.tabIndex >= 0 || !item.closest(
      '[data-testid=stSelectbox], [data-testid=stMultiSelect], [data-testid=stNumberInput]'))
}"""
NAMED = """item => item.tagName + ' ' + (item.getAttribute('aria-label') || item.innerText
  || item.id || item.outerHTML.slice(0, 120)).trim().replaceAll('\\n', ' ')"""


@pytest.fixture(scope="module")
def windows(browser: Browser, address: str, pictures: Path) -> Iterator[tuple[Watched, Watched]]:
    """Two windows of two people."""
    contexts = [browser.new_context(viewport=VIEWPORT, color_scheme="light") for _ in range(2)]
    first, second = (Watched(item.new_page(), address, pictures) for item in contexts)
    yield first, second
    for context in contexts:
        context.close()


def settle(watched: Watched, told: str) -> None:
    """Wait until the page says what it should, and everything is there."""
    watched.expect(told)
    watched.page.wait_for_function(
        "!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')"
    )


def said(watched: Watched) -> str:
    """Return all text of the page that does not depend on the moment."""
    text = watched.page.locator("[data-testid=stMain]").inner_text()
    return PASSING.sub("", text)


@pytest.mark.parametrize(("link", "told"), LINKS.items(), ids=lambda item: item.partition("?")[0])
def test_every_page(windows: tuple[Watched, Watched], link: str, told: str) -> None:
    first, second = windows
    first.open(link)
    settle(first, told)
    own = parse_qs(urlparse(first.page.url).query)
    asked = parse_qs(urlparse(link).query)
    assert {name: own.get(name) for name in asked} == asked
    lost = unreachable(first)
    print(link, lost)
    assert not lost
    second.page.goto(first.page.url)
    settle(second, told)
    assert said(second) == said(first)
    assert second.page.url == first.page.url
    for watched in windows:
        watched.check_quiet()


def unreachable(watched: Watched) -> list[str]:
    """Return what can be clicked but not be reached by Tab, in a group by Tab and the arrows."""
    page = watched.page
    page.evaluate(f"window.controls = ({CONTROLS})(); window.reached = new Set(); window.round = 0")
    page.evaluate("document.body.focus()")
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(
            """() => { const item = document.activeElement, all = window.reached;
            all.add(item); const [first] = all;
            window.round = (window.round || 0) + (item === first); return window.round > 1 }"""
        ):
            break
    found: list[str] = page.evaluate(
        f"""() => window.controls.filter(item => {{
        const group = item.closest('[data-testid=stButtonGroup], [role=radiogroup]');
        return ![...window.reached].some(other => item === other || item.contains(other)
          || (group && group.contains(other)))
        }}).map({NAMED})"""
    )
    return found
