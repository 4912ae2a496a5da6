"""The overview over a real run folder, without a browser."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from screen.core.records import Failure
from screen.store.database import Writer, open_snapshot
from tests.store.samples import PROPERTIES, candidate, execution, outcome

from .conftest import COLUMNS, RECIPES, write_run
from .reading import OpenPage, charts, checked, select_row, table, texts


def test_overview_counts_what_is_done_and_what_is_not(page: OpenPage) -> None:
    app = page("overview")
    assert app.title[0].value == "demo"
    counts = {item.label: item.value for item in app.metric}
    assert counts["complete"] == "5"
    assert counts["partial"] == "1"
    assert counts["failed"] == "2"
    assert counts["pending"] == "1"
    assert "Snapshot 1, published" in texts(app)
    assert set(charts(app)) == {"progress", "costs", "funnel", "pace"}


def test_overview_lists_failures_with_their_messages(page: OpenPage) -> None:
    app = page("overview")
    counts = table(app, "stage", "kind", "materials")
    assert dict(zip(counts["kind"], counts["materials"], strict=True)) == {
        "transport": 1,
        "unreadable_file": 1,
        "imaginary_modes": 1,
    }
    failed = table(app, "message", "material")
    assert set(failed["material"]) == {"NaCl-rs", "broken.cif", "CsF-rs"}
    assert "not finite at 100 K" in failed["message"][0]
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


def test_funnel_counts_materials_step_by_step(page: OpenPage) -> None:
    (bars,) = charts(page("overview"))["funnel"]["data"]
    steps = dict(zip(bars["y"], bars["x"], strict=True))
    assert steps == {
        "candidates": 9,  # AgCl is pending, broken.cif is no crystal
        "usable crystals": 8,
        "dynamically stable": 6,
        "κ computed": 5,
    }
    assert bars["text"][0] == "5 (83% of the step before)"


def test_address_of_the_overview_names_a_kind_of_failure(page: OpenPage) -> None:
    app = page("overview", failed="stability · imaginary_modes")
    assert table(app, "message", "material")["material"] == ["CsF-rs"]
    (code,) = app.code
    assert "stage = 'stability' AND kind = 'imaginary_modes'" in code.value


def test_failures_are_listed_by_the_sql_that_is_shown(page: OpenPage, run: Path) -> None:
    app = page("overview")
    with open_snapshot(run) as snapshot:
        found = snapshot.query(app.code[0].value)
    assert found["material_id"].to_pylist() == table(app, "message", "material")["material"]


def test_pace_tells_how_long_the_pending_take(page: OpenPage, tmp_path: Path) -> None:
    begun = datetime(2026, 3, 1, 12, tzinfo=UTC)
    done = [
        replace(
            outcome(f"m{index}"),
            executions=(
                replace(
                    execution(f"e{index}", f"m{index}"),
                    started_at=(begun + timedelta(minutes=index)).isoformat(),
                ),
            ),
        )
        for index in range(7)
    ]
    with Writer(tmp_path, PROPERTIES) as writer:
        writer.add_candidates([candidate(f"m{index}") for index in range(10)])
        writer.upsert(done)
        writer.publish()
    app = page("overview", tmp_path)
    (pace,) = [item for item in app.metric if item.label == "last hour"]
    assert (pace.value, pace.delta) == ("7", "3 min to go")  # one a minute, three pending
    (curve,) = charts(app)["pace"]["data"]
    assert curve["y"][-1] == 7


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("insulators", {}),
        ("heat_spreaders", {}),
        ("material", {"id": "LiBr-rs"}),
        ("compare", {"materials": "LiBr-rs,MgO-rs"}),
        ("benchmark", {}),
        ("regimes", {"from": "0"}),
        ("sql", {}),
        ("runs", {}),
    ],
)
def test_no_file_lies_ready_before_the_click(
    page: OpenPage, name: str, query: dict[str, str]
) -> None:
    """One that does is gone with the next snapshot, while browsers that saw the page look for it."""
    buttons = page(name, **query).get("download_button")
    assert buttons
    assert not any(item.proto.url for item in buttons)  # type: ignore[attr-defined]
