"""The SQL page in a real browser: by keyboard, by link, and silent towards the outside."""

from __future__ import annotations

import csv
from urllib.parse import parse_qs, quote, urlparse

import pyarrow.parquet

from .chromium import Watched, needs_browser

pytestmark = needs_browser

SQL = "SELECT formula, kappa, coherence_share FROM insulators_at(450) ORDER BY rank"


def address(watched: Watched) -> dict[str, list[str]]:
    return parse_qs(urlparse(watched.page.url).query)


def test_a_query_is_written_and_run_by_the_keyboard(watched: Watched) -> None:
    watched.open("sql")
    watched.expect("5 rows")
    watched.charts(1)
    editor = watched.page.get_by_role("textbox", name="SQL")
    editor.focus()
    watched.page.keyboard.press("Control+a")
    watched.page.keyboard.type(SQL)
    watched.page.keyboard.press("Control+Enter")
    watched.page.wait_for_url("**/sql?sql=**")
    assert address(watched) == {"sql": [SQL]}
    watched.expect("5 rows")
    watched.charts(1)
    assert "Your own query" in watched.page.content()
    watched.page.keyboard.press("Control+a")  # the editor has kept the focus
    watched.page.keyboard.type("SELECT 1 AS one")
    watched.page.keyboard.press("Tab")
    watched.page.keyboard.press("Enter")  # on the button
    watched.expect("1 row")
    watched.expect("No chart")
    watched.check_quiet()


def test_saved_query_schema_chart_and_files(watched: Watched) -> None:
    watched.open("sql?query=kappa-over-temperature")
    watched.expect("8 rows")
    watched.charts(1)
    watched.page.locator(".xtitle").get_by_text("temperature [K]").wait_for()
    watched.page.get_by_role("radio", name="points").click()
    watched.page.wait_for_url("**chart=points**")
    assert address(watched)["x"] == ["temperature"]
    watched.page.get_by_role("combobox", name="Views, macros and tables").click()
    watched.page.keyboard.type("kappa_at")
    watched.page.keyboard.press("Enter")
    watched.expect("grids that do not reach it are left out")
    watched.picture("sql")
    found = {}
    for label in ("CSV", "Parquet", "SQL"):
        with watched.page.expect_download() as download:
            watched.page.get_by_role("button", name=label, exact=True).click()
        path = watched.pictures / download.value.suggested_filename
        download.value.save_as(path)
        found[label] = path
    assert found["CSV"].name == "demo-query-v1.csv"
    with found["CSV"].open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert [float(row["temperature [K]"]) for row in rows] == [*range(100, 900, 100)]
    table = pyarrow.parquet.read_table(found["Parquet"])
    assert table["kappa"].to_pylist() == [float(row["kappa [W/m/K]"]) for row in rows]
    assert b"unnest(kappa)" in table.schema.metadata[b"sql"]
    assert found["SQL"].read_text(encoding="utf-8").startswith("-- run: demo\n-- snapshot: 1\n")
    watched.check_quiet()


def test_a_link_to_hostile_sql_is_refused_on_the_page(watched: Watched) -> None:
    hostile = "FROM read_text('/etc/passwd')"
    watched.open(f"sql?sql={quote(hostile, safe='')}")
    watched.expect("file system operations are disabled")
    assert "root:" not in watched.page.content()
    watched.check_quiet()
