"""The writer: outcomes in, published rows out, in whole transactions."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen.core.errors import StoreError
from screen.core.records import Failure, Rejected
from screen.store.database import Writer, open_snapshot
from screen.store.schema import OUTCOME_KEY_NAMES
from tests.store.samples import (
    LIBR,
    MODEL,
    PROPERTIES,
    PROTOCOL,
    candidate,
    execution,
    failed,
    outcome,
    rows_of,
)

NOTHING: frozenset[str] = frozenset()


def published(writer: Writer, sql: str) -> list[dict[str, Any]]:
    """Publish and query."""
    writer.publish()
    with open_snapshot(writer.run) as snapshot:
        rows: list[dict[str, Any]] = snapshot.query(sql).to_pylist()
        return rows


def everything(writer: Writer) -> dict[str, list[dict[str, Any]]]:
    """All rows that outcomes decide."""
    tables = ("outcomes", "failures", "costs", *PROPERTIES)
    writer.publish()
    with open_snapshot(writer.run) as snapshot:
        return {name: snapshot.query(f"FROM {name} ORDER BY ALL").to_pylist() for name in tables}


def test_the_promised_query_works(writer: Writer) -> None:
    writer.add_candidates([candidate("m1")])
    writer.upsert([outcome("m1", kappa=1.5)])
    assert published(writer, "SELECT formula, kappa_300, expansion_300 FROM results") == [
        {"formula": "LiBr", "kappa_300": 1.5, "expansion_300": 2e-5}
    ]


def test_results_hold_what_and_how(writer: Writer) -> None:
    known = {
        **{"prototype": "rocksalt", "band_gap": 5.0, "theoretical": True},
        **{"magnetic_ordering": "NM", "citation": "Jain, 2013"},
    }
    writer.add_candidates([candidate("m1", **known)])
    writer.upsert([outcome("m1")])
    (row,) = published(writer, "FROM results")
    assert {name: row[name] for name in known} == known
    assert list(row)[:6] == ["material_id", "formula", "source", "n_atoms", "elements", "status"]
    assert row["elements"] == ["Br", "Li"]
    assert (row["model"], row["protocol"]) == ("springs-1", "quick")
    assert (row["model_digest"], row["protocol_digest"]) == (MODEL, PROTOCOL)
    assert (row["status"], row["failure_stage"], row["failure_message"]) == ("complete", None, None)
    assert (row["wall_s"], row["cpu_s"]) == (10.0, 9.0)
    assert row["finished_at"] == datetime(2026, 11, 22, 10, 0, 10)  # naive UTC
    assert json.loads(row["versions"]) == {"phono3py": "4.10"}


def test_columns_of_the_same_name_carry_their_property(writer: Writer) -> None:
    writer.upsert([outcome("m1")])
    (row,) = published(writer, "FROM results")
    assert (row["conductivity_solver"], row["expansion_solver"]) == ("phono3py", "fc3")
    assert "solver" not in row
    assert not {"temperatures", "kappa", "grid_points"} & row.keys(), (
        "lists stay in their own table"
    )


def test_a_material_keeps_its_cell(writer: Writer) -> None:
    writer.add_candidates([candidate("m1")])
    (row,) = published(writer, "FROM materials")
    assert np.array_equal(row["lattice"], LIBR.lattice)
    assert np.array_equal(row["fractional"], LIBR.fractional)
    assert (row["numbers"], row["n_atoms"], row["crystal_digest"]) == ([3, 35], 2, LIBR.digest)


def test_curves_and_tensors_read_back(writer: Writer) -> None:
    writer.upsert([outcome("m1", kappa=3.0)])
    (row,) = published(writer, "SELECT *, kappa_tensor[2][3] AS zz FROM conductivity")
    assert row["kappa"] == [4.5, 3.0, 2.25]
    assert row["kappa_tensor"][1] == [3.0, 3.0, 3.0, 0.0, 0.0, 0.0]
    assert row["zz"] == 3.0
    assert (row["mesh"], row["grid_points"]) == ("19×19×19", [0, 1, 19])


def test_failed_numbers_are_null(writer: Writer) -> None:
    rows = rows_of(1.0)
    rows["conductivity"] |= {"kappa_300": float("nan"), "kappa": np.array([1.0, np.nan, np.inf])}
    rows["stability"] = {"stable": np.False_, "min_frequency": -np.inf, "space_group": np.int64(2)}
    writer.upsert([outcome("m1", rows=rows)])
    (row,) = published(writer, "FROM conductivity JOIN stability USING (material_id)")
    assert (row["kappa_300"], row["kappa"]) == (None, [1.0, None, None])
    assert (row["stable"], row["min_frequency"], row["space_group"]) == (False, None, 2)


def test_upsert_is_idempotent(writer: Writer) -> None:
    outcomes = [outcome("m1"), outcome("m2", kappa=7.0), failed("m3")]
    writer.upsert(outcomes)
    once = everything(writer)
    writer.upsert(outcomes)
    assert {name: rows for name, rows in everything(writer).items() if name != "outcomes"} == {
        name: rows for name, rows in once.items() if name != "outcomes"
    }
    assert len(once["outcomes"]) == 3


def test_rows_depend_on_the_last_outcome_alone(run: Path, tmp_path: Path) -> None:
    """A database can be rebuilt from outcomes: history leaves no trace but costs."""
    last = outcome("m1", rows={"stability": rows_of(1.0)["stability"]})
    with Writer(run, PROPERTIES) as lived, Writer(tmp_path / "fresh", PROPERTIES) as rebuilt:
        lived.upsert([failed("m1"), outcome("m2")])
        lived.upsert([outcome("m1", kappa=9.0)])
        lived.upsert([last, outcome("m2")])
        rebuilt.upsert([last, outcome("m2")])
        assert everything(lived) == everything(rebuilt)


def test_a_rerun_that_succeeds_removes_the_failure(writer: Writer) -> None:
    writer.upsert([failed("m1"), failed("m2")])
    writer.upsert([outcome("m1")])
    left = published(writer, "SELECT material_id FROM failures")
    assert left == [{"material_id": "m2"}]
    statuses = published(writer, "SELECT material_id, status FROM results ORDER BY 1")
    assert [row["status"] for row in statuses] == ["complete", "failed"]


def test_a_rerun_that_fails_removes_the_property_rows(writer: Writer) -> None:
    writer.upsert([outcome("m1"), outcome("m2")])
    writer.upsert([failed("m1")])
    assert published(writer, "SELECT material_id FROM conductivity") == [{"material_id": "m2"}]


def test_the_last_of_two_equal_keys_in_a_batch_stands(writer: Writer) -> None:
    writer.upsert([failed("m1"), outcome("m1", kappa=2.0)])
    assert published(writer, "SELECT status, kappa_300 FROM results") == [
        {"status": "complete", "kappa_300": 2.0}
    ]


def test_the_first_failure_stands_in_results(writer: Writer) -> None:
    failures = (
        Failure("fc3", "force_constants", "no fit"),
        Failure("expansion", "expansion", "negative bulk modulus", "Traceback"),
        Failure("fc3", "force_constants", "said twice"),
    )
    writer.upsert([outcome("m1", failures=failures)])
    (row,) = published(writer, "FROM results")
    assert (row["status"], row["failure_stage"], row["failure_message"]) == (
        "partial",
        "fc3",
        "no fit",
    )
    found = published(writer, "SELECT stage, message, traceback FROM failures ORDER BY position")
    assert [tuple(item.values()) for item in found] == [
        ("fc3", "no fit", None),
        ("expansion", "negative bulk modulus", "Traceback"),
    ]


def test_nothing_of_a_bad_batch_is_stored(writer: Writer) -> None:
    bad = outcome("m2", rows={"stability": {"min_frequency": "soft"}})
    with pytest.raises(StoreError, match=r"stability\.min_frequency of m2 is 'soft', not DOUBLE"):
        writer.upsert([outcome("m1"), bad])
    assert published(writer, "FROM outcomes") == []


def test_undeclared_names_are_refused(writer: Writer) -> None:
    with pytest.raises(StoreError, match="m1 has rows of magnetism"):
        writer.upsert([outcome("m1", rows={"magnetism": {}})])
    with pytest.raises(StoreError, match="stability has no column mood"):
        writer.upsert([outcome("m1", rows={"stability": {"mood": 1}})])


def test_an_error_of_the_database_rolls_back_and_leaves_the_writer_usable(writer: Writer) -> None:
    writer._connection.execute("ALTER TABLE expansion RENAME COLUMN solver TO moved")
    with pytest.raises(StoreError, match="solver"):
        writer.upsert([outcome("m1")])
    writer._connection.execute("ALTER TABLE expansion RENAME COLUMN moved TO solver")
    writer.upsert([outcome("m2")])
    assert published(writer, "SELECT material_id FROM outcomes") == [{"material_id": "m2"}]


def test_an_empty_batch_changes_nothing(writer: Writer) -> None:
    writer.upsert([])
    writer.add_candidates([])
    writer.add_executions([])
    assert published(writer, "FROM results") == []


def test_executions_are_counted_once(writer: Writer) -> None:
    writer.add_executions([execution("e1", "m1"), execution("e1", "m1")])
    writer.add_executions([execution("e1", "m1")], MODEL, PROTOCOL)
    writer.add_executions([execution("e1", "m1")])
    (row,) = published(writer, "FROM costs")
    assert (row["model_digest"], row["wall_s"], row["evaluations"]) == (MODEL, 10.0, 4)
    assert row["started_at"] == datetime(2026, 11, 22, 10)  # naive UTC


def test_a_cost_that_only_the_ledger_has_goes_to_the_outcome_of_its_artifact(
    writer: Writer,
) -> None:
    lost = execution("lost", "m1", stage="fc2", artifact="k2")
    other = execution("other", "m1", stage="fc2", artifact="of another protocol")
    writer.add_executions([lost, other])
    writer.upsert([outcome("m1", executions=(execution("e1", "m1"),))])
    assert published(writer, "SELECT wall_s FROM results") == [{"wall_s": 20.0}]
    late = execution("late", "m1", stage="relax", artifact="k1")
    writer.add_executions([late])
    assert published(writer, "SELECT wall_s FROM results") == [{"wall_s": 30.0}]


def test_finished_leaves_out_what_is_to_be_retried(writer: Writer) -> None:
    writer.upsert([outcome("m1"), failed("m2", "worker_lost"), failed("m3", "relaxation")])
    writer.upsert([outcome("m4", model="another")])
    assert writer.finished(MODEL, PROTOCOL, NOTHING) == {"m1", "m2", "m3"}
    assert writer.finished(MODEL, PROTOCOL, frozenset({"worker_lost"})) == {"m1", "m3"}
    assert writer.finished("unknown", PROTOCOL, NOTHING) == set()


def test_finished_leaves_out_a_material_whose_crystal_has_changed(writer: Writer) -> None:
    writer.add_candidates([candidate("m1"), candidate("m2")])
    writer.upsert([outcome("m1"), outcome("m2", crystal_digest="of an older structure")])
    assert writer.finished(MODEL, PROTOCOL, NOTHING) == {"m1"}


def test_finished_leaves_out_a_material_that_lacks_a_new_property(writer: Writer) -> None:
    some = {name: row for name, row in rows_of(1.0).items() if name != "expansion"}
    writer.upsert([outcome("m1"), outcome("m2", rows=some), failed("m3")])
    wanted = ["conductivity", "expansion"]
    assert writer.finished(MODEL, PROTOCOL, NOTHING, ["conductivity"]) == {"m1", "m2", "m3"}
    assert writer.finished(MODEL, PROTOCOL, NOTHING, wanted) == {"m1", "m3"}
    with pytest.raises(StoreError, match="magnetism"):
        writer.finished(MODEL, PROTOCOL, NOTHING, ["magnetism"])


def test_a_rejected_entry_is_a_material_without_crystal(writer: Writer) -> None:
    writer.add_candidates([Rejected("bad.cif", "files", "unreadable_file", "no atoms")])
    writer.upsert([failed("bad.cif", "unreadable_file", "source")])
    lone = outcome("worse.cif", failures=(Failure("source", "k", "m"),), rows={})
    writer.upsert([lone])
    rows = published(writer, "SELECT material_id, formula, source FROM results ORDER BY 1")
    assert [tuple(row.values()) for row in rows] == [
        ("bad.cif", None, "files"),
        ("worse.cif", None, None),
    ]


def test_a_rejected_entry_is_finished(writer: Writer) -> None:
    writer.add_candidates([Rejected("bad.cif", "files", "unreadable_file", "no atoms")])
    failure = (Failure("source", "unreadable_file", "no atoms"),)
    writer.upsert([outcome("bad.cif", failures=failure, rows={}, crystal_digest=None)])
    assert writer.finished(MODEL, PROTOCOL, NOTHING) == {"bad.cif"}


def test_a_candidate_may_be_given_again(writer: Writer) -> None:
    writer.add_candidates([candidate("m1"), candidate("m1", band_gap=1.0)])
    writer.add_candidates([candidate("m1", band_gap=2.0)])
    assert published(writer, "SELECT band_gap FROM materials") == [{"band_gap": 2.0}]


def test_20000_outcomes_go_in_at_once(writer: Writer) -> None:
    outcomes = [outcome(f"m{number}", kappa=float(number)) for number in range(20_000)]
    writer.upsert(outcomes)
    (row,) = published(writer, "SELECT count(*) AS n, sum(kappa_300) AS total FROM results")
    assert row == {"n": 20_000, "total": 19_999 * 10_000.0}


def test_the_view_lists_every_outcome_once(writer: Writer) -> None:
    writer.upsert([outcome("m1"), outcome("m1", model="another"), failed("m2")])
    keys = ", ".join(OUTCOME_KEY_NAMES)
    rows = published(writer, f"SELECT {keys} FROM results")
    assert len(rows) == len({tuple(row.values()) for row in rows}) == 3


def test_a_writer_without_properties_works(run: Path) -> None:
    with Writer(run) as writer:
        writer.upsert([outcome("m1", rows={})])
        assert published(writer, "SELECT status FROM results") == [{"status": "complete"}]


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot create the run folder"):
        Writer(tmp_path / "file" / "run")


def test_a_broken_database_is_named_with_the_way_out(run: Path) -> None:
    run.mkdir()
    (run / "campaign.duckdb").write_bytes(b"this is no database" * 1000)
    with pytest.raises(StoreError, match=r"campaign\.duckdb.*move it away and run"):
        Writer(run)
