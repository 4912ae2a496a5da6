"""Any provider of OPTIMADE: pages are followed, what is no ordered crystal is rejected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from screen.core.errors import CatalogError, SettingsError
from screen.core.records import Candidate, Rejected
from screen.sources import optimade
from tests.sources.fake_mp import Fault, serving
from tests.sources.fake_optimade import (
    LATTICE,
    Provider,
    ProviderHandler,
    scaled,
    species,
    structure,
)


@pytest.fixture
def provider(data, waits) -> Iterator[Provider]:
    """Seven crystals of one kind, each a third larger in volume than the one before."""
    structures = [structure(f"fake/{n}", **scaled(0.8 * 1.1**n)) for n in range(7)]
    with serving(Provider(structures), ProviderHandler) as service:
        yield service


def candidates(provider, **options):
    return list(optimade.candidates({"base_url": provider.url, "page_size": 3, **options}))


@pytest.mark.parametrize("link_as_object", [False, True])
def test_all_pages_are_followed(link_as_object, provider):
    provider.link_as_object = link_as_object
    found = candidates(provider)
    assert [item.id for item in found] == [f"fake/{n}" for n in range(7)]
    assert sum("/structures" in path for path in provider.requests) == 3


def test_the_crystal_is_what_the_provider_describes(provider):
    first = candidates(provider)[0]
    assert isinstance(first, Candidate)
    assert first.crystal.formula == "NaCl"
    assert first.crystal.volume == pytest.approx(0.8**3 * abs(np.linalg.det(LATTICE)))
    distances = np.linalg.norm(first.crystal.positions[1] - first.crystal.positions[0])
    assert distances == pytest.approx(0.8 * 2.8 * np.sqrt(3))


def test_properties_licence_citation_and_version_reach_the_candidate(provider):
    found = candidates(
        provider, properties={"band_gap": "_fake_gap"}, licence="CC0", citation="Fake, 2026"
    )
    assert {item.metadata.band_gap for item in found} == {5.0}
    assert {item.metadata.licence for item in found} == {"CC0"}
    assert {item.metadata.citation for item in found} == {"Fake, 2026"}
    assert {item.metadata.db_version for item in found} == {"2026-11"}


def test_the_filter_goes_to_the_provider_and_where_is_checked_here(provider):
    found = candidates(
        provider, filter='elements HAS ALL "Na","Cl"', where="space_group = 225 and nsites = 2"
    )
    assert len(found) == 7
    assert "filter=elements+HAS+ALL+%22Na%22%2C%22Cl%22" in provider.requests[1]
    with pytest.raises(CatalogError, match="all 7 entries were dropped"):
        candidates(provider, where="crystal_system = hexagonal")


UNFIT = {
    "partial_occupancy": {
        "species": [
            species("Na", "Na", "K", concentration=(0.5, 0.5)),
            species("chlorine", "Cl"),
        ]
    },
    "partial_occupancy, vacancy": {
        "species": [species("Na", "Na", concentration=(0.9,)), species("chlorine", "Cl")]
    },
    "partial_occupancy, declared": {"structure_features": ["disorder"]},
    "incomplete_structure": {"species": [species("Na", "X"), species("chlorine", "Cl")]},
    "incomplete_structure, implicit": {"structure_features": ["implicit_atoms"]},
    "not_periodic": {"dimension_types": [1, 1, 0]},
    "unreadable_entry": {"lattice_vectors": None},
    "unreadable_entry, null": {"cartesian_site_positions": [[None, 0, 0], [1, 1, 1]]},
    "unreadable_entry, unknown species": {"species_at_sites": ["Na", "Cl"]},
    "overlapping_atoms": {"cartesian_site_positions": [[0, 0, 0], [0, 0, 0.1]]},
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_is_no_ordered_crystal_is_rejected_and_the_rest_goes_on(case, provider):
    provider.structures[1] = structure("fake/1", **UNFIT[case])
    found = candidates(provider)
    assert len(found) == 7
    (rejected,) = [item for item in found if isinstance(item, Rejected)]
    assert rejected.kind == case.split(",", maxsplit=1)[0]
    assert rejected.message.startswith("fake/1 ")


def test_an_unused_species_and_other_features_do_no_harm(provider):
    provider.structures[1]["attributes"]["species"].append(species("vacancy", "vacancy"))
    provider.structures[1]["attributes"]["structure_features"] = ["assemblies"]
    assert not [item for item in candidates(provider) if isinstance(item, Rejected)]


def test_equal_structures_are_kept_once(provider):
    provider.structures = [structure("a"), structure("b")]
    found = optimade.pull({"base_url": provider.url}, lambda *_: None, quick=False)
    assert [(item.id, item.duplicates) for item in found.items] == [("a", ("b",))]
    assert found.dropped == {"duplicate structure": 1}


def test_faults_are_waited_out_and_pages_are_kept(provider, waits):
    provider.faults = [
        Fault(status=500, path="/v1/info"),
        Fault(status=429, headers={"Retry-After": "3"}, path="/v1/structures"),
        Fault(body=b"<html>maintenance</html>", path="/v1/structures"),
        Fault(body=b'{"meta": {}}', path="/v1/structures"),
    ]
    assert len(candidates(provider)) == 7
    assert Counter(seconds == 3 for seconds in waits) == {True: 1, False: 3}
    provider.requests.clear()
    assert len(candidates(provider)) == 7
    assert provider.requests == ["/v1/info"]


def test_without_a_version_pages_serve_for_a_day(provider, data):
    provider.version = None
    assert {item.metadata.db_version for item in candidates(provider)} == {None}
    assert len(list(data.rglob("page-*"))) == 3


def test_what_the_provider_promised_and_did_not_send_is_counted(provider):
    provider.promised = 9
    found = optimade.pull({"base_url": provider.url}, lambda *_: None, quick=False)
    assert found.dropped == {"not sent by the provider": 2}
    assert (found.provenance.found, found.provenance.received) == (9, 7)


def test_a_quick_look_is_one_page(provider):
    options = {"base_url": provider.url, "page_size": 3}
    found = optimade.pull(options, lambda *_: None, quick=True)
    assert len(found.items) == 3
    assert not found.provenance.complete
    assert found.provenance.url == provider.url + "v1/"


def test_a_base_url_may_have_its_version(provider):
    assert len(candidates(provider, base_url=provider.url + "v1")) == 7


def test_a_provider_that_links_in_a_circle_is_noticed(provider):
    answer = b'{"data": [], "meta": {}, "links": {"next": "structures?page=1"}}'
    provider.faults = [Fault(body=answer, path="/v1/structures", times=5)]
    with pytest.raises(CatalogError, match="the page after itself"):
        candidates(provider)


def test_refusals_are_one_clear_line(provider):
    with pytest.raises(SettingsError, match=r"status 400.*Unable to parse filter.*check base_url"):
        candidates(provider, filter="elements = 3")
    with pytest.raises(SettingsError, match="status 404"):
        candidates(provider, base_url=provider.url + "elsewhere")


WRONG = [
    ({"base_url": "oqmd"}, "must be a URL"),
    ({"properties": {"gap": "_x"}}, "band_gap or energy_above_hull"),
    ({"filter": ""}, "filter='' must be a text"),
    ({"page_size": 0.5}, "page_size=0.5 must be an integer of at least 1"),
    ({"page_size": 0}, "page_size=0 must be an integer of at least 1"),
    ({"page_size": True}, "page_size=True must be an integer of at least 1"),
    ({"timeout": float("inf")}, "timeout=inf must be a number above 0"),
]


@pytest.mark.parametrize(("options", "told"), WRONG)
def test_a_wrong_option_is_refused(options, told, provider):
    with pytest.raises(SettingsError, match=told):
        candidates(provider, **options)
    with pytest.raises(SettingsError, match="needs base_url"):
        optimade.candidates({})
