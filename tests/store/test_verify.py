"""Damage is found wherever it is done, and nothing else is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from screen.core.records import ForceConstants
from screen.store.artifacts import Artifacts
from screen.store.compact import pack
from screen.store.garbage import delete, garbage
from screen.store.location import Location
from screen.store.verify import verify
from tests.store.samples import candidate
from tests.store.test_artifacts import SAMPLES

KEYS = [f"{number:02d}ab" for number in range(30)]
PLACES = {("relax", key) for key in KEYS}


def filled(place: Location) -> Artifacts:
    """Thirty different records of very different length."""
    artifacts = Artifacts(place)
    long = next(record for record in SAMPLES if isinstance(record, ForceConstants))
    for number, key in enumerate(KEYS):
        artifacts.write("relax", key, long if number % 3 == 0 else candidate(key * number))
    return artifacts


def test_what_is_whole_is_whole(place: Location) -> None:
    verdict = verify(filled(place), PLACES, ())
    assert not verdict.damaged
    assert verdict.checked == 30
    assert verdict.orphaned == []


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("packed", [False, True])
def test_exactly_what_was_damaged_is_named(tmp_path: Path, seed: int, packed: bool) -> None:
    """Any byte flipped, any truncation, any deletion."""
    artifacts, dice = filled(tmp_path), random.Random(seed)
    chosen = dice.sample(KEYS, 9)
    paths = {key: Path(str(artifacts.path("relax", key))) for key in chosen}
    for key in chosen[:6]:
        content = bytearray(paths[key].read_bytes())
        if key in chosen[:3]:
            content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        else:
            del content[dice.randrange(len(content)) :]
        paths[key].write_bytes(content)
    for key in chosen[6:]:
        paths[key].unlink()
    if packed:
        pack(artifacts)
    verdict = verify(artifacts, PLACES, ())
    assert sorted(verdict.broken) == sorted(("relax", key) for key in chosen[:6])
    assert verdict.missing == sorted(("relax", key) for key in chosen[6:])
    assert verdict.damaged


def test_every_byte_and_every_length_is_guarded(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    path = Path(str(artifacts.write("relax", "k1", candidate("m1"))))
    whole = path.read_bytes()
    for index in range(len(whole)):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 4]) + whole[index + 1 :])
        assert verify(artifacts, (), ()).broken, f"byte {index}"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert verify(artifacts, (), ()).broken, f"length {length}"


def test_a_damaged_object_is_named(s3: None) -> None:
    from tests.store.places import bucket

    artifacts = filled(bucket())
    artifacts.storage.write("relax/00/00ab.npz", lambda handle: handle.write(b"torn"))
    artifacts.storage.delete(["relax/01/01ab.npz"])
    verdict = verify(artifacts, PLACES, ())
    assert list(verdict.broken) == [("relax", "00ab")]
    assert verdict.missing == [("relax", "01ab")]


def test_a_record_of_a_program_without_digests_is_read_instead(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    path = Path(str(artifacts.write("relax", "k1", candidate("m1"))))
    old = path.read_bytes()[:-71][:-2] + b"\0\0"  # no comment, and a length that says so
    path.write_bytes(old)
    assert not verify(artifacts, (), ()).damaged
    middle = old.index(b"header.json") + 40
    path.write_bytes(old[:middle] + bytes([old[middle] ^ 1]) + old[middle + 1 :])
    assert verify(artifacts, (), ()).damaged


def test_only_what_nothing_asks_for_is_orphaned_and_garbage(place: Location) -> None:
    artifacts = filled(place)
    artifacts.write("conductivity_parts", "p1", candidate("joined"))
    artifacts.write("conductivity_parts", "p2", candidate("waiting"))
    artifacts.write("relax", "broken", candidate("x"))
    artifacts.set_aside("relax", "broken")
    referenced, wanted = set(list(PLACES)[:10]), set(list(PLACES)[10:20])
    orphans = PLACES - referenced - wanted
    verdict = verify(artifacts, referenced, wanted)
    assert orphans <= set(verdict.orphaned)
    assert not verdict.damaged
    keep, parts = referenced | wanted, {("conductivity_parts", "p1")}
    assert garbage(artifacts, keep, parts, older_than_s=3600) == [], "all of it is young"
    found = garbage(artifacts, keep, parts, older_than_s=-5)
    names = {item.stored.name: item.kind for item in found}
    assert names.pop("relax/br/broken.broken") == "set aside"
    assert names.pop("conductivity_parts/p1/p1.npz") == "part"
    assert names == {artifacts.name(*orphan): "artifact" for orphan in orphans}
    delete(artifacts, found)
    assert {place for place, _ in artifacts.listed()} == keep | {("conductivity_parts", "p2")}


def test_a_torn_temporary_file_is_garbage(tmp_path: Path) -> None:
    artifacts = filled(tmp_path)
    torn = tmp_path / "relax" / "00" / ".00ab.npz.host-1-ffff.tmp"
    torn.write_bytes(b"PK")
    (found,) = garbage(artifacts, PLACES, (), older_than_s=-5)
    assert (found.kind, found.stored.name) == ("temporary", "relax/00/.00ab.npz.host-1-ffff.tmp")
