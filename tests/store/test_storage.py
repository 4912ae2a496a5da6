"""A folder, memory and a bucket behind a real S3 server keep artifacts alike."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from screen.core.errors import BrokenArtifactError, SettingsError, StoreError
from screen.store import ledger
from screen.store.artifacts import Artifacts
from screen.store.layout import artifacts_folder, ledger_folder
from screen.store.location import Location, location_of, settled
from screen.store.storage import storage_at
from screen.store.tenants import Tenant, move_in, tenant_of, tenants
from tests.store.samples import LIBR, candidate, execution

ROOT = Path(__file__).parents[2]


def listing(place: Location) -> list[str]:
    return [stored.name for stored in storage_at(place).files()]


def test_a_record_is_written_found_read_and_listed(place: Location) -> None:
    artifacts = Artifacts(place)
    assert not artifacts.has("relax", "abc1")
    assert artifacts.read("relax", "abc1") is None
    assert list(artifacts.listed()) == []
    where = artifacts.write("relax", "abc1", candidate("m1"))
    assert str(where) == f"{place}/relax/ab/abc1.npz"
    assert artifacts.has("relax", "abc1")
    assert artifacts.read("relax", "abc1").crystal.digest == LIBR.digest
    ((found, stored),) = artifacts.listed()
    assert found == ("relax", "abc1")
    with artifacts.storage.open(stored.name) as handle:
        assert stored.size == len(handle.read())


def test_a_linked_record_outlives_the_first_one(place: Location) -> None:
    artifacts = Artifacts(place)
    artifacts.write("fc3_fit", "k1", candidate("m1"))
    artifacts.link(("fc3_fit", "k1"), ("fc3", "k2"))
    artifacts.link(("fc3_fit", "k1"), ("fc3", "k2"))
    artifacts.storage.delete([artifacts.name("fc3_fit", "k1")])
    assert artifacts.read("fc3_fit", "k1") is None
    assert artifacts.read("fc3", "k2").id == "m1"
    with pytest.raises(StoreError, match="cannot write the artifact"):
        artifacts.link(("fc3_fit", "k1"), ("fc3", "k3"))


def test_a_broken_record_is_set_aside_and_written_anew(place: Location) -> None:
    artifacts = Artifacts(place)
    artifacts.write("relax", "k1", candidate("m1"))
    artifacts.storage.write("relax/k1/k1.npz", lambda handle: handle.write(b"PK\3\4 torn"))
    with pytest.raises(BrokenArtifactError, match=r"k1\.npz cannot be used"):
        artifacts.read("relax", "k1")
    artifacts.set_aside("relax", "k1")
    assert not artifacts.has("relax", "k1")
    artifacts.write("relax", "k1", candidate("m2"))
    assert artifacts.read("relax", "k1").id == "m2"
    assert listing(place) == ["relax/k1/k1.broken", "relax/k1/k1.npz"]


def test_deleting_what_is_not_there_is_no_error(place: Location) -> None:
    storage = storage_at(place)
    storage.write("a/b/c.npz", lambda handle: handle.write(b"1"))
    storage.delete(["a/b/c.npz", "a/b/d.npz", "x/y/z.npz"])
    assert not storage.has("a/b/c.npz")


def test_the_ledger_grows_over_several_files_and_processes(place: Location) -> None:
    folder = place / "ledger" if isinstance(place, Path) else f"{place}/_ledger"
    assert list(ledger.read(folder)) == []
    for number in range(ledger.LINES + 3):
        ledger.append(folder, execution(f"e{number}", "m1"))
    if isinstance(folder, str):
        ledger._objects.cache_clear()  # what another process would start with
    ledger.append(folder, execution("last", "m1"))
    found = [item.execution_id for item in ledger.read(folder)]
    assert sorted(found) == sorted([*(f"e{n}" for n in range(ledger.LINES + 3)), "last"])
    assert len(listing(folder)) == (1 if isinstance(place, Path) else 3)


def test_ledger_files_become_one_table_that_reads_the_same(place: Location) -> None:
    folder = place / "ledger" if isinstance(place, Path) else f"{place}/_ledger"
    for number in range(5):
        ledger.append(folder, execution(f"e{number}", "Σ3"))
    before = sorted(str(vars(item)) for item in ledger.read(folder))
    assert ledger.compact(folder, older_than_s=3600) == 0, "its process may live"
    assert ledger.compact(folder, older_than_s=-5) == 1
    assert listing(folder) == ["compact-000001.parquet"]
    assert sorted(str(vars(item)) for item in ledger.read(folder)) == before
    ledger.append(folder, execution("e5", "m1"))
    assert ledger.compact(folder, older_than_s=-5) == 1
    assert len(list(ledger.read(folder))) == 6


def test_a_killed_ledger_compaction_counts_no_line_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        ledger.append(tmp_path, execution(f"e{number}", "m1"))
    with monkeypatch.context() as patch:
        patch.setattr("screen.store.folder.Folder.delete", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            ledger.compact(tmp_path, older_than_s=-5)
    assert len(listing(tmp_path)) == 2
    ledger.append(tmp_path, execution("e5", "m1"))
    assert len(list(ledger.read(tmp_path))) == 6
    ledger.compact(tmp_path, older_than_s=-5)
    assert len(list(ledger.read(tmp_path))) == 6


def test_writers_of_other_processes_reach_the_same_bucket(s3: None) -> None:
    from tests.store.places import bucket

    url = bucket()
    program = (
        "import sys; from screen.store.artifacts import Artifacts; "
        "from tests.store.samples import candidate; "
        "Artifacts(sys.argv[1]).write('relax', 'k1', candidate('from afar'))"
    )
    subprocess.run([sys.executable, "-c", program, url], cwd=ROOT, env=os.environ, check=True)
    assert Artifacts(url).read("relax", "k1").id == "from afar"


def test_a_bucket_that_is_not_there_is_named(s3: None) -> None:
    artifacts = Artifacts("s3://nobody/x")
    with pytest.raises(StoreError, match=r"cannot write.*s3://nobody/x/relax.*bucket"):
        artifacts.write("relax", "k1", candidate("m1"))


def test_a_lost_connection_is_no_absent_record(s3: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from screen.store.bucket import _connected

    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    _connected.cache_clear()
    try:
        with pytest.raises(StoreError, match="cannot look for the artifact"):
            Artifacts("s3://shelf/x").has("relax", "k1")
    finally:
        _connected.cache_clear()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://key:secret@shelf/x", "environment"),
        ("s3://", "names no bucket"),
    ],
)
def test_a_place_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        location_of(text)
    assert "secret@" not in str(caught.value)


def test_an_unknown_kind_of_place_says_so() -> None:
    with pytest.raises(StoreError, match=r"nowhere://x.*nowhere"):
        Artifacts("nowhere://x").has("relax", "k1")


def test_a_run_remembers_where_its_artifacts_are(tmp_path: Path) -> None:
    run, shelf = tmp_path / "run", tmp_path / "shelf"
    assert move_in(run, str(shelf)) == shelf
    assert artifacts_folder(run) == shelf
    assert ledger_folder(run) == run / "ledger"
    assert move_in(run, None) == shelf
    with pytest.raises(StoreError, match=r"keeps its artifacts in .*shelf.*ARTIFACTS"):
        settled(run, "s3://shelf/x")
    assert list(tenants(shelf).values()) == [tenant_of(run, shelf)]


def test_a_run_that_keeps_its_own_artifacts_needs_no_pointer(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert move_in(run, None) == run / "artifacts"
    assert move_in(run, str(run / "artifacts")) == run / "artifacts"
    assert not run.exists()
    (run / "artifacts").mkdir(parents=True)
    with pytest.raises(StoreError, match="keeps its artifacts in"):
        move_in(run, str(tmp_path / "shelf"))


def test_runs_in_a_bucket_keep_their_names_and_the_ledger_there(s3: None, tmp_path: Path) -> None:
    from tests.store.places import bucket

    url = bucket()
    for name in ("one", "two"):
        move_in(tmp_path / name, url)
    assert {Path(tenant.run).name for tenant in tenants(url).values()} == {"one", "two"}
    assert all(isinstance(tenant, Tenant) for tenant in tenants(url).values())
    places = {str(ledger_folder(tmp_path / name)) for name in ("one", "two")}
    assert len(places) == 2
    assert all(place.startswith(f"{url}/_ledger/") for place in places)
    assert list(Artifacts(url).listed()) == [], "names of runs are no artifacts"
