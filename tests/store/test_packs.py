"""Packs: small files in one archive, read as if they were files; killed at any point."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from screen.core.errors import BrokenArtifactError, StoreError
from screen.store.artifacts import Artifacts
from screen.store.compact import broken_packs, pack
from screen.store.garbage import delete, garbage
from screen.store.packs import PACK
from screen.store.verify import verify
from tests.store.samples import candidate

ROOT = Path(__file__).parents[2]
KEYS = [f"{prefix}{number}" for prefix in ("aa", "ab") for number in range(6)]


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    """Twelve records in two folders."""
    found = Artifacts(tmp_path / "artifacts")
    for key in KEYS:
        found.write("relax", key, candidate(key))
    return found


def folder(artifacts: Artifacts) -> Path:
    assert isinstance(artifacts.folder, Path)
    return artifacts.folder


def loose(artifacts: Artifacts) -> list[str]:
    return sorted(path.stem for path in folder(artifacts).glob("*/*/*.npz"))


def assert_whole(artifacts: Artifacts) -> None:
    assert sorted(key for (_, key), _ in artifacts.listed()) == KEYS
    for key in KEYS:
        assert artifacts.has("relax", key)
        record = artifacts.read("relax", key)
        assert record is not None
        assert record.id == key


def test_packed_records_read_as_before(artifacts: Artifacts) -> None:
    sizes = {place: stored.size for place, stored in artifacts.listed()}
    assert pack(artifacts) == 12
    assert loose(artifacts) == []
    assert len(list(folder(artifacts).glob("relax/*/*"))) == 2
    assert_whole(artifacts)
    assert {place: stored.size for place, stored in artifacts.listed()} == sizes
    assert not artifacts.has("relax", "aa9")
    assert artifacts.read("relax", "aa9") is None


def test_what_comes_later_is_packed_too(artifacts: Artifacts) -> None:
    for key in KEYS[3:]:
        (folder(artifacts) / "relax" / key[:2] / f"{key}.npz").unlink()
    assert pack(artifacts) == 3
    for key in KEYS[3:]:
        artifacts.write("relax", key, candidate(key))
    assert_whole(artifacts)
    assert pack(artifacts) == 9
    assert pack(artifacts) == 0
    assert_whole(artifacts)


def test_large_records_stay_files(artifacts: Artifacts) -> None:
    assert pack(artifacts, largest=10) == 0
    assert loose(artifacts) == KEYS


def test_unzip_gives_the_files_back(artifacts: Artifacts, tmp_path: Path) -> None:
    path = folder(artifacts) / "relax" / "aa"
    before = {file.name: file.read_bytes() for file in path.glob("*.npz")}
    pack(artifacts)
    with zipfile.ZipFile(path / PACK) as archive:
        archive.extractall(tmp_path / "out")
    assert {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize("step", ["write", "unlink", "sync"])
def test_a_kill_between_any_two_steps_of_packing_loses_nothing(
    artifacts: Artifacts, step: str
) -> None:
    command = [sys.executable, "-m", "tests.store.packer", str(artifacts.folder), step]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == -signal.SIGKILL
    assert_whole(artifacts)
    pack(artifacts)
    assert loose(artifacts) == []
    assert_whole(artifacts)


def test_a_broken_member_is_set_aside_computed_again_and_leaves_the_pack(
    artifacts: Artifacts,
) -> None:
    broken = folder(artifacts) / "relax" / "aa" / "aa1.npz"
    broken.write_bytes(b"PK\3\4 torn")
    pack(artifacts)
    with pytest.raises(BrokenArtifactError, match="aa1"):
        artifacts.read("relax", "aa1")
    artifacts.set_aside("relax", "aa1")
    assert broken.with_suffix(".broken").read_bytes() == b"PK\3\4 torn"
    assert not artifacts.has("relax", "aa1")
    assert artifacts.read("relax", "aa1") is None
    artifacts.write("relax", "aa1", candidate("aa1"))
    assert_whole(artifacts)
    pack(artifacts)
    assert_whole(artifacts)
    artifacts.storage.delete(["relax/aa/aa1.broken"])
    assert_whole(artifacts)
    pack(artifacts)
    assert_whole(artifacts)


def test_a_packed_record_can_be_linked_and_deleted(artifacts: Artifacts) -> None:
    pack(artifacts)
    artifacts.link(("relax", "aa0"), ("fc3", "aa0"))
    artifacts.storage.delete(["relax/aa/aa0.npz", "relax/aa/aa1.npz"])
    assert not artifacts.has("relax", "aa0")
    assert artifacts.read("relax", "aa2").id == "aa2"
    assert artifacts.read("fc3", "aa0").id == "aa0"
    artifacts.storage.delete([f"relax/ab/{key}.npz" for key in KEYS[6:]])
    assert not (folder(artifacts) / "relax" / "ab" / PACK).exists()


def test_a_garbled_pack_says_so(artifacts: Artifacts) -> None:
    pack(artifacts)
    path = folder(artifacts) / "relax" / "aa" / PACK
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(StoreError, match=r"aa/packed\.zip is broken"):
        artifacts.has("relax", "aa0")


DAMAGE = {
    "truncated": lambda content: content[:-30],
    "torn in the middle": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "longer": lambda content: content + b"\0",
    "its directory lost": lambda content: content[:-400] + b"\0" * 330 + content[-70:],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_one_broken_pack_hides_nothing_else_from_anybody(artifacts: Artifacts, damage: str) -> None:
    pack(artifacts)
    path = folder(artifacts) / "relax" / "aa" / PACK
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    places = {("relax", key) for key in KEYS}
    inside = {place for place in places if place[1].startswith("aa")}
    artifacts.write("relax", "aazz", candidate("beside it"))
    verdict = verify(artifacts, places, ())
    assert list(verdict.packs) == [f"relax/aa/{PACK}"]
    assert "is broken" in verdict.packs[f"relax/aa/{PACK}"]
    assert set(verdict.missing) == inside
    assert verdict.checked == len(places - inside) + 1
    assert garbage(artifacts, places | {("relax", "aazz")}, (), older_than_s=-5) == []
    delete(artifacts, garbage(artifacts, places, (), older_than_s=-5))
    assert not (path.parent / "aazz.npz").exists()
    artifacts.write("relax", "abzz", candidate("beside a good one"))
    assert pack(artifacts) == 1, "what lies in other folders"
    assert broken_packs(artifacts) == [path.parent]
    artifacts.storage.set_aside(f"relax/aa/{PACK}")
    verdict = verify(artifacts, places, ())
    assert verdict.packs == {}
    assert set(verdict.missing) == inside
    for stage, key in inside:
        assert not artifacts.has(stage, key)
        artifacts.write(stage, key, candidate(key))
    assert not verify(artifacts, places, ()).damaged
    (found,) = garbage(artifacts, {*places, ("relax", "abzz")}, (), older_than_s=-5)
    assert (found.kind, found.stored.name) == ("set aside", "relax/aa/packed.broken")
    pack(artifacts)
    delete(artifacts, [found])
    assert not verify(artifacts, places, ()).damaged


def test_a_member_of_a_broken_pack_can_be_set_aside_and_computed_again(
    artifacts: Artifacts,
) -> None:
    """As a worker does that meets one."""
    pack(artifacts)
    path = folder(artifacts) / "relax" / "aa" / PACK
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(BrokenArtifactError, match=r"packed\.zip is broken"):
        artifacts.read("relax", "aa0")
    artifacts.set_aside("relax", "aa0")
    artifacts.write("relax", "aa0", candidate("aa0"))
    assert artifacts.read("relax", "aa0").id == "aa0"


def test_readers_never_miss_a_record_while_packs_are_made(artifacts: Artifacts) -> None:
    """Packing, unpacking by writing anew, packing: the reader asks all the time."""
    missed, stop = [], threading.Event()

    def read() -> None:
        while not stop.is_set():
            missed.extend(key for key in KEYS if artifacts.read("relax", key) is None)

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        pack(artifacts)
        for key in KEYS[::2]:
            artifacts.write("relax", key, candidate(key))
    stop.set()
    reader.join()
    assert missed == []
