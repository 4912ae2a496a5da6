"""Overview and ranking over a real run folder, without a browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard import display
from screen.core.records import Failure
from screen.store.database import Writer
from tests.store.samples import candidate, outcome

from .conftest import COLUMNS, RECIPES, write_run
from .reading import OpenPage, charts, checked, select_row, table, texts


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the pages offer as CSV."""
    made: list[str] = []
    write = display.csv

    def remember(*arguments: object) -> bytes:
        content = write(*arguments)
        made.append(content.decode())
        return content

    monkeypatch.setattr(display, "csv", remember)
    return made


# ------------------------------------------------------------------------------ overview


def test_overview_counts_what_is_done_and_what_is_not(page: OpenPage) -> None:
    app = page("overview")
    assert app.title[0].value == "demo"
    counts = {item.label: item.value for item in app.metric}
    assert counts["complete"] == "5"
    assert counts["partial"] == "1"
    assert counts["failed"] == "2"
    assert counts["pending"] == "1"
    assert "Snapshot 1, published" in texts(app)
    assert set(charts(app)) == {"progress", "costs"}


def test_overview_lists_failures_with_their_messages(page: OpenPage) -> None:
    app = page("overview")
    counts = table(app, "stage", "kind", "materials")
    assert dict(zip(counts["kind"], counts["materials"], strict=True)) == {
        "transport": 1,
        "unreadable_file": 1,
        "imaginary_modes": 1,
    }
    failed = table(app, "failure_message", "material_id")
    assert set(failed["material_id"]) == {"NaCl-rs", "broken.cif", "CsF-rs"}
    assert "not finite at 100 K" in failed["failure_message"][0]
    assert "That is a result, no error." in texts(app)


def test_overview_counts_what_the_funnel_left_out_and_lists_it_as_no_failure(
    page: OpenPage, tmp_path: Path
) -> None:
    left_out = outcome("m1", rows={}, failures=(Failure("funnel", "not_selected", "not the best"),))
    with Writer(tmp_path, COLUMNS) as writer:
        writer.add_candidates([candidate("m1")])
        writer.upsert([left_out])
        writer.publish()
    app = page("overview", tmp_path)
    counts = {item.label: item.value for item in app.metric}
    assert counts["not_selected"] == "1"
    assert "over_budget" not in counts
    assert "Nothing has failed." in texts(app)
    assert "Failed materials" not in texts(app)


def test_overview_names_potential_and_protocol(page: OpenPage) -> None:
    methods = table(page("overview"), "potential", "protocol digest")
    assert (methods["potential"], methods["protocol"]) == (["mace-mpa-0"], ["quick"])


def test_overview_shows_a_newer_snapshot(page: OpenPage, tmp_path: Path) -> None:
    folder = write_run(tmp_path / "growing", RECIPES[:2])
    app = page("overview", folder)
    assert app.metric[0].value == "2"
    write_run(folder, RECIPES[:5])
    checked(app.run())
    assert app.metric[0].value == "5"
    assert "Snapshot 2, published" in texts(app)


def test_selecting_a_failure_opens_its_material(page: OpenPage) -> None:
    app = page("overview")
    app.session_state["failures"] = select_row(2)
    checked(app.run())
    assert "CsF" in app.title[0].value


# ------------------------------------------------------------------------------ ranking


def test_ranking_puts_the_best_insulator_first(page: OpenPage) -> None:
    app = page("ranking")
    ranked = table(app, "rank", "κ [W/m/K]")
    assert ranked["formula"] == ["LiBr", "RbF", "GaAs", "MgO", "SiC"]
    assert ranked["κ [W/m/K]"] == pytest.approx([1.8, 1.9, 32.0, 55.0, 430.0])
    assert "α [10⁻⁶/K]" in ranked
    figure = charts(app)["scatter"]
    assert figure["layout"]["xaxis"]["title"]["text"] == "α [10⁻⁶/K]"
    assert figure["layout"]["yaxis"]["title"]["text"] == "κ (300 K) [W/m/K]"
    assert sum(len(item["customdata"]) for item in figure["data"]) == 5


def test_ranking_page_opens_as_its_address_says(page: OpenPage) -> None:
    app = page("ranking", kind="heat-spreaders", T="500", prototype="rocksalt", to="40")
    ranked = table(app, "rank", "κ [W/m/K]")
    assert ranked["formula"] == ["MgO", "RbF", "LiBr"]
    assert set(ranked["T [K]"]) == {500.0}
    assert app.select_slider(key="T").value == 500.0


def test_filters_narrow_table_and_plot_alike(page: OpenPage) -> None:
    app = page("ranking")
    app.multiselect(key="without").set_value(["Si", "Li"])
    app.number_input(key="from").set_value(10.0)
    checked(app.run())
    assert table(app, "rank")["formula"] == ["GaAs", "MgO"]
    assert sum(len(item["customdata"]) for item in charts(app)["scatter"]["data"]) == 2


def test_filters_that_let_nothing_pass_say_so(page: OpenPage) -> None:
    app = page("ranking")
    app.number_input(key="from").set_value(1e6)
    checked(app.run())
    assert "No stable material passes the filters" in texts(app)


def test_box_in_the_plot_keeps_its_materials(page: OpenPage) -> None:
    app = page("ranking")
    app.session_state["scatter"] = {
        "selection": {
            "points": [{"customdata": ["LiBr-rs"]}, {"customdata": ["SiC-zb"]}],
            "box": [{"x": [1, 60], "y": [1, 500]}],
            "lasso": [],
        }
    }
    checked(app.run())
    assert table(app, "rank")["formula"] == ["LiBr", "SiC"]


def test_clicked_point_opens_its_material(page: OpenPage) -> None:
    app = page("ranking")
    app.session_state["scatter"] = {
        "selection": {"points": [{"customdata": ["MgO-rs"]}], "box": [], "lasso": []}
    }
    checked(app.run())
    assert "MgO" in app.title[0].value


def test_selected_row_opens_its_material(page: OpenPage) -> None:
    app = page("ranking")
    app.session_state["table"] = select_row(4)
    checked(app.run())
    assert "SiC" in app.title[0].value


def test_download_holds_exactly_the_rows_that_are_shown(
    page: OpenPage, downloads: list[str]
) -> None:
    app = page("ranking", prototype="zincblende")
    (button,) = app.get("download_button")
    assert button.proto.label == "Download these rows as CSV"
    (file,) = downloads
    assert file.splitlines()[0].startswith('"rank","formula","κ [W/m/K]"')
    assert [line.split(",")[1] for line in file.splitlines()[1:]] == ['"GaAs"', '"SiC"']
