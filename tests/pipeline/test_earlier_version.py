"""Every command of ``store`` on a real run of an earlier program, before anything else opened it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from screen.cli.app import app
from screen.core.errors import StoreError
from screen.store.layout import manifest_folder
from screen.store.manifest import manifest_of
from screen.store.schema import MATERIALS
from tests.pipeline.campaigns import NUMBERS, table
from tests.store.earlier import earlier_run
from tests.store.samples import candidate

NEW = {"hints", "theoretical", "magnetic_ordering", "citation"}  # columns of materials since then


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return earlier_run(tmp_path / "run")


def answer(*words: object) -> Any:
    """JSON that a command of ``store`` prints."""
    result = CliRunner().invoke(app, ["store", *map(str, words), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_verify_finds_it_whole(run: Path) -> None:
    found = answer("verify", "--run", run)
    assert found["checked"] == 22
    assert (found["broken"], found["missing"], found["orphaned"]) == ({}, [], [])


@pytest.mark.parametrize("deed", ["--dry-run", "--delete"])
def test_gc_deletes_nothing(run: Path, deed: str) -> None:
    assert answer("gc", "--run", run, "--older-than", 0, deed)["files"] == []
    assert len(list(run.rglob("*.npz"))) == 22


def test_rebuild_makes_the_manifest_from_its_database(run: Path) -> None:
    before = table(run, NUMBERS)
    rebuilt = answer("rebuild", "--run", run)
    assert rebuilt == {"materials": 3, "outcomes": 3, "executions": 22, "lost": {}}
    assert len(list(manifest_of(run).heads())) == 3
    after = table(run, NUMBERS)
    for row, again in zip(before, after, strict=True):
        for name, value in row.items():
            same = pytest.approx(value, rel=1e-12) if isinstance(value, float) else value
            assert again[name] == same, name
    answer("verify", "--run", run)


def test_compact_packs_it(run: Path) -> None:
    result = CliRunner().invoke(app, ["store", "compact", "--run", str(run)])
    assert result.exit_code == 0, (result.output, result.exception)
    assert answer("verify", "--run", run)["checked"] == 22


@pytest.mark.parametrize("name", ["verify", "gc", "rebuild"])
def test_without_its_database_one_line_says_what_to_do(run: Path, name: str) -> None:
    (run / "campaign.duckdb").unlink()
    result = CliRunner().invoke(app, ["store", name, "--run", str(run)])
    assert isinstance(result.exception, StoreError)
    assert "run the campaign again, which finds the finished stages" in str(result.exception)
    assert not (run / "campaign.duckdb").exists()


def test_a_manifest_that_lacks_columns_is_read_with_nulls(run: Path) -> None:
    from screen.store.frames import table_of
    from screen.store.rows import candidate_of, material_row

    rows = table_of(MATERIALS.name, MATERIALS.columns, [material_row(candidate("m1", band_gap=2))])
    manifest = manifest_of(run)
    manifest.add_materials(rows.drop_columns(sorted(NEW)))
    assert list(manifest_folder(run).glob("materials-*.parquet"))
    (found,) = manifest.materials()
    assert found.num_columns == len(MATERIALS.columns)
    back = candidate_of(found.to_pylist()[0])
    assert back is not None
    assert (back.metadata.band_gap, back.metadata.theoretical) == (2.0, None)
