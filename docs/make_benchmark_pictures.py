"""Draw κ_C/κ of a benchmark's compounds: ``python docs/make_benchmark_pictures.py TABLE``.

TABLE is a Parquet file of compounds, as in ``catalogs/benchmarks``. Writes ``docs/pictures/wave_like.png``.
Needs Chromium and the package ``playwright``, as ``make_pictures.py``.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import plotly.graph_objects as go
import pyarrow.parquet as pq
from make_pictures import ARGUMENTS, TIMEOUT, small
from playwright.sync_api import sync_playwright

from dashboard.charts.coherences import coherence_panels

WIDTH = 1280  # px
COLUMNS = ["compound", "prototype", "temperatures", "kappa_p", "kappa_c"]
DRAWN = "() => document.querySelector('.js-plotly-plot .main-svg')"


def main() -> None:
    """Read the table and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path, help="Parquet file of compounds")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/wave_like.png"))
    parser.add_argument("--chromium", type=Path, default=Path("/usr/bin/chromium"))
    chosen = parser.parse_args()
    figure = coherence_panels(pq.read_table(chosen.table, columns=COLUMNS))
    chosen.out.write_bytes(small(photograph(figure, chosen.chromium)))


def photograph(figure: go.Figure, chromium: Path) -> bytes:
    """Return a figure as PNG; plotly.js comes from the package, nothing from the network."""
    height = int(figure.layout.height)
    with TemporaryDirectory() as folder, sync_playwright() as driver:
        page_file = Path(folder) / "figure.html"
        style = "<style>body { margin: 0 }</style>"
        body = figure.to_html(
            include_plotlyjs=True, default_width=f"{WIDTH}px", default_height=f"{height}px"
        )
        page_file.write_text(body.replace("</head>", f"{style}</head>"), encoding="utf-8")
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": WIDTH, "height": height})
        page.set_default_timeout(TIMEOUT)
        page.goto(page_file.as_uri())
        page.wait_for_function(DRAWN)
        page.wait_for_timeout(500)  # subscripts move their text after the first drawing
        picture = page.screenshot()
        browser.close()
    return picture


if __name__ == "__main__":
    main()
