"""Pages without anything to show explain themselves and give no traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from screen.store.database import Writer
from screen.store.layout import snapshots_folder

from .conftest import COLUMNS
from .reading import OpenPage, texts

PAGES = ("overview", "insulators", "heat_spreaders", "material")


@pytest.mark.parametrize("name", PAGES)
def test_no_run_named(page: OpenPage, name: str) -> None:
    assert "No run folder was named" in texts(page(name, None))


@pytest.mark.parametrize("name", PAGES)
def test_no_run_folder(page: OpenPage, tmp_path: Path, name: str) -> None:
    assert "There is no run folder" in texts(page(name, tmp_path / "nowhere"))


@pytest.mark.parametrize("name", PAGES)
def test_no_snapshot_yet(page: OpenPage, tmp_path: Path, name: str) -> None:
    assert "has published no results yet" in texts(page(name, tmp_path))


@pytest.mark.parametrize("name", PAGES)
def test_no_material_yet(page: OpenPage, tmp_path: Path, name: str) -> None:
    with Writer(tmp_path, COLUMNS) as writer:
        writer.publish()
    said = texts(page(name, tmp_path))
    assert "no material yet" in said or "no conductivity to rank yet" in said


@pytest.mark.parametrize("name", PAGES)
def test_run_without_any_property(page: OpenPage, tmp_path: Path, name: str) -> None:
    with Writer(tmp_path) as writer:
        writer.publish()
    assert page(name, tmp_path)


def test_garbled_pointer_is_an_error_message(page: OpenPage, tmp_path: Path) -> None:
    folder = snapshots_folder(tmp_path)
    folder.mkdir()
    (folder / "CURRENT").write_text("rubbish")
    assert "names no snapshot" in page("overview", tmp_path).error[0].value
