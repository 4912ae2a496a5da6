"""The Materials Project on a bad day: faults are waited out, what cannot pass is said at once."""

from __future__ import annotations

import socket
import traceback

import pytest

from screen.core.errors import CatalogError, SettingsError, ThermoscreenError
from screen.sources import materials_project
from screen.sources._retry import LONGEST_WAIT, Policy
from tests.sources import fake_mp
from tests.sources.fake_mp import Fault


def pull(service, **options):
    notes = []

    def watch(done, total, note):
        notes.append((done, total, note))

    found = materials_project.pull({"endpoint": service.url, **options}, watch, quick=False)
    return found, notes


def failure(service, kind, **options) -> str:
    """One line of a pull that fails; neither it nor its traceback has the key."""
    with pytest.raises(kind) as caught:
        pull(service, **options)
    text = "".join(traceback.format_exception(caught.value))
    assert fake_mp.KEY not in text
    assert "\n" not in str(caught.value)
    return str(caught.value)


def all_ids(service):
    return {document["material_id"] for document in service.documents}


PASSING = {
    "too many requests": Fault(status=429, times=3),
    "bad gateway": Fault(status=502, body=b"<html>"),
    "server error": Fault(status=500, times=2),
    "unavailable": Fault(status=503),
    "time-out": Fault(delay=1.0),
    "malformed JSON": Fault(body=b'{"data": [{"material_id": "mp-1'),
    "a list": Fault(body=b"[]"),
    "half a page": Fault(body=b'{"data": [], "meta": {"total_doc": 12}}'),
    "no total": Fault(body=b'{"data": [], "meta": {}}'),
    "no data": Fault(body=b'{"meta": {"total_doc": 12}}'),
    "connection reset": Fault(reset=True, times=2),
}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_a_fault_that_passes_is_waited_out(fault, mp, waits):
    times = fault.times
    mp.faults = [fault]
    found, notes = pull(mp, timeout=0.3)
    assert {item.id for item in found.items} == all_ids(mp)
    assert len(mp.pages) == len(waits) + 1 == times + 1
    assert all(0.5 * 2**n <= seconds <= 2**n for n, seconds in enumerate(waits))
    assert sum("try 2 of 6" in note for _, _, note in notes) == 1


def test_the_heartbeat_is_asked_again_too(mp, waits):
    mp.faults = [Fault(status=500, path="/heartbeat")]
    found, _ = pull(mp)
    assert len(found.items) == 12
    assert len(waits) == 1


def test_the_wait_is_what_the_server_asks_for(mp, waits):
    mp.faults = [Fault(status=429, headers={"Retry-After": "17"})]
    pull(mp)
    assert waits == [17]


def test_a_server_that_sends_us_away_for_hours_is_believed(mp, waits):
    mp.faults = [Fault(status=429, headers={"Retry-After": str(LONGEST_WAIT + 1)})]
    assert "status 429" in failure(mp, CatalogError)
    assert not waits


def test_a_fault_that_stays_ends_after_six_tries(mp, waits):
    mp.faults = [Fault(status=503, times=99)]
    message = failure(mp, CatalogError)
    assert "cannot be reached: status 503" in message
    assert "the same command goes on" in message
    assert len(mp.pages) == 6
    assert len(waits) == 5


def test_waits_grow_up_to_a_bound_and_differ():
    policy = Policy(cap=8.0)
    waits = [[policy.wait(n, None) for _ in range(20)] for n in (1, 2, 3, 4, 9)]
    for found, bound in zip(waits, (1, 2, 4, 8, 8), strict=True):
        assert bound / 2 <= min(found) < max(found) <= bound


REFUSED = {
    400: "does not take this query",
    403: "refuses the key",
    422: "does not take this query",
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_is_not_repeated(status, mp, waits):
    mp.faults = [Fault(status=status, times=99)]
    message = failure(mp, SettingsError)
    assert REFUSED[status] in message
    assert f"status {status}" in message
    assert len(mp.pages) == 1
    assert not waits


def test_a_bad_key_no_network_and_an_empty_answer_are_three_clear_messages(mp, waits):
    empty = failure_of_candidates(mp, where="elements has U")
    mp.keys = frozenset()
    bad_key = failure_of_candidates(mp)  # the server repeats the key in its answer
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        mp.url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
    no_network = failure_of_candidates(mp)
    assert "the database has no entry that fits elements has U" in empty
    assert "refuses the key in MP_API_KEY (status 401)" in bad_key
    assert "cannot be reached: Connection refused; check the network" in no_network
    assert len(waits) == 2  # a machine without network says so after three tries


def failure_of_candidates(service, **options) -> str:
    with pytest.raises(ThermoscreenError) as caught:
        list(materials_project.candidates({"endpoint": service.url, **options}))
    assert fake_mp.KEY not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


def test_an_unknown_host_is_no_network(mp):
    mp.url = "https://nowhere.invalid/"
    assert "https://nowhere.invalid/) cannot be reached: " in failure(mp, CatalogError)


NO_KEYS = {
    "missing": "",
    "short": fake_mp.KEY[1:],
    "with a line break": fake_mp.KEY + "\n",
    "with a header": fake_mp.KEY[:20] + "\r\nX-Y: 123456",
}


@pytest.mark.parametrize("key", NO_KEYS.values(), ids=NO_KEYS)
def test_what_is_no_key_is_never_sent_nor_shown(key, mp, monkeypatch):
    monkeypatch.setenv("MP_API_KEY", key)
    with pytest.raises(SettingsError) as caught:
        materials_project.candidates({"endpoint": mp.url})
    text = "".join(traceback.format_exception(caught.value))
    assert "MP_API_KEY" in str(caught.value)
    assert not key or key[:20] not in text
    assert not mp.requests


def test_a_redirect_to_another_host_does_not_take_the_key_along(mp):
    with fake_mp.serving(fake_mp.Service(mp.documents)) as other:
        location = {"Location": f"{other.url}materials/summary/"}
        mp.faults = [Fault(status=307, headers=location)]
        message = failure(mp, SettingsError)
        assert "refuses the key" in message
        assert [request["key"] for request in other.requests] == [None]


def test_a_server_of_something_else_is_no_materials_project(mp):
    mp.faults = [Fault(body=b'{"hello": "world"}', path="/heartbeat")]
    assert "is no Materials Project" in failure(mp, SettingsError)


@pytest.fixture
def paged(mp, monkeypatch):
    """Three pages of 4 documents."""
    monkeypatch.setattr(materials_project, "PAGE", 4)
    return mp


def test_a_second_pull_asks_only_for_the_version(paged):
    first, _ = pull(paged)
    assert [query["_page"] for query in paged.pages] == ["1", "2", "3"]
    paged.requests.clear()
    second, _ = pull(paged)
    assert not paged.pages
    assert [item.id for item in second.items] == [item.id for item in first.items]


def test_an_interrupted_pull_goes_on_with_the_page_that_is_missing(paged):
    def watch(done, _total, _note):
        if done == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        materials_project.pull({"endpoint": paged.url}, watch, quick=False)
    assert [query["_page"] for query in paged.pages] == ["1", "2"]
    paged.requests.clear()
    found, _ = pull(paged)
    assert [query["_page"] for query in paged.pages] == ["3"]
    assert {item.id for item in found.items} == all_ids(paged)


def test_a_torn_page_on_disk_is_asked_again(paged, data):
    pull(paged)
    (page,) = data.rglob("page-000002.json.gz")
    page.write_bytes(page.read_bytes()[:100])
    paged.requests.clear()
    found, _ = pull(paged)
    assert [query["_page"] for query in paged.pages] == ["2"]
    assert len(found.items) == 12


def test_another_filter_or_version_of_the_database_has_its_own_pages(paged, data):
    pull(paged)
    pull(paged, where="band_gap > 1")
    pages = set(data.rglob("page-*"))
    paged.db_version = "2027.1.1"
    paged.requests.clear()
    found, _ = pull(paged)
    assert len(paged.pages) == 3
    assert found.provenance.db_version == "2027.1.1"
    assert {item.content.metadata.db_version for item in found.items} == {"2027.1.1"}
    assert len(pages & set(data.rglob("page-*"))) == len(pages) - 3  # the old version's are gone


def test_an_order_that_changes_between_pages_is_noticed(paged, data):
    """Documents 4 to 7 would come twice and 0 to 3 never."""
    paged.arrange = lambda found, number: found[4:] + found[:4] if number == 1 else found
    message = failure(paged, CatalogError)
    assert "8 different entries in 12 documents" in message
    assert not list(data.rglob("page-*"))
    paged.arrange = lambda found, _: found
    assert len(pull(paged)[0].items) == 12


def test_a_database_that_changes_meanwhile_is_noticed(paged):
    def arrange(found, number):
        if number == 3:
            paged.db_version = "2027.1.1"
        return found

    paged.arrange = arrange
    assert f"from version {fake_mp.DB_VERSION} to 2027.1.1" in failure(paged, CatalogError)


def test_a_data_folder_that_cannot_be_written_is_one_clear_line(mp, data):
    data.write_text("a file where a folder should be")
    assert "THERMOSCREEN_HOME" in failure(mp, CatalogError)
