"""Photograph the dashboard of a real run: ``python docs/make_pictures.py --run RUN --out FOLDER``.

Writes ``overview.png``, ``ranking.png`` and ``material.png``, 1280 px wide. Needs Chromium and
the package ``playwright`` (``pip install playwright``; its own browsers are not needed).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from dashboard.launch import serving
from screen.ranking import rank
from screen.store.database import open_snapshot

WIDTH, HEIGHT = 1280, 900  # px
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


def main() -> None:
    """Read the arguments and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="run folder of a campaign")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--material", help="default: the best insulator of the run")
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    material = chosen.material or best_insulator(chosen.run)
    paths = {
        "overview": "",
        "ranking": "ranking",
        "material": f"material?{urlencode({'id': material})}",
    }
    with serving(chosen.run) as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chosen.chromium, args=ARGUMENTS)
        for name, path in paths.items():
            page = browser.new_page(
                viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
            )
            page.goto(f"{address}/{path}")
            photograph(page, chosen.out / f"{name}.png")
        browser.close()


def best_insulator(run: Path) -> str:
    """Return the first material of the ranking."""
    with open_snapshot(run) as snapshot:
        found = rank(snapshot, "insulators", limit=1)["material_id"].to_pylist()
    if not found:
        raise SystemExit(f"{run} has no stable material with a conductivity: nothing to show")
    return str(found[0])


def photograph(page: Page, target: Path) -> None:
    """Save the whole page once its charts are drawn."""
    page.wait_for_selector("h1")
    page.wait_for_selector(".js-plotly-plot .main-svg")
    page.wait_for_selector("[data-testid=stStatusWidget]", state="detached")
    page.wait_for_timeout(2500)  # WebGL and tables draw after the script has ended
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": int(height)})
    page.wait_for_timeout(1500)
    page.screenshot(path=target)


if __name__ == "__main__":
    main()
