"""Command line, filters and numbers: what the pages are made of, without a page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from dashboard import data, display, sheet
from dashboard.launch import APP, command
from dashboard.session import run_folder
from screen.core.columns import Column
from screen.store.database import open_snapshot
from screen.store.queries import material_sheet

from .conftest import RECIPES, write_run

ALPHA = Column("alpha", "DOUBLE", "α", "Expansion.", "1/K")
KAPPA = Column("kappa", "DOUBLE", "κ", "Conductivity.", "W/m/K")


def test_server_listens_on_loopback_only_and_reports_nothing_home() -> None:
    words = command(Path("runs/demo"), 8600)
    assert words[1:5] == ["-m", "streamlit", "run", str(APP)]
    options = dict(zip(words[5:13:2], words[6:13:2], strict=True))
    assert options == {
        "--server.address": "127.0.0.1",
        "--server.headless": "true",
        "--browser.gatherUsageStats": "false",
        "--server.port": "8600",
    }
    assert words[13:] == ["--", "--run", "runs/demo"]
    assert "--server.port" not in command(Path("runs/demo"))


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["--run", "runs/demo"], Path("runs/demo")),
        (["--run=a b"], Path("a b")),
        (["--run"], None),
        ([], None),
        (["--other", "x", "--run", "y"], Path("y")),
    ],
)
def test_run_folder_comes_from_the_arguments(arguments: list[str], folder: Path | None) -> None:
    assert run_folder(arguments) == folder


def test_expansion_is_shown_in_millionths_with_its_unit() -> None:
    table = pa.table({"alpha": [1.2e-5, None], "kappa": [3.0, 4.0]})
    shown = display.shown_table(table, [KAPPA, ALPHA])
    assert shown.column_names == ["κ [W/m/K]", "α [10⁻⁶/K]"]
    assert shown["α [10⁻⁶/K]"].to_pylist() == [pytest.approx(12.0), None]
    assert display.number(1.2e-5, ALPHA) == "12"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (7, "7"), (0.0, "0"), (1234.56, "1235"), (1.2e-7, "1.200e-07")],
)
def test_numbers_have_four_digits(value: object, text: str) -> None:
    assert display.number(value) == text


def test_spans_of_time_are_readable() -> None:
    assert display.duration(None) == "–"
    assert [display.duration(s) for s in (2.5, 90.0, 7200.0, 172800.0)] == [
        "2.5 s",
        "1.5 min",
        "2 h",
        "2 d",
    ]
    assert display.ago(timedelta(seconds=2)) == "just now"
    assert display.ago(timedelta(minutes=3)) == "3 min ago"


def test_space_groups_have_symbol_and_number() -> None:
    assert display.space_group(225) == "Fm-3m (225)"
    assert display.space_group(186) == "P6₃mc (186)"
    assert display.space_group(None) == "–"


def test_messages_are_shown_as_they_are() -> None:
    assert display.verbatim("a_b [x](y) :red[z]") == r"a\_b \[x\](y) \:red\[z\]"


@pytest.fixture
def result_of(run: Path) -> Callable[[str], sheet.Result]:
    def find(material_id: str) -> sheet.Result:
        with open_snapshot(run) as snapshot:
            (result,) = sheet.results(material_sheet(snapshot, material_id))
        return result

    return find


def test_reference_that_compares_has_no_nac(result_of: Callable[[str], sheet.Result]) -> None:
    assert result_of("LiBr-rs").reference_300 == pytest.approx(1.15 * 1.8)


def test_result_of_an_unstable_crystal_keeps_what_exists(
    result_of: Callable[[str], sheet.Result],
) -> None:
    result = result_of("CsF-rs")
    assert result.row["status"] == "failed"
    assert [item["kind"] for item in result.failures] == ["imaginary_modes"]
    assert set(result.artifacts) == {"relax", "stability"}
    assert set(result.properties) == {"stability"}


def test_rejected_entry_has_no_crystal(run: Path) -> None:
    with open_snapshot(run) as snapshot:
        assert sheet.crystal_given(material_sheet(snapshot, "broken.cif")) is None
        given = sheet.crystal_given(material_sheet(snapshot, "AgCl-rs"))
    assert given is not None
    assert given.formula == "AgCl"


def test_age_of_a_snapshot_outlives_its_file(tmp_path: Path) -> None:
    published = data.newest(write_run(tmp_path / "run", RECIPES[:1]))
    assert published is not None
    before = data.age(published)
    data.snapshot(published).path.unlink()  # as the writer drops what is older than three
    assert before < data.age(published) < timedelta(minutes=10)
