"""The manifest holds what no artifact does, and nothing twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from screen.core.errors import StoreError
from screen.core.records import Candidate, Hints, Metadata, Rejected
from screen.core.settings import PROTOCOLS
from screen.store import rows
from screen.store.database import Writer, open_snapshot
from screen.store.frames import table_of
from screen.store.manifest import manifest_of
from screen.store.schema import MATERIALS
from tests.store.samples import IDENTITY, LIBR, MODEL, PROPERTIES, candidate, failed, outcome


def test_only_candidates_that_are_new_or_changed_are_written(writer: Writer, run: Path) -> None:
    manifest = manifest_of(run)
    found = [candidate(f"m{n}", band_gap=float(n)) for n in range(5)]
    writer.add_candidates([*found, Rejected("bad", "files", "unreadable_file", "no CIF")])
    writer.add_candidates(found)
    assert [len(table) for table in manifest.materials()] == [6]
    hints = Hints(mesh=np.array([19, 19, 19]))
    writer.add_candidates([found[0], Candidate("m1", "files", LIBR, hints)])
    (_, changed) = manifest.materials()
    assert changed["material_id"].to_pylist() == ["m1"]
    assert json.loads(changed["hints"].to_pylist()[0]) == {"mesh": [19, 19, 19]}


@pytest.mark.parametrize(
    "given",
    [
        candidate("m1", band_gap=5.25, prototype="rocksalt"),
        Candidate("Σ", "files", LIBR, Hints(np.eye(3, dtype=int) * 2, None, np.array([9, 9, 7]))),
    ],
)
def test_a_candidate_reads_back_from_its_row(given: Candidate) -> None:
    frame = table_of(MATERIALS.name, MATERIALS.columns, [rows.material_row(given)])
    found = rows.candidate_of(frame.to_pylist()[0])
    assert found is not None
    assert (found.id, found.source) == (given.id, given.source)
    assert found.crystal.digest == given.crystal.digest
    assert vars(found.metadata) == vars(given.metadata)
    for name, hint in vars(given.hints).items():
        np.testing.assert_array_equal(getattr(found.hints, name), hint)


def test_a_rejected_entry_is_no_candidate() -> None:
    rejected = rows.material_row(Rejected("bad", "files", "unreadable_file", "no CIF"))
    frame = table_of(MATERIALS.name, MATERIALS.columns, [rejected])
    assert rows.candidate_of(frame.to_pylist()[0]) is None
    assert set(vars(Metadata())) < {column.name for column in MATERIALS.columns}


def test_every_outcome_leaves_its_head(writer: Writer, run: Path) -> None:
    writer.upsert([outcome("m1"), failed("m2")])
    writer.upsert([failed("m1", kind="worker_lost")])
    heads = list(manifest_of(run).heads())
    assert [head.key[0] for head in heads] == ["m1", "m2", "m1"]
    assert heads[0].properties == ["stability", "conductivity", "expansion"]
    assert heads[0].executions == ["e-m1"]
    assert heads[2].failures[0]["kind"] == "worker_lost"
    assert manifest_of(run).compact() == 1
    heads = list(manifest_of(run).heads())
    assert [(head.key[0], head.outcome["status"]) for head in heads] == [
        ("m1", "failed"),
        ("m2", "failed"),
    ]
    assert heads[0].executions == ["e-m1"]


def test_a_torn_line_is_skipped_and_does_not_swallow_the_next(writer: Writer, run: Path) -> None:
    writer.upsert([outcome("m1")])
    path = run / "manifest" / "outcomes.jsonl"
    path.write_bytes(path.read_bytes()[:-40])
    writer.upsert([outcome("m2")])
    assert [head.key[0] for head in manifest_of(run).heads()] == ["m2"]


def test_an_outcome_that_cannot_be_stored_leaves_no_head(writer: Writer, run: Path) -> None:
    with pytest.raises(StoreError, match="hardness"):
        writer.upsert([outcome("m1", rows={"hardness": {"value": 1.0}})])
    with pytest.raises(StoreError, match="stable"):
        writer.upsert([outcome("m1", rows={"stability": {"stable": "perhaps"}})])
    assert list(manifest_of(run).heads()) == []


def test_a_run_of_a_program_without_manifests_gets_one(run: Path) -> None:
    with Writer(run, PROPERTIES) as writer:
        writer.add_model(MODEL, IDENTITY)
        writer.add_protocol(PROTOCOLS["quick"])
        writer.add_candidates([candidate("m1"), candidate("m2")])
        writer.upsert([outcome("m1"), failed("m2")])
    manifest = manifest_of(run)
    before = {head.key: head for head in manifest.heads()}
    materials, models = next(iter(manifest.materials())), manifest.rows("models")
    protocols = manifest.rows("protocols")
    shutil.rmtree(manifest.folder)
    Writer(run, PROPERTIES).close()
    assert {head.key: head for head in manifest.heads()}.keys() == before.keys()
    for head in manifest.heads():
        assert dict(head.outcome) == dict(before[head.key].outcome)
        assert list(head.executions) == list(before[head.key].executions)
        assert sorted(head.properties) == sorted(before[head.key].properties)
        assert [f["kind"] for f in head.failures] == [f["kind"] for f in before[head.key].failures]
    assert manifest.rows("protocols") == protocols
    assert [{k: v for k, v in row.items() if v is not None} for row in manifest.rows("models")] == (
        models
    )
    (again,) = manifest.materials()
    assert sorted(map(str, again.to_pylist())) == sorted(map(str, materials.to_pylist()))


def test_a_disk_that_is_full_stores_neither_head_nor_row(writer: Writer, run: Path) -> None:
    (run / "manifest" / "outcomes.jsonl").mkdir()
    with pytest.raises(StoreError, match=r"cannot write .*outcomes\.jsonl"):
        writer.upsert([outcome("m1")])
    writer.publish()
    with open_snapshot(run) as snapshot:
        assert len(snapshot.query("FROM outcomes")) == 0
