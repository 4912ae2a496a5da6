"""A run is known again from any host and path; a copy of its folder is another run."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest

from screen.core.errors import StoreError
from screen.store import tenants as tenancy
from screen.store.location import Location
from screen.store.tenants import FOLDER, ID, Tenant, move_in, tenant_of, tenants


def foreign(run: Path, place: Location) -> list[str]:
    """Files of the tenants that ``gc`` of a run alone would refuse for."""
    own = tenant_of(run, place).names
    return [name for name, tenant in tenants(place).items() if tenant.name not in own]


def test_another_host_and_another_path_are_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a second login node, which mounts the folder elsewhere."""
    run, shelf = tmp_path / "home" / "run", tmp_path / "shelf"
    move_in(run, str(shelf))
    (tmp_path / "mounted").symlink_to(tmp_path / "home")
    elsewhere = tmp_path / "moved"
    monkeypatch.setattr(socket, "gethostname", lambda: "login2")
    assert foreign(tmp_path / "mounted" / "run", shelf) == []
    run.rename(elsewhere)
    assert foreign(elsewhere, shelf) == []
    move_in(elsewhere, None)
    (found,) = tenants(shelf).values()
    assert (found.host, found.run) == ("login2", str(elsewhere))


def test_a_copy_of_a_run_is_another_run(tmp_path: Path) -> None:
    run, copy, shelf = tmp_path / "run", tmp_path / "copy", tmp_path / "shelf"
    move_in(run, str(shelf))
    shutil.copytree(run, copy)
    assert tenant_of(copy, shelf).id is None
    assert len(foreign(copy, shelf)) == 1, "gc of the copy must not delete what the run wants"
    move_in(copy, None)
    assert len(tenants(shelf)) == 2
    assert len(foreign(run, shelf)) == len(foreign(copy, shelf)) == 1
    move_in(copy, None)
    move_in(run, None)
    assert len(tenants(shelf)) == 2


def test_on_a_file_system_without_lasting_inodes_host_and_path_tell(tmp_path: Path) -> None:
    run, shelf = tmp_path / "run", tmp_path / "shelf"
    move_in(run, str(shelf))
    before = json.loads((run / ID).read_bytes())
    (run / ID).write_text(json.dumps({**before, "inode": 1}))
    assert foreign(run, shelf) == []
    move_in(run, None)
    assert len(tenants(shelf)) == 1
    assert json.loads((run / ID).read_bytes())["id"] == before["id"]


def test_a_run_that_an_earlier_program_registered_knows_itself(tmp_path: Path) -> None:
    run, shelf = tmp_path / "run", tmp_path / "shelf"
    move_in(run, str(shelf))
    old = {"host": socket.gethostname(), "run": str(run)}
    (shelf / FOLDER / "0123.json").write_text(json.dumps(old))
    assert foreign(run, shelf) == []
    (shelf / FOLDER / "0123.json").write_text(json.dumps({**old, "host": "gone"}))
    assert foreign(run, shelf) == [f"{FOLDER}/0123.json"]


def test_a_new_run_in_the_place_of_a_deleted_one_is_another(tmp_path: Path) -> None:
    run, shelf = tmp_path / "run", tmp_path / "shelf"
    move_in(run, str(shelf))
    (gone,) = tenants(shelf)
    shutil.rmtree(run)
    move_in(run, str(shelf))
    assert foreign(run, shelf) == [gone]


def test_in_a_bucket_it_is_the_same(s3: None, tmp_path: Path) -> None:
    from tests.store.places import bucket

    url = bucket()
    move_in(tmp_path / "one", url)
    move_in(tmp_path / "two", url)
    assert all(isinstance(tenant, Tenant) for tenant in tenants(url).values())
    assert len(foreign(tmp_path / "one", url)) == 1
    (tmp_path / "one" / ID).unlink()
    assert len(foreign(tmp_path / "one", url)) == 2, "nothing says that it is the first one"


def test_a_garbled_identifier_says_so(tmp_path: Path) -> None:
    run, shelf = tmp_path / "run", tmp_path / "shelf"
    move_in(run, str(shelf))
    (run / tenancy.ID).write_text("{}")
    with pytest.raises(StoreError, match=r"cannot read .*RUN_ID"):
        tenant_of(run, shelf)
