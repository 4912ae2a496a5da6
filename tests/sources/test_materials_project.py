"""The real client of the Materials Project against a loopback server: what is asked, what is kept."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from screen.core.errors import CatalogError, SettingsError
from screen.core.records import Candidate, Rejected
from screen.sources import materials_project
from screen.sources._mp_documents import GNOME_BATCH
from tests.sources import fake_mp

RADIOACTIVE = {"Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Th", "Pa", "U"}


def pull(service, where=None, quick=False, **options):
    found = {"endpoint": service.url, **({} if where is None else {"where": where}), **options}
    return materials_project.pull(found, lambda *_: None, quick)


def ids(pulled):
    return [item.id for item in pulled.items]


def with_structure(document, structure, identifier):
    """Document of another crystal, as pymatgen writes it."""
    return {**deepcopy(document), "material_id": identifier, "structure": structure.as_dict()}


def test_candidates_carry_what_the_database_knows(mp):
    options = {"endpoint": mp.url, "where": "band_gap >= 1"}
    found = list(materials_project.candidates(options))
    assert found
    documents = {document["material_id"]: document for document in mp.documents}
    for candidate in found:
        assert isinstance(candidate, Candidate)
        document, metadata = documents[candidate.id], candidate.metadata
        assert candidate.source == "materials_project"
        assert metadata.mp_id == candidate.id
        assert metadata.band_gap == document["band_gap"] >= 1
        assert metadata.energy_above_hull == document["energy_above_hull"]
        assert metadata.licence == "CC BY 4.0"
        assert metadata.db_version == fake_mp.DB_VERSION
        assert list(candidate.crystal.elements) == document["elements"]


FILTERS = {  # filter: (what it means, what is asked of the server)
    "band_gap > 0.5": (lambda d: d["band_gap"] > 0.5, {"band_gap_min": "0.5"}),
    "band_gap >= 0.5 and band_gap < 2": (
        lambda d: 0.5 <= d["band_gap"] < 2,
        {"band_gap_min": "0.5", "band_gap_max": "2.0"},
    ),
    "energy_above_hull <= 0.02": (
        lambda d: d["energy_above_hull"] <= 0.02,
        {"energy_above_hull_max": "0.02"},
    ),
    "nelements = 2 AND nsites <= 2": (
        lambda d: True,
        {"nelements_min": "2", "nelements_max": "2", "nsites_max": "2"},
    ),
    "theoretical = false": (lambda d: not d["theoretical"], {"theoretical": "False"}),
    "elements has Li": (lambda d: "Li" in d["elements"], {"elements": "Li"}),
    "elements has Li, O": (lambda d: d["elements"] == ["Li", "O"], {"elements": "Li,O"}),
    "elements lacks Na, O": (
        lambda d: not {"Na", "O"} & set(d["elements"]),
        {"exclude_elements": "Na,O"},
    ),
    "elements lacks radioactive": (
        lambda d: not RADIOACTIVE & set(d["elements"]),
        {"exclude_elements": "Tc,Pm,Po,At,Rn,Fr,Ra,Ac,Th,Pa,U,Np,Pu,Am,Cm,Bk,Cf,Es,Fm,Md"},
    ),
    "elements only Li, O, S, K": (
        lambda d: set(d["elements"]) <= {*"OSK", "Li"},
        {"nelements_max": "4"},
    ),
    "elements only Li, O, S AND nelements >= 2": (
        lambda d: set(d["elements"]) <= {"Li", "O", "S"},
        {"nelements_min": "2", "nelements_max": "3"},
    ),
    "space_group = 225": (lambda d: d["symmetry"]["number"] == 225, {"spacegroup_number": "225"}),
    "space_group > 216": (lambda d: d["symmetry"]["number"] > 216, {}),
    "crystal_system = cubic": (lambda d: True, {"crystal_system": "Cubic"}),
    "magnetic_ordering = NM": (lambda d: d["ordering"] == "NM", {"ordering": "NM"}),
}


@pytest.fixture
def varied(mp):
    """Both structure types, with a magnet and a metastable semiconductor among them."""
    everything = fake_mp.documents(900)
    mp.documents = [*everything[:8], *everything[840:848]]
    mp.documents[3]["ordering"] = "FM"
    return mp


@pytest.mark.parametrize("where", FILTERS)
def test_a_filter_is_asked_of_the_server_and_gives_what_it_says(where, varied):
    wanted, asked = FILTERS[where]
    found = pull(varied, where)
    assert set(ids(found)) == {d["material_id"] for d in varied.documents if wanted(d)}
    (query,) = varied.pages
    assert query.items() >= asked.items()
    assert query["deprecated"] == "False"
    assert query["_sort_fields"] == "material_id"


@pytest.mark.parametrize("where", FILTERS)
def test_a_server_that_ignores_the_filter_changes_nothing(where, varied):
    wanted, asked = FILTERS[where]
    varied.ignored = frozenset(asked)
    found = pull(varied, where)
    assert set(ids(found)) == {d["material_id"] for d in varied.documents if wanted(d)}
    missing = len(varied.documents) - len(found.items)
    assert sum(found.dropped.values()) == missing
    assert all(reason.split()[0] in where for reason in found.dropped)


def test_several_space_groups_are_several_searches_and_nothing_comes_twice(varied):
    found = pull(varied, "space_group in 225, 216 and crystal_system in cubic, hexagonal")
    assert sorted(ids(found)) == sorted(d["material_id"] for d in varied.documents)
    asked = [(query["crystal_system"], query["spacegroup_number"]) for query in varied.pages]
    assert sorted(asked) == [(s, n) for s in ("Cubic", "Hexagonal") for n in ("216", "225")]


def test_an_entry_without_a_value_does_not_fulfil_a_condition_on_it(mp):
    mp.documents[0]["band_gap"] = None
    mp.ignored = frozenset({"band_gap_min"})
    found = pull(mp, "band_gap >= 0")
    assert found.dropped == {"band_gap >= 0 (unknown)": 1}


@pytest.mark.parametrize("ignored", [frozenset(), frozenset({"batch_id_not_eq"})])
def test_gnome_entries_are_left_out_unless_wanted(ignored, mp):
    mp.documents[0]["builder_meta"] = {"license": "BY-NC", "batch_id": GNOME_BATCH}
    mp.ignored = ignored
    without = pull(mp)
    assert "mp-1000" not in ids(without)
    assert without.dropped == ({"gnome = false": 1} if ignored else {})
    assert without.licences == {"CC BY 4.0": 11}
    everything = pull(mp, include_gnome=True)
    assert everything.licences == {"CC BY 4.0": 11, "CC BY-NC 4.0": 1}
    (gnome,) = [item for item in everything.items if item.id == "mp-1000"]
    assert "Merchant" in gnome.content.metadata.citation


def test_withdrawn_entries_come_only_if_asked_for(mp):
    mp.documents[0]["deprecated"] = True
    assert "mp-1000" not in ids(pull(mp))
    assert ids(pull(mp, "deprecated = true")) == ["mp-1000"]


def test_cells_come_out_primitive_and_a_size_filter_means_these(mp):
    rocksalt = Structure.from_spacegroup(
        "Fm-3m", Lattice.cubic(4.2), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]
    )
    assert len(rocksalt) == 8
    mp.documents = [with_structure(mp.documents[0], rocksalt, "mp-1")]
    (item,) = pull(mp).items
    assert len(item.content.crystal) == 2
    assert item.content.crystal.volume == pytest.approx(rocksalt.volume / 4)
    assert pull(mp, "nsites >= 2").items
    mp.ignored = frozenset({"nsites_min"})
    assert pull(mp, "nsites > 2").dropped == {"nsites > 2": 1}


def test_one_entry_per_structure_is_kept_the_most_stable_one(mp):
    """Another cell, origin and lattice constant; a distorted one and another phase stay."""
    first = mp.documents[0]
    cell = Structure.from_dict({**first["structure"], "properties": {}})
    moved = cell.copy()
    moved.translate_sites([0, 1], [0.1, 0.2, 0.3])
    moved.make_supercell([2, 1, 1])
    moved.scale_lattice(moved.volume * 1.03)
    distorted = cell.copy()
    distorted.apply_strain([0.0, 0.0, 0.02])
    collapsed = cell.copy()
    collapsed.scale_lattice(cell.volume * 0.6)
    mp.documents = [
        {**with_structure(first, moved, "mp-1"), "energy_above_hull": 0.04},
        {**with_structure(first, cell, "mp-2"), "energy_above_hull": 0.01},
        {**with_structure(first, cell, "mp-3"), "energy_above_hull": 0.01},
        {**with_structure(first, distorted, "mp-4"), "energy_above_hull": 0.0},
        {**with_structure(first, collapsed, "mp-5"), "energy_above_hull": 0.0},
    ]
    mp.documents[1]["theoretical"], mp.documents[2]["theoretical"] = True, False
    found = pull(mp)
    assert ids(found) == ["mp-3", "mp-4", "mp-5"]
    assert found.items[0].duplicates == ("mp-2", "mp-1")
    assert found.dropped == {"duplicate structure": 2}


def test_an_entry_that_is_no_ordered_crystal_is_rejected_and_the_rest_goes_on(mp):
    disordered = deepcopy(mp.documents[0])
    disordered["structure"]["sites"][0]["species"][0]["occu"] = 0.5
    on_top = deepcopy(mp.documents[1])
    on_top["structure"]["sites"][1]["abc"] = [0.0, 0.0, 0.0]
    empty = {**mp.documents[2], "structure": None}
    mp.documents = [disordered, on_top, empty, mp.documents[3]]
    found = list(materials_project.candidates({"endpoint": mp.url}))
    kinds = [item.kind for item in found if isinstance(item, Rejected)]
    assert kinds == ["partial_occupancy", "overlapping_atoms", "unreadable_entry"]
    assert [item.id for item in found if isinstance(item, Candidate)] == ["mp-1003"]


def test_the_crystal_is_that_of_pymatgen(mp):
    wurtzite = Structure.from_spacegroup(
        "P6_3mc",
        Lattice.hexagonal(3.19, 5.19),
        ["Ga", "N"],
        [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.377]],
    )
    wurtzite.add_oxidation_state_by_element({"Ga": 3, "N": -3})
    mp.documents = [with_structure(mp.documents[0], wurtzite, "mp-804")]
    (item,) = pull(mp).items
    crystal = item.content.crystal
    assert sorted(crystal.numbers) == [7, 7, 31, 31]
    lengths = np.linalg.norm(crystal.lattice, axis=1)
    assert lengths == pytest.approx([3.19, 3.19, 5.19])


def test_a_quick_look_asks_for_one_page_and_says_that_it_is_not_all(mp, monkeypatch):
    monkeypatch.setattr(materials_project, "QUICK", 10)
    mp.documents = fake_mp.documents(11)
    found = pull(mp, quick=True)
    assert len(mp.pages) == 1
    assert (found.provenance.found, found.provenance.received) == (11, 10)
    assert not found.provenance.complete
    assert pull(mp).provenance.complete


def test_what_a_limit_cuts_off_is_counted(mp):
    found = pull(mp, limit=7)
    assert len(found.items) == 7
    assert found.dropped == {"beyond limit = 7": 5}


def test_an_empty_answer_and_one_of_which_nothing_is_left_say_so(mp):
    options = {"endpoint": mp.url, "where": "band_gap > 100"}
    with pytest.raises(CatalogError, match=r"no entry that fits band_gap > 100 and .*loosen"):
        list(materials_project.candidates(options))
    mp.ignored = frozenset({"band_gap_min"})
    with pytest.raises(CatalogError, match=r"all 12 entries were dropped \(12 by band_gap > 99"):
        list(materials_project.candidates({**options, "where": "band_gap > 99"}))


WRONG = {
    "no filter": ({"where": "band_gap"}, "no condition such as"),
    "quantity": ({"where": "bandgap > 1"}, "did you mean band_gap"),
    "endpoint": ({"endpoint": "api.materialsproject.org"}, "must be a URL"),
    "clear text": ({"endpoint": "http://example.org"}, "give https"),
    "gnome": ({"include_gnome": "yes"}, "true or false"),
    "timeout": ({"timeout": 0}, "above 0"),
}


@pytest.mark.parametrize(("options", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_option_is_refused_before_anything_is_asked(options, told, mp):
    with pytest.raises(SettingsError, match=told):
        materials_project.candidates({"endpoint": mp.url, **options})
    assert not mp.requests
