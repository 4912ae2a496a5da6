"""Artifacts: records survive the disk exactly, and broken files say so."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, is_dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from screen.core import records
from screen.core.errors import StoreError
from screen.store.artifacts import Artifacts
from screen.store.codec import _classes, read_record, write_record
from tests.store.samples import LIBR, candidate, outcome

RNG = np.random.default_rng(7)
ELASTIC = records.ElasticCells(RNG.random((3, 3, 3)), RNG.random((3, 3, 3)))
STRAINED = records.StrainedForces(
    (LIBR, LIBR), RNG.random(2), RNG.random((2, 3, 3)), (RNG.random((3, 16, 3)),) * 2
)
PHONONS_BANDS = records.Bands(
    RNG.random((4, 3)), RNG.random(4), RNG.random((4, 6)), RNG.random(2), ("Γ", "U|K")
)

SAMPLES: tuple[records.Record, ...] = (
    records.Hints(fc2_supercell=np.eye(3, dtype=np.int64), mesh=np.array([19, 19, 19])),
    records.Metadata(prototype="rocksalt", band_gap=5.25, energy_above_hull=float("nan")),
    candidate("mp-23259", licence="CC-BY-4.0"),
    records.Rejected("mp-1", "files", "partial_occupancy", "site 3: Fe 0.5"),
    records.Relaxed(LIBR, -7.5, np.zeros((3, 3)), 1e-5, 225, 225, 17, True),
    records.Evaluation(RNG.random(2), (RNG.random((2, 3)), RNG.random((5, 3))), np.ones((2, 3, 3))),
    records.SupercellForces(RNG.random((3, 16, 3))),
    records.Nac(RNG.random((2, 3, 3)), np.eye(3)),
    records.ForceConstants(
        LIBR,
        np.eye(3),
        np.eye(3, dtype=np.int64) * 2,
        np.eye(3, dtype=np.int64) * 4,
        RNG.random((2, 16, 3, 3)),
        RNG.random((2, 4, 4, 3, 3, 3)),
        records.Nac(RNG.random((2, 3, 3)), np.eye(3)),
        146,
    ),
    records.FitQuality(16, 758, 1536, np.inf, 1e-5, 0.008),
    records.SoundWaves(RNG.random((8, 3)), RNG.random((8, 3))),
    records.ForceConstants(
        LIBR,
        np.eye(3),
        np.eye(3, dtype=np.int64),
        np.eye(3, dtype=np.int64),
        RNG.random((2, 16, 3, 3)),
        fit=records.FitQuality(16, 758, 1536, 7.4, 1e-5, 0.008, cutoff=4.75),
    ),
    PHONONS_BANDS,
    records.Phonons(
        np.array([3, 3, 3]),
        RNG.random((4, 3)),
        np.array([1, 8, 6, 12]),
        RNG.random((4, 6)),
        RNG.random((4, 6, 3)),
        PHONONS_BANDS,
        0.3,
        -0.001,
        False,
    ),
    records.Conductivity(
        np.array([300.0]),
        RNG.random((1, 3, 3)),
        np.full((1, 3, 3), np.nan),
        np.array([3, 3, 3]),
        RNG.random((4, 3)),
        np.array([1, 8, 6, 12]),
        RNG.random((4, 6)),
        RNG.random((1, 4, 6)),
        RNG.random((1, 4, 6)),
        RNG.random((4, 6, 6)),
        42.0,
        "phono3py",
        "4.10.1",
        True,
        False,
        RNG.random((4, 6)),
    ),
    records.PhononRates(np.array([0, 2]), RNG.random((1, 2, 6))),
    records.QuasiHarmonic(*RNG.random((6, 4)), RNG.random((4, 3))),
    records.Expansion(
        np.array([300.0]),
        RNG.random((1, 6)),
        np.array([5e-4]),
        np.array([2.1]),
        np.array([3, 3, 3]),
        RNG.random((4, 3)),
        np.array([1, 8, 6, 12]),
        RNG.random((4, 6)),
        RNG.random((4, 6, 6)),
        RNG.random((6, 6)),
        float("inf"),
        50.0,
    ),
    ELASTIC,
    STRAINED,
    records.ExpansionCells(ELASTIC),
    records.ExpansionCells(ELASTIC, STRAINED),
    records.Failure("relax", "relaxation", "no line search", "Traceback …"),
    outcome().executions[0],
    outcome(),
)


def same(left: Any, right: Any) -> bool:
    """Equal in type, dtype and value, down to the last NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, np.ndarray | np.generic):
        equal = left.dtype == right.dtype and left.shape == right.shape
        return bool(equal and left.tobytes() == right.tobytes())
    if isinstance(left, tuple | list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if is_dataclass(left):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    return repr(left) == repr(right)


def arrays_in(value: Any) -> list[np.ndarray[Any, Any]]:
    """All arrays inside a record."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, tuple | list):
        return [array for item in value for array in arrays_in(item)]
    if isinstance(value, dict):
        return arrays_in(list(value.values()))
    if is_dataclass(value):
        return arrays_in([getattr(value, item.name) for item in fields(value)])
    return []


def round_trip(record: records.Record) -> records.Record:
    buffer = BytesIO()
    write_record(record, buffer)
    return read_record(BytesIO(buffer.getvalue()))


def test_every_record_class_has_a_sample() -> None:
    written = {type(sample).__name__ for sample in SAMPLES}
    declared = {
        name
        for name, value in vars(records).items()
        if isinstance(value, type) and issubclass(value, records.Record)
    }
    assert declared - {"Record"} <= written
    assert declared - {"Record"} <= set(_classes())


@pytest.mark.parametrize("record", SAMPLES, ids=lambda record: type(record).__name__)
def test_a_record_reads_back_exactly(tmp_path: Path, record: records.Record) -> None:
    artifacts = Artifacts(tmp_path)
    path = artifacts.write("stage", "abcdef", record)
    assert path == tmp_path / "stage" / "ab" / "abcdef.npz"
    found = artifacts.read("stage", "abcdef")
    assert same(found, record)
    assert not any(array.flags.writeable for array in arrays_in(found))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text()
    | hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.int8, np.bool_, np.complex128]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
    )
    | st.sampled_from([np.float64(0.1), np.int64(3), np.bool_(True), np.float32("nan")]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values)
@settings(max_examples=200, deadline=None)
def test_any_nested_value_reads_back_exactly(value: Any) -> None:
    outer = outcome(rows={"property": {"column": value}})
    assert same(round_trip(outer), outer)


def test_a_written_array_keeps_its_memory_order() -> None:
    fortran = np.asfortranarray(RNG.random((3, 4, 2)))
    found = round_trip(records.SupercellForces(fortran))
    assert isinstance(found, records.SupercellForces)
    assert np.array_equal(found.forces, fortran)


def test_the_same_record_gives_the_same_bytes() -> None:
    first, second = BytesIO(), BytesIO()
    write_record(SAMPLES[4], first)
    write_record(SAMPLES[4], second)
    assert first.getvalue() == second.getvalue()


def test_an_artifact_opens_with_numpy_alone(tmp_path: Path) -> None:
    path = Artifacts(tmp_path).write("fc2_forces", "0f0f", SAMPLES[6])
    with np.load(path, allow_pickle=False) as archive:
        assert archive["a0"].shape == (3, 16, 3)


def test_writing_an_existing_key_is_harmless(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    assert artifacts.write("s", "k1", SAMPLES[0]) == artifacts.write("s", "k1", SAMPLES[0])
    assert artifacts.has("s", "k1")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["k1.npz"]


def test_an_absent_artifact_is_none(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path / "nowhere")
    assert artifacts.read("relax", "k1") is None
    assert not artifacts.has("relax", "k1")


@pytest.mark.parametrize("keep", [0, 1, 20, 100, -1, -30])
def test_a_truncated_artifact_says_which_file_to_delete(tmp_path: Path, keep: int) -> None:
    artifacts = Artifacts(tmp_path)
    path = artifacts.write("relax", "k1", SAMPLES[4])
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(StoreError, match=r"k1\.npz.*delete the file"):
        artifacts.read("relax", "k1")


def test_any_flipped_byte_is_noticed_or_harmless() -> None:
    buffer = BytesIO()
    write_record(SAMPLES[4], buffer)
    content = buffer.getvalue()
    for position in range(len(content)):
        garbled = bytearray(content)
        garbled[position] ^= 0x55
        try:
            found = read_record(BytesIO(bytes(garbled)))
        except StoreError:
            continue
        assert same(found, SAMPLES[4]), position


def header_of(record: str = '{"class": "Failure", "fields": {}}', **changes: str) -> bytes:
    import zipfile

    header = {"format": '"thermoscreen-record"', "version": "1", "record": record, **changes}
    text = "{" + ", ".join(f'"{key}": {value}' for key, value in header.items()) + "}"
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("header.json", text)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (header_of(version="2"), "format version 2, this program reads 1; upgrade"),
        (header_of(format='"other"'), "no Thermoscreen record"),
        (header_of('{"class": "Magnons", "fields": {}}'), "'Magnons'.*upgrade"),
        (header_of('{"class": "Failure", "fields": {"stage": "relax"}}'), "does not describe"),
        (header_of('{"strange": 1}'), "does not describe"),
        (header_of('{"array": 3}'), "does not describe"),
        (header_of("3.5"), "holds float"),
    ],
)
def test_a_foreign_artifact_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        read_record(BytesIO(content))


def test_a_field_with_a_default_may_be_missing_in_an_older_artifact() -> None:
    fields_then = '{"stage": "relax", "kind": "relaxation", "message": "m"}'
    found = read_record(BytesIO(header_of(f'{{"class": "Failure", "fields": {fields_then}}}')))
    assert isinstance(found, records.Failure)
    assert found.traceback is None


@pytest.mark.parametrize("value", [object(), np.array([object()]), {1, 2}, b"bytes"])
def test_what_cannot_be_stored_is_refused_by_place(tmp_path: Path, value: Any) -> None:
    record = outcome(rows={"property": {"column": value}})
    with pytest.raises(StoreError, match=r"rows\['property'\]\['column'\]"):
        Artifacts(tmp_path).write("s", "k1", record)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", ".hidden", "a\0b"])
def test_a_key_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="cannot name an artifact"):
        Artifacts(tmp_path).path("relax", name)
    with pytest.raises(StoreError, match="cannot name an artifact"):
        Artifacts(tmp_path).path(name, "k1")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "relax").write_text("a file is in the way")
    with pytest.raises(StoreError, match="cannot write the artifact"):
        Artifacts(tmp_path).write("relax", "k1", SAMPLES[0])


ENDLESS = """
import sys
import numpy as np
from pathlib import Path
from screen.core.records import SupercellForces
from screen.store.artifacts import Artifacts
artifacts = Artifacts(Path(sys.argv[1]))
record = SupercellForces(np.random.default_rng(0).random((40, 64, 3)))
print("ready", flush=True)
while True:
    artifacts.write("forces", "k1", record)
"""


def test_a_killed_writer_leaves_whole_artifacts_only(tmp_path: Path) -> None:
    artifacts = Artifacts(tmp_path)
    for delay in (0.0, 0.02, 0.05):
        with subprocess.Popen(
            [sys.executable, "-c", ENDLESS, str(tmp_path)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(delay)
            process.kill()
        found = artifacts.read("forces", "k1")
        assert found is None or isinstance(found, records.SupercellForces)
    artifacts.remove_temporaries(older_than_s=0.0)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} <= {"k1.npz"}
