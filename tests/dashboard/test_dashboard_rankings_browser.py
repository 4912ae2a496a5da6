"""Insulators, heat spreaders and overview in a real browser: click, filter, link, download."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from screen.store.database import open_snapshot

from .chromium import Watched, needs_browser

pytestmark = needs_browser

PAGES = ("insulators", "heat_spreaders")


def opened(watched: Watched, path: str) -> None:
    watched.open(path)
    watched.expect("Mark rows to see them in the plot")
    watched.charts(1)


def wait_for_address(watched: Watched, pattern: str) -> None:
    watched.page.wait_for_url(re.compile(pattern))


@pytest.mark.parametrize("name", PAGES)
def test_page_opens_from_the_navigation(watched: Watched, name: str) -> None:
    watched.open()
    watched.expect("Funnel")
    title = name.replace("_", "-").capitalize()
    watched.page.get_by_role("link", name=title).click()
    watched.expect("Mark rows to see them in the plot")
    watched.charts(1)
    watched.picture(name)
    watched.check_quiet()


def test_clicked_point_is_ringed_and_leads_to_its_material(watched: Watched) -> None:
    opened(watched, "heat_spreaders?prototype=zincblende")
    watched.page.locator(".js-plotly-plot .points path").first.click(force=True)
    wait_for_address(watched, r"pick=\w+-zb")
    watched.page.locator(".js-plotly-plot .textpoint").first.wait_for()  # its formula
    link = watched.page.get_by_role("link", name=re.compile(r"\w+ · \w+-zb"))
    link.click()
    watched.expect("Provenance")
    assert re.search(r"id=\w+-zb", watched.page.url)
    watched.check_quiet()


def test_marked_row_is_ringed_in_the_plot(watched: Watched) -> None:
    opened(watched, "insulators")
    watched.page.locator("[data-testid=stDataFrame] canvas").first.click(
        position={"x": 14, "y": 52}, force=True
    )
    wait_for_address(watched, "pick=LiBr-rs")
    watched.page.locator(".js-plotly-plot .textpoint", has_text="LiBr").first.wait_for()
    watched.page.get_by_role("button", name="Forget").click()
    watched.page.locator(".js-plotly-plot .textpoint").wait_for(state="detached")
    assert "pick" not in watched.page.url
    watched.check_quiet()


def test_box_lists_its_materials_and_its_address_does_so_again(watched: Watched) -> None:
    opened(watched, "insulators")
    watched.page.locator("[data-title='Box Select']").first.click(force=True)
    watched.page.locator(".modebar-btn.active[data-title='Box Select']").wait_for(state="attached")
    area = watched.page.locator(".js-plotly-plot .nsewdrag").first.bounding_box()
    assert area is not None
    mouse, left, top = watched.page.mouse, area["x"], area["y"]
    mouse.move(left + 5, top + area["height"] / 2)
    mouse.down()
    mouse.move(left + area["width"] - 5, top + area["height"] - 3, steps=5)
    mouse.up()
    wait_for_address(watched, "box=")
    watched.expect("Rows 1 to 2 of 2; 5 pass")
    address = watched.page.url
    watched.page.goto("about:blank")
    watched.page.goto(address)
    watched.expect("Rows 1 to 2 of 2; 5 pass")
    watched.page.locator(".js-plotly-plot .shapelayer path").first.wait_for()
    watched.picture("box")
    watched.check_quiet()


def test_box_and_selected_materials_outlive_another_question(watched: Watched) -> None:
    opened(watched, "insulators?box=1,60,1,20")
    watched.expect("Rows 1 to 2 of 2")
    watched.page.locator(".js-plotly-plot .points path").first.click(force=True)
    wait_for_address(watched, "pick=")
    watched.page.locator("[data-testid=stDataFrame] canvas").first.click(
        position={"x": 14, "y": 52}, force=True
    )
    wait_for_address(watched, "pick=LiBr-rs")
    slider = watched.page.get_by_role("slider").first
    slider.focus()
    watched.page.keyboard.press("ArrowRight")
    watched.page.locator(".js-plotly-plot .ytitle", has_text="310 K").wait_for()
    watched.expect("Rows 1 to 2 of 2")
    watched.page.locator(".js-plotly-plot .textpoint", has_text="LiBr").first.wait_for()
    watched.page.wait_for_timeout(1000)  # what the browser sends after its new drawing
    assert "pick=LiBr-rs" in watched.page.url
    assert "box=" in watched.page.url
    watched.check_quiet()


def test_periodic_table_is_clicked_and_reached_by_the_keyboard(watched: Watched) -> None:
    opened(watched, "insulators?periodic=true")
    watched.page.get_by_role("button", name="F", exact=True).click()
    wait_for_address(watched, "with=F")
    watched.expect("Rows 1 to 1 of 1")
    watched.picture("periodic-table")
    asked = watched.page.get_by_role("button", name="+F", exact=True)
    asked.focus()
    watched.page.keyboard.press("Enter")
    wait_for_address(watched, "without=F")
    watched.expect("Rows 1 to 4 of 4")
    watched.page.keyboard.press("Tab")  # from Li to Be, which cannot be clicked, and so on
    watched.check_quiet()


def test_slider_moves_on_the_keyboard_and_changes_the_address(watched: Watched) -> None:
    opened(watched, "insulators?T=320")
    slider = watched.page.get_by_role("slider").first
    slider.focus()
    watched.page.keyboard.press("ArrowRight")
    wait_for_address(watched, "T=330")
    watched.page.locator(".js-plotly-plot .ytitle", has_text="330 K").wait_for()
    watched.check_quiet()


def test_address_opens_the_same_view(watched: Watched) -> None:
    opened(watched, "heat_spreaders?T=450&x=density&with=O&only_front=true")
    watched.expect("Rows 1 to 1 of 1")
    assert watched.page.locator(".js-plotly-plot .xtitle").text_content() == "ρ [g/cm³]"
    assert "450 K" in (watched.page.locator(".js-plotly-plot .ytitle").text_content() or "")
    watched.check_quiet()


def test_downloads_hold_what_is_shown(watched: Watched, run: Path, tmp_path: Path) -> None:
    opened(watched, "insulators?without=Li")
    for label in ("CSV", "Parquet", "SQL"):
        with watched.page.expect_download() as waiting:
            watched.page.get_by_role("button", name=label, exact=True).click()
        waiting.value.save_as(tmp_path / label)
        assert waiting.value.suggested_filename.startswith("demo-insulators-300K-")
    shown = ["RbF", "GaAs", "MgO", "SiC"]
    assert pyarrow.csv.read_csv(tmp_path / "CSV")["formula"].to_pylist() == shown
    assert pq.read_table(tmp_path / "Parquet")["formula"].to_pylist() == shown
    with open_snapshot(run) as snapshot:
        found = snapshot.query((tmp_path / "SQL").read_text())
    assert found["formula"].to_pylist() == shown
    watched.check_quiet()


def test_query_of_the_table_opens_on_the_sql_page(watched: Watched) -> None:
    opened(watched, "insulators?x=density&without=Li")
    watched.page.get_by_role("link", name="Open in SQL").click()
    watched.page.wait_for_url(re.compile(r"/sql\?sql="))
    watched.expect("insulators")
    watched.check_quiet()


def test_empty_list_says_so(watched: Watched) -> None:
    watched.open("insulators?from=1000000")
    watched.expect("No stable material passes the filters")
    watched.check_quiet()


def test_pages_are_readable_in_the_dark(watched: Watched) -> None:
    watched.page.emulate_media(color_scheme="dark")
    opened(watched, "insulators?periodic=true&with=F&pick=RbF-rs")
    watched.page.locator(".js-plotly-plot .textpoint").first.wait_for()
    watched.picture("dark")
    watched.check_quiet()
