"""Two crystals of one id: the first is computed, the second is rejected, and nothing is lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from screen.core.errors import CatalogError
from screen.core.identities import own_names, told_apart
from screen.core.records import Candidate, Rejected
from screen.pipeline.campaign import run_campaign
from screen.sources import catalog, files, optimade
from tests.pipeline.campaigns import table, tiny, write_fcc
from tests.sources.fake_mp import serving
from tests.sources.fake_optimade import Provider, ProviderHandler, scaled, structure


@pytest.fixture
def provider(data, waits) -> Iterator[Provider]:
    """A provider that gives ``s1`` twice, with different cells, and another entry."""
    structures = [structure("s1"), structure("s1", **scaled(1.2)), structure("s2", **scaled(1.5))]
    with serving(Provider(structures), ProviderHandler) as service:
        yield service


@pytest.fixture
def twofold(tmp_path):
    """Catalog of an earlier program, with copper and xenon both called Cu."""
    folder = write_fcc(tmp_path / "cells", "Cu", "Xe")
    whole = tmp_path / "whole.parquet"
    pull = catalog.pull_from("files", {"path": str(folder)}, lambda *_: None, quick=False)
    with whole.open("wb") as handle:
        catalog.write(pull, handle)
    return renamed(whole, tmp_path / "twofold.parquet", ["Cu", "Cu"])


def renamed(whole, path, ids):
    """Write a catalog with other ids."""
    rows = pq.read_table(whole)
    pq.write_table(rows.set_column(0, "id", pa.array(ids, pa.string())), path)
    return path


def test_no_two_names_are_equal_and_no_entry_loses_its_own():
    assert own_names(["a", "b", "a", "a", "a (2)"]) == ["a", "b", "a (3)", "a (4)", "a (2)"]
    assert own_names(["a (2)", "a", "a", "a (2)"]) == ["a (2)", "a", "a (3)", "a (2) (2)"]
    assert own_names([]) == []


def test_a_rejected_entry_keeps_its_reason():
    first, second = told_apart(Rejected("a", "any", kind, "x") for kind in ("torn", "empty_cell"))
    assert (first.id, first.kind) == ("a", "torn")
    assert (second.id, second.kind) == ("a (2)", "empty_cell")


def test_a_pull_holds_no_id_twice(provider):
    found = optimade.pull({"base_url": provider.url}, lambda *_: None, quick=False)
    assert [item.id for item in found.items] == ["s1", "s1 (2)", "s2"]
    assert found.rejected == {"duplicate_id": 1}
    kept, refused, _ = found.candidates()
    assert isinstance(kept, Candidate)
    assert isinstance(refused, Rejected)
    assert "has the same id 's1' as an earlier entry" in refused.message


def test_a_campaign_computes_the_first_and_names_the_second(twofold, tmp_path):
    run = tmp_path / "run"
    source = {"name": "catalog", "file": str(twofold)}
    campaign = tiny(run, tmp_path, source=source, properties=["conductivity"])
    state = run_campaign(campaign)
    assert state.statuses == {"complete": 1, "failed": 1}
    found = table(run, "SELECT material_id, formula, status FROM results ORDER BY material_id")
    assert [tuple(row.values()) for row in found] == [
        ("Cu", "Cu", "complete"),
        ("Cu (2)", None, "failed"),
    ]
    assert table(run, "SELECT kind FROM failures") == [{"kind": "duplicate_id"}]
    assert run_campaign(campaign).resumed == 2


def test_a_source_of_ones_own_may_not_give_an_id_twice_either(twofold, tmp_path, monkeypatch):
    module = ModuleType("mygroup.twofold")
    (cell,) = files.candidates({"path": str(tmp_path / "cells" / "Cu.vasp")})
    module.candidates = lambda _options: iter([cell, cell])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mygroup.twofold", module)
    found = catalog.pull_from("mygroup.twofold", {}, lambda *_: None, quick=False)
    assert [item.id for item in found.items] == ["Cu", "Cu (2)"]
    assert found.rejected == {"duplicate_id": 1}


@pytest.mark.parametrize("missing", [None, ""])
def test_an_entry_of_a_catalog_without_id_is_one_clear_line(missing, twofold, tmp_path):
    path = renamed(twofold, tmp_path / "nameless.parquet", ["Cu", missing])
    with pytest.raises(CatalogError, match=r"nameless\.parquet has an entry without id"):
        list(catalog.candidates({"file": str(path)}))


def test_a_structure_of_a_provider_without_id_is_one_clear_line(provider):
    del provider.structures[1]["id"]
    with pytest.raises(CatalogError, match="sent a structure without id"):
        optimade.candidates({"base_url": provider.url})
