"""Catalogs as Parquet: nothing is lost on the way, and the file says where it comes from."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow.parquet as pq
import pytest

from screen.core.catalogs import catalog_path
from screen.core.errors import CatalogError, SettingsError
from screen.core.records import Candidate, Rejected
from screen.sources import benchmark, catalog, files
from tests.pipeline.campaigns import write_fcc
from tests.sources import fake_mp


def silent(*_):
    pass


@pytest.fixture
def written(tmp_path):
    """Write a pull of any source; returns the file."""

    def write(source, quick=False, **options):
        path = tmp_path / f"{source}.parquet"
        with path.open("wb") as handle:
            catalog.write(catalog.pull_from(source, options, silent, quick), handle)
        return path

    return write


def same(first, second):
    """Whether two candidates or rejections are equal, up to the source's name."""
    assert type(first) is type(second)
    assert first.id == second.id
    if isinstance(first, Rejected):
        assert (first.kind, first.message) == (second.kind, second.message)
        return
    assert first.crystal.digest == second.crystal.digest
    assert vars(first.metadata) == vars(second.metadata)
    for name, value in vars(first.hints).items():
        assert np.array_equal(value, getattr(second.hints, name))


def test_the_benchmark_comes_back_as_it_went_with_hints_and_references(written):
    path = written("benchmark")
    found = list(catalog.candidates({"file": path}))
    assert len(found) == 103
    for original, back in zip(benchmark.candidates({}), found, strict=True):
        same(original, back)
        assert back.source == "catalog"


def test_rejected_entries_come_back_rejected(written, tmp_path):
    write_fcc(tmp_path / "cells", "Cu")
    (tmp_path / "cells" / "bad.cif").write_text("data_nothing\n")
    path = written("files", path=str(tmp_path / "cells"))
    found = list(catalog.candidates({"file": path}))
    for original, back in zip(
        files.candidates({"path": str(tmp_path / "cells")}), found, strict=True
    ):
        same(original, back)
    assert [type(item) for item in found] == [Candidate, Rejected]
    assert catalog.read_provenance(path)["rejected"] == {"unreadable_file": 1}


def test_a_catalog_says_where_it_comes_from(mp, written):
    mp.documents[0]["builder_meta"] = {"license": "BY-NC", "batch_id": "gnome_r2scan_statics"}
    mp.documents[1] = {**mp.documents[2], "material_id": "mp-9"}
    where = "band_gap >= 0 and energy_above_hull < 0.04"
    path = written("materials_project", endpoint=mp.url, where=where, include_gnome=True)
    origin = catalog.read_provenance(path)
    pulled_at = datetime.fromisoformat(origin.pop("pulled_at"))
    assert datetime.now(UTC) - pulled_at < timedelta(minutes=10)
    kept = [d for d in mp.documents if d["energy_above_hull"] < 0.04]
    assert origin | {"thermoscreen": "", "citation": ""} == {
        "format": 1,
        "source": "materials_project",
        "url": mp.url,
        "client": "mp-api 0.46.5",
        "db_version": fake_mp.DB_VERSION,
        "query": {"endpoint": mp.url, "where": where, "include_gnome": True},
        "filters": ["band_gap >= 0", "energy_above_hull < 0.04", "deprecated = false"],
        "found": 12,
        "received": 12,
        "complete": True,
        "dropped": {"energy_above_hull < 0.04": 12 - len(kept), "duplicate structure": 1},
        "rejected": {},
        "written": len(kept) - 1,
        "licences": {"CC BY-NC 4.0": 1, "CC BY 4.0": len(kept) - 2},
        "thermoscreen": "",
        "citation": "",
    }
    assert "Jain" in origin["citation"]
    rows = {row["id"]: row for row in pq.read_table(path).to_pylist()}
    assert rows["mp-1000"]["licence"] == "CC BY-NC 4.0"
    assert "Merchant" in rows["mp-1000"]["citation"]
    assert "mp-9" not in rows  # of two equal ones the first is kept
    assert rows["mp-1002"]["duplicates"] == ["mp-9"]
    assert {row["db_version"] for row in rows.values()} == {fake_mp.DB_VERSION}
    assert {row["space_group"] for row in rows.values()} == {225}
    assert {row["magnetic_ordering"] for row in rows.values()} == {"NM"}
    for item in catalog.candidates({"file": path}):
        known = vars(item.metadata)
        assert known == {name: rows[item.id][name] for name in known}
        assert isinstance(known["theoretical"], bool)
    assert fake_mp.KEY.encode() not in path.read_bytes()


def test_the_same_pull_gives_the_same_rows(mp, written):
    first = pq.read_table(written("materials_project", endpoint=mp.url))
    second = pq.read_table(written("materials_project", endpoint=mp.url))
    assert first.equals(second)


def test_a_catalog_can_be_filtered_and_limited(mp, written):
    path = written("materials_project", endpoint=mp.url)
    found = list(catalog.candidates({"file": path, "where": "band_gap > 1 and elements lacks O"}))
    wanted = [d for d in mp.documents if d["band_gap"] > 1 and "O" not in d["elements"]]
    assert {item.id for item in found} == {d["material_id"] for d in wanted}
    assert len(list(catalog.candidates({"file": path, "where": "band_gap > 1", "limit": 2}))) == 2


def test_a_pull_of_a_source_without_a_database_is_filtered_too():
    options = {"path": str(catalog_path("examples")), "where": "elements has N"}
    found = catalog.pull_from("files", options, silent, quick=False)
    assert [item.id for item in found.items] == ["nitrides#0", "nitrides#1"]
    assert found.dropped == {"elements has N": 2}
    quick = catalog.pull_from("benchmark", {}, silent, quick=True)
    assert len(quick.items) == 100
    assert not quick.provenance.complete


def test_a_file_that_is_no_catalog_is_one_clear_line(written, tmp_path):
    with pytest.raises(SettingsError, match="needs file"):
        catalog.candidates({})
    with pytest.raises(CatalogError, match=r"cannot read .*nosuch\.parquet: No such file"):
        catalog.candidates({"file": str(tmp_path / "nosuch.parquet")})
    (tmp_path / "text.parquet").write_text("a,b")
    with pytest.raises(CatalogError, match="is no Parquet file"):
        catalog.candidates({"file": str(tmp_path / "text.parquet")})
    whole = written("benchmark")
    (tmp_path / "half.parquet").write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(CatalogError, match="only a part of one"):
        catalog.candidates({"file": str(tmp_path / "half.parquet")})
    pq.write_table(pq.read_table(whole).replace_schema_metadata(), tmp_path / "other.parquet")
    with pytest.raises(CatalogError, match="is no catalog; `thermoscreen catalog pull"):
        catalog.candidates({"file": str(tmp_path / "other.parquet")})
    with pytest.raises(CatalogError, match="cannot read"):
        catalog.candidates({"file": str(tmp_path)})
