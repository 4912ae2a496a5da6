"""A run is scored against the references, and the command tells it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from screen.benchmark import compounds
from screen.benchmark.references import read_references
from screen.benchmark.scoring import score
from screen.core.records import Failure
from screen.store.database import open_snapshot
from tests.command_line import Call
from tests.shared import shared_path

from .scored import MODEL, conductivity, write_run

RECORDS = {
    "LiBr-rs": 1.0,
    "GaAs-zb": 2.0,
    "ZnO-wz": 0.5,
    "AgCl-rs": Failure("stability", "imaginary_modes", "soft"),
}
SRME = {"LiBr-rs": 0.0, "GaAs-zb": 2 / 3, "ZnO-wz": 2 / 3, "AgCl-rs": 2.0}
"""By hand: 2 |x − 1|/(x + 1) where all modes are x times the reference's."""


@pytest.fixture(scope="module")
def folder() -> Path:
    return shared_path("phonondb")


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    references = read_references(folder)
    path: Path = tmp_path_factory.mktemp("runs") / "benchmark-sevennet-0"
    records = {
        name: item if isinstance(item, Failure) else conductivity(references[name], item)
        for name, item in RECORDS.items()
    }
    write_run(path, records)
    return path


@pytest.fixture
def scored(run: Path, folder: Path) -> Path:
    score(run, folder)
    return run


def test_before_anything_is_compared_only_failures_have_an_error(
    folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    good = conductivity(read_references(folder)["LiBr-rs"])
    write_run(run, {"LiBr-rs": good, "AgCl-rs": Failure("relax", "not_converged", "no")})
    with open_snapshot(run) as snapshot:
        rows = {row["compound"]: row for row in compounds.read_compounds(snapshot).to_pylist()}
    assert rows["LiBr-rs"]["srme_300"] is None
    assert rows["LiBr-rs"]["frequency_error"] is None
    assert rows["AgCl-rs"]["srme_300"] == 2


def test_scoring_writes_the_errors_into_the_run(scored: Path) -> None:
    with open_snapshot(scored) as snapshot:
        judged = snapshot.query("SELECT material_id, srme_300, sre_300 FROM benchmark").to_pylist()
        results = snapshot.query("SELECT material_id, srme_300 FROM results").to_pylist()
        described = snapshot.query(
            "SELECT unit FROM columns WHERE table_name = 'mode_summary' AND name = 'frequency_error'"
        ).to_pylist()
    assert {row["material_id"]: row["srme_300"] for row in judged} == pytest.approx(SRME)
    for row in judged:  # all modes are off by one factor: nothing cancels
        assert row["sre_300"] == pytest.approx(row["srme_300"], abs=1e-6)
    assert {row["material_id"] for row in results if row["srme_300"] is not None} == {
        "LiBr-rs",
        "GaAs-zb",
        "ZnO-wz",
    }
    assert described == [{"unit": "THz"}]


def test_scoring_again_changes_nothing(scored: Path, folder: Path) -> None:
    def table() -> list[dict[str, object]]:
        with open_snapshot(scored) as snapshot:
            return list(compounds.read_compounds(snapshot).to_pylist())

    before = table()
    assert score(scored, folder).compared == 3
    assert table() == before


def test_a_record_that_is_gone_is_told(folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    write_run(run, {"LiBr-rs": conductivity(read_references(folder)["LiBr-rs"])})
    (gone,) = (run / "artifacts" / "conductivity").rglob("k-LiBr-rs*")
    gone.unlink()
    found = score(run, folder)
    assert found.compared == 0
    assert found.left_out == {"LiBr-rs": "its record is gone"}


def test_the_table_has_the_declared_columns_and_what_it_costs(scored: Path, folder: Path) -> None:
    with open_snapshot(scored) as snapshot:
        table = compounds.read_compounds(snapshot)
    assert table.column_names == [column.name for column in compounds.COLUMNS]
    row = next(row for row in table.to_pylist() if row["compound"] == "GaAs-zb")
    assert row["cpu_s"] == 9.0
    assert row["prototype"] == "zincblende"
    assert row["expansion_300"] is None  # nobody asked for it
    assert row["frequency_ratio"] == 1.0
    assert row["verdict"] == ["particle"]  # no κ_C in what the tests store
    references = read_references(folder), read_references(folder, nac=True)
    twice, corrected = (
        2 * references[0]["GaAs-zb"].mode_kappa,
        references[1]["GaAs-zb"].mode_kappa,
    )
    by_hand = 2 * np.abs(twice - corrected).sum() / (twice + corrected).sum()
    assert row["srme_nac_300"] == pytest.approx(by_hand)
    assert row["model_digest"] == MODEL


def test_expansions_of_a_run_are_in_the_table(folder: Path, tmp_path: Path) -> None:
    record = conductivity(read_references(folder)["GaAs-zb"])
    write_run(tmp_path / "run", {"GaAs-zb": record}, alpha=6e-6)
    with open_snapshot(tmp_path / "run") as snapshot:
        (row,) = compounds.read_compounds(snapshot).to_pylist()
    assert row["expansion_300"] == 6e-6
    assert row["expansion_c_300"] is None


def test_the_command_prints_what_people_and_programs_want(
    call: Call, run: Path, folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "compounds.parquet"
    told = call("benchmark", "--run", run, "--references", folder, "--json", "-o", kept)
    assert told.code == 0
    answer = json.loads(told.out)
    found = {row["compound"]: row for row in answer["compounds"]}
    assert {name: row["srme"] for name, row in found.items()} == pytest.approx(SRME)
    assert found["AgCl-rs"]["kappa_300"] is None
    assert found["AgCl-rs"]["failure_kind"] == "imaginary_modes"
    (summary,) = answer["summaries"]
    assert summary["model"] == "sevennet-0"
    assert summary["summary"]["mean_srme"] == pytest.approx(sum(SRME.values()) / 4)
    assert summary["prototypes"]["rocksalt"]["mean_srme"] == pytest.approx(1.0)
    assert pq.read_table(kept).num_rows == 4
    people = call("benchmark", "--run", run, "--references", folder).out
    assert "GaAs-zb" in people
    assert "sevennet-0 · ksrme-2024" in people
    (line,) = (line for line in people.splitlines() if "mean SRME" in line)
    cells = [cell.strip() for cell in line.strip("│").split("│")]
    assert cells[1:] == [f"{sum(SRME.values()) / 4:.4g}", "1", "0.6667", "0.6667"]  # rs, wz, zb


def test_a_run_is_judged_by_the_compounds_that_are_chosen(
    call: Call, run: Path, folder: Path
) -> None:
    judge = ("benchmark", "--run", run, "--references", folder, "--json")
    one = json.loads(call(*judge, "--name", "LiBr-rs").out)
    assert [row["compound"] for row in one["compounds"]] == ["LiBr-rs"]
    two = json.loads(call(*judge, "--prototype", "wurtzite", "--prototype", "zincblende").out)
    assert {row["compound"] for row in two["compounds"]} == {"GaAs-zb", "ZnO-wz"}
    absent = call(*judge, "--name", "MgO-rs")
    assert (absent.code, "none of the 1 chosen" in absent.err) == (2, True)
    wrong = call(*judge, "--name", "nosuch")
    assert (wrong.code, "no compound 'nosuch'" in wrong.err) == (2, True)


def test_a_wrong_choice_is_told_before_anything_is_written(call: Call, tmp_path: Path) -> None:
    run = tmp_path / "run"
    wrong = call("benchmark", "--model", "sevennet-0", "--prototype", "perovskite", "--run", run)
    assert wrong.code == 2
    assert "no prototype 'perovskite'" in wrong.err
    assert not run.exists()
    forces = call("benchmark", "--forces", tmp_path, "--name", "LiBr-rs")
    assert forces.code == 2
    assert "--forces" in forces.err


def test_a_rebuilt_database_is_scored_again(scored: Path, folder: Path, call: Call) -> None:
    assert call("store", "rebuild", "--run", scored).code == 0
    with open_snapshot(scored) as snapshot:
        rows = snapshot.query(
            "SELECT srme_300 FROM benchmark WHERE status = 'complete'"
        ).to_pylist()
    assert [row["srme_300"] for row in rows] == [None, None, None]
    assert score(scored, folder).compared == 3


def test_records_of_lost_runs_go_on(scored: Path, tmp_path: Path) -> None:
    with open_snapshot(scored) as snapshot:
        table = compounds.read_compounds(snapshot)
    path = tmp_path / "benchmarks" / "benchmark-sevennet-0.parquet"
    compounds.record(table.slice(0, 2), path)
    merged = compounds.record(table.slice(1, 3), path)
    assert sorted(merged["compound"].to_pylist()) == sorted(RECORDS)
    assert pq.read_table(path).equals(merged)


def test_a_run_without_references_says_so(call: Call, tmp_path: Path) -> None:
    missing = call("benchmark", "--run", tmp_path / "nosuch")
    assert missing.code == 2
    assert "nosuch" in missing.err
    neither = call("benchmark")
    assert neither.code == 2
    assert "--model" in neither.err


def test_a_protocol_without_300_k_is_refused_before_anything_runs(
    call: Call, tmp_path: Path
) -> None:
    answer = call("benchmark", "--model", "nosuch", "--run", tmp_path / "run")
    assert answer.code == 2
    assert "no potential 'nosuch'" in answer.err
    assert not (tmp_path / "run").exists()
