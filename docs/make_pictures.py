"""Photograph every page of a run's dashboard: ``python docs/make_pictures.py --run RUN --out FOLDER``.

Writes one PNG per page, 1280 px wide and under 300 kB. Needs Chromium and the extra ``dev``; the
browsers that come with playwright are not needed.
"""

from __future__ import annotations

import argparse
import sys
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
from PIL import Image
from playwright.sync_api import Page, TimeoutError, sync_playwright
from scipy.spatial import KDTree

sys.path.insert(0, str(Path(__file__).parents[1]))  # for tests by name

from dashboard.launch import serving  # after sys.path
from screen.core.errors import ThermoscreenError
from screen.ranking import rank
from screen.store.database import open_snapshot
from tests.dashboard.chromium import ARGUMENTS, CHROMIUM

WIDTH, HEIGHT = 1280, 900  # px
TIMEOUT = 90_000  # ms
LARGEST = 300_000  # bytes of a picture
PALETTES = (256, 128, 64, 32)  # colours, until the picture is small enough
COMPARED = 2  # materials of each ranking on the page of comparisons
DRAWN = """() => document.querySelector('h1')
  && document.querySelector('.js-plotly-plot .main-svg')
  && !document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton]')"""


def main() -> None:
    """Read the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="run folder of a campaign")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--pages", nargs="*", help="default: all")
    parser.add_argument("--dark", action="store_true", help="the dark theme")
    parser.add_argument("--size", type=int, nargs=2, default=(WIDTH, HEIGHT), metavar="PX")
    parser.add_argument("--chromium", type=Path, default=CHROMIUM)
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    try:
        links = links_of(chosen.run)
    except ThermoscreenError as error:
        raise SystemExit(str(error)) from error
    look: Any = {
        "viewport": dict(zip(("width", "height"), chosen.size, strict=True)),
        "color_scheme": "dark" if chosen.dark else "light",
    }
    with serving(chosen.run) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chosen.chromium, args=ARGUMENTS)
        for name in chosen.pages or links:
            page = browser.new_page(**look)
            page.goto(f"{address}/{links[name]}")
            try:
                picture = photograph(page)
            except TimeoutError as error:
                told = page.locator("[data-testid=stMain]").inner_text()
                raise SystemExit(f"{name} draws nothing, it says: {told}") from error
            (chosen.out / f"{name}.png").write_bytes(small(picture))
            page.close()
        browser.close()


def links_of(run: Path) -> dict[str, str]:
    """Return the name of each picture and the address of its page, with what a page shows best."""
    with open_snapshot(run) as snapshot:
        low, high = (
            [str(item) for item in rank(snapshot, name, limit=COMPARED)["material_id"].to_pylist()]
            for name in ("insulators", "heat-spreaders")
        )
    if not low:
        raise SystemExit(f"{run} has no stable material with a conductivity: nothing to show")
    pages: dict[str, tuple[str, dict[str, str]]] = {
        "overview": ("", {}),
        "insulators": ("insulators", {"pick": low[0]}),
        "heat_spreaders": ("heat_spreaders", {"match": "Si", "within": "1.5"}),
        "material": ("material", {"id": low[0]}),
        "compare": ("compare", {"materials": ",".join(dict.fromkeys([*low, *high]))}),
        "benchmark": ("benchmark", {}),
        "regimes": ("regimes", {"T": "600", "from": "5"}),
        "sql": ("sql", {"query": "kappa-over-temperature"}),
        "runs": ("runs", {}),
    }
    return {name: f"{path}?{urlencode(query)}" for name, (path, query) in pages.items()}


def photograph(page: Page) -> bytes:
    """Return a picture of the whole page, as PNG, once everything is drawn."""
    page.set_default_timeout(TIMEOUT)
    page.wait_for_function(DRAWN)
    page.wait_for_timeout(2500)  # WebGL and tables draw after the script has ended
    size = page.viewport_size
    assert size is not None  # it was given
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(int(height), size["height"])})
    page.wait_for_timeout(1500)
    page.wait_for_function(DRAWN)
    return page.screenshot()


def small(picture: bytes) -> bytes:
    """Return a PNG with as many colours as its size allows."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    for colours in PALETTES:
        buffer = BytesIO()
        reduced(image, colours).save(buffer, "PNG", optimize=True)
        if buffer.tell() < LARGEST:
            return buffer.getvalue()
    raise SystemExit(f"{buffer.tell()} bytes with {colours} colours: show less on this page")


def reduced(image: Image.Image, colours: int) -> Image.Image:
    """Keep the commonest colours, so that backgrounds stay as they are, and cover the others.

    Pillow's own palettes go by frequency, where a few orange points turn brown.
    """
    pixels = np.asarray(image).reshape(-1, 3)
    packed = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
    found, where, counts = np.unique(packed, return_inverse=True, return_counts=True)
    unique = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=-1).astype(np.uint8)
    common, rest = np.split(unique[np.argsort(-counts)], [colours // 2])
    palette = common
    if len(rest):
        strip = Image.fromarray(rest[None]).quantize(colours // 2, Image.Quantize.MAXCOVERAGE)
        covering = np.array(strip.getpalette("RGB"), np.uint8).reshape(-1, 3)[: colours // 2]
        palette = np.concatenate([common, covering])
    _, nearest = KDTree(palette).query(unique)
    indices = nearest[where].astype(np.uint8).reshape(image.height, image.width)
    picture = Image.fromarray(indices, "P")
    picture.putpalette(palette.ravel().tolist())
    return picture


if __name__ == "__main__":
    main()
