"""Crystals of the Materials Project, through its client mp-api."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from shutil import rmtree
from typing import Any

from screen.core.errors import CatalogError
from screen.core.records import Candidate, Rejected
from screen.sources import _options, _where
from screen.sources._http import checked_url
from screen.sources._items import Item
from screen.sources._mp_client import ENDPOINT, FIELDS, Client, check_key, client_version
from screen.sources._mp_documents import CITATION, item_of_document
from screen.sources._mp_query import NOT_GNOME, Search, searches, with_defaults
from screen.sources._pages import Page, folder_of, walk
from screen.sources._pull import Count, Provenance, Pull, Watch, pulled, silent

SOURCE = "materials_project"
OPTIONS = ("where", "include_gnome", "limit", "endpoint", "timeout")
PAGE = 1000  # documents, as many as the server gives at a time
QUICK = 100  # documents of a quick look
TIMEOUT = 60.0  # s


@dataclass(frozen=True)
class _Query:
    """Options, checked."""

    conditions: tuple[_where.Condition, ...]
    searches: tuple[Search, ...]
    limit: int | None
    endpoint: str
    timeout: float


def candidates(options: Mapping[str, Any]) -> Iterator[Candidate | Rejected]:
    """Yield entries of the Materials Project that fit, in the order of their identifiers.

    Options: ``where`` (a filter such as ``band_gap > 0.5 and nsites <= 12``), ``include_gnome``
    (also entries under CC BY-NC; off), ``limit`` (first so many of what is left), ``endpoint``
    (another server of the same kind), ``timeout`` (s, for each request).

    The key is read from ``MP_API_KEY``. Pages are kept in the user's data folder, so an interrupted
    pull goes on, and a second one only asks for the version of the database.

    Raises
    ------
    SettingsError
        An option is unknown or wrong, or the key is missing or refused.
    CatalogError
        The server cannot be reached, or nothing fits.
    """
    query = _query(options)
    return _pull(query, options, silent, quick=False).nonempty().candidates()


def pull(options: Mapping[str, Any], watch: Watch, quick: bool) -> Pull:
    """Everything that fits, with its provenance; ``quick``: of the first documents only.

    Raises
    ------
    SettingsError, CatalogError
        As ``candidates``, but an empty answer is no error.
    """
    return _pull(_query(options), options, watch, quick)


def _query(options: Mapping[str, Any]) -> _Query:
    """Check the options, and that there is a key."""
    _options.check_known(SOURCE, options, OPTIONS)
    conditions = with_defaults(_where.parse(SOURCE, options.get("where")))
    include_gnome = _options.flag(SOURCE, options, "include_gnome")
    query = _Query(
        conditions=conditions if include_gnome else (*conditions, NOT_GNOME),
        searches=tuple(searches(conditions, include_gnome)),
        limit=_options.limit(SOURCE, options),
        endpoint=checked_url(SOURCE, "endpoint", options.get("endpoint", ENDPOINT)),
        timeout=_options.positive(SOURCE, options, "timeout", TIMEOUT),
    )
    check_key(query.endpoint)
    return query


def _pull(query: _Query, options: Mapping[str, Any], watch: Watch, quick: bool) -> Pull:
    """Pull all documents, or the first ones of each search."""
    count = Count(watch)
    client = Client(query.endpoint, query.timeout, count.note)

    def items() -> Iterator[Item]:
        for search in query.searches:
            for page in _pages(client, query, search, quick):
                count.add(page)
                for document in page.documents:
                    yield item_of_document(document, client.db_version)
        if not quick:
            _check_version(client)
        count.note("comparing structures")

    def provenance() -> Provenance:
        return Provenance(
            source=SOURCE,
            query=dict(options),
            filters=tuple(str(condition) for condition in query.conditions),
            citation=CITATION,
            url=query.endpoint,
            db_version=client.db_version,
            client=client_version(),
            found=count.total,
            received=count.done,
            complete=not quick or count.done == count.total,
        )

    return pulled(items(), query.conditions, provenance, query.limit)


def _pages(client: Client, query: _Query, search: Search, quick: bool) -> Iterator[Page]:
    """Yield the pages of one search; all documents once, or an error."""
    if quick:
        yield client.page(search, 1, QUICK)
        return
    asked = {"endpoint": query.endpoint, "fields": FIELDS, "size": PAGE, **search}
    folder = folder_of(SOURCE, asked, client.db_version)
    totals, identifiers, received = set(), set(), 0
    for page in walk(lambda number: client.page(search, int(number), PAGE), "1", folder):
        totals.add(page.total)
        received += len(page.documents)
        identifiers |= {str(document["material_id"]) for document in page.documents}
        yield page
    if totals != {len(identifiers)} or received != len(identifiers):
        rmtree(folder, ignore_errors=True)
        raise CatalogError(
            f"source {SOURCE!r}: the server sent {len(identifiers)} different entries in "
            f"{received} documents where it counts {sorted(totals, key=str)}: its data changed "
            "meanwhile; run the command again"
        )


def _check_version(client: Client) -> None:
    """Refuse entries of two versions of the database."""
    now = client.current_version()
    if now != client.db_version:
        raise CatalogError(
            f"source {SOURCE!r}: the database changed from version {client.db_version} to {now} "
            "while it was read; run the command again"
        )
