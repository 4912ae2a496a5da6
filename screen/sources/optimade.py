"""Crystals of any database that speaks OPTIMADE 1.x (optimade.org/providers-dashboard)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from screen.core.errors import SettingsError
from screen.core.records import Candidate, Metadata, Rejected
from screen.sources import _options, _where
from screen.sources._http import checked_url
from screen.sources._items import Item
from screen.sources._optimade_client import Client
from screen.sources._optimade_documents import FIELDS, item_of_structure
from screen.sources._pages import folder_of, walk
from screen.sources._pull import Count, Provenance, Pull, Watch, pulled, silent

SOURCE = "optimade"
OPTIONS = (
    *("base_url", "filter", "where", "limit", "properties", "licence", "citation"),
    *("page_size", "timeout"),
)
PROPERTIES = ("band_gap", "energy_above_hull")
CITATION = "M. L. Evans et al., Digital Discovery 3, 1509 (2024), doi:10.1039/D4DD00039K"
TIMEOUT = 60.0  # s
PAGE = 100  # structures per request


@dataclass(frozen=True)
class _Query:
    """Options, checked."""

    base_url: str  # with the major version
    filter: str | None
    conditions: tuple[_where.Condition, ...]
    limit: int | None
    properties: Mapping[str, str]
    licence: str | None
    citation: str
    page_size: int
    timeout: float

    @property
    def address(self) -> str:
        """Where the first page is."""
        fields = (*FIELDS, *self.properties.values())
        query = {"filter": self.filter} if self.filter else {}
        query |= {"response_fields": ",".join(fields), "page_limit": str(self.page_size)}
        return f"{self.base_url}structures?{urlencode(query)}"


def candidates(options: Mapping[str, Any]) -> Iterator[Candidate | Rejected]:
    """Yield the structures of a provider that fit, in its order.

    Options: ``base_url`` (of the provider, with or without ``/v1``), ``filter`` (in the language
    of OPTIMADE, e.g. ``elements HAS ALL "Si","O" AND nelements=2``), ``where`` (a filter that is
    checked here), ``limit`` (first so many of what is left), ``properties`` (the provider's
    names for ``band_gap`` and ``energy_above_hull``, e.g. ``{band_gap = "_oqmd_band_gap"}``),
    ``licence`` and ``citation`` (of the provider's data), ``page_size``, ``timeout`` (s).

    Disordered and incomplete structures are ``Rejected``: partial_occupancy, incomplete_structure,
    not_periodic, unreadable_entry, no_space_group.

    Raises
    ------
    SettingsError
        An option is unknown or wrong, or the provider refuses the filter.
    CatalogError
        The provider cannot be reached, or nothing fits.
    """
    return _pull(_query(options), options, silent, quick=False).nonempty().candidates()


def pull(options: Mapping[str, Any], watch: Watch, quick: bool) -> Pull:
    """Everything that fits, with its provenance; ``quick``: of the first page only.

    Raises
    ------
    SettingsError, CatalogError
        As ``candidates``, but an empty answer is no error.
    """
    return _pull(_query(options), options, watch, quick)


def _query(options: Mapping[str, Any]) -> _Query:
    """Check the options."""
    _options.check_known(SOURCE, options, OPTIONS)
    conditions = _where.parse(SOURCE, options.get("where"))
    limit = _options.limit(SOURCE, options)
    if "base_url" not in options:
        raise SettingsError(f"source {SOURCE!r} needs base_url: the address of a provider")
    base = checked_url(SOURCE, "base_url", options["base_url"])
    return _Query(
        base_url=base if base.endswith("/v1/") else base + "v1/",
        filter=_options.text(SOURCE, options, "filter"),
        conditions=conditions,
        limit=limit,
        properties=_properties(options.get("properties", {})),
        licence=_options.text(SOURCE, options, "licence"),
        citation=_options.text(SOURCE, options, "citation") or CITATION,
        page_size=_options.count(SOURCE, options, "page_size", PAGE),
        timeout=_options.positive(SOURCE, options, "timeout", TIMEOUT),
    )


def _properties(value: object) -> Mapping[str, str]:
    """Check the provider's names of the properties that we keep."""
    if (
        isinstance(value, Mapping)
        and value.keys() <= set(PROPERTIES)
        and all(isinstance(name, str) for name in value.values())
    ):
        return dict(value)
    raise SettingsError(
        f"source {SOURCE!r}: properties={value!r} must be a table with {' or '.join(PROPERTIES)}, "
        "each the provider's name for it"
    )


def _pull(query: _Query, options: Mapping[str, Any], watch: Watch, quick: bool) -> Pull:
    """Pull all structures, or those of the first page."""
    count = Count(watch)
    client = Client(query.base_url, query.timeout, count.note)
    info = client.info()
    version = str((info.get("database") or {}).get("version") or "") or None
    today = datetime.now(UTC).date().isoformat()  # without a version, pages serve for a day
    address = query.address
    folder = folder_of(SOURCE, {"address": address}, version or today)

    provided = Metadata(licence=query.licence, citation=query.citation, db_version=version)

    def items() -> Iterator[Item]:
        for page in walk(client.page, address, folder):
            count.add(page)
            for document in page.documents:
                yield item_of_structure(document, query.properties, provided)
            if quick:
                return
        count.note("comparing structures")

    def provenance() -> Provenance:
        return Provenance(
            source=SOURCE,
            query=dict(options),
            filters=(*([query.filter] if query.filter else []), *map(str, query.conditions)),
            citation=query.citation,
            url=query.base_url,
            db_version=version,
            client=f"OPTIMADE {info.get('api_version', '1')}",
            found=count.total,
            received=count.done,
            complete=count.finished,
        )

    found = pulled(items(), query.conditions, provenance, query.limit)
    missing = (count.total or 0) - count.done
    return found.dropping("not sent by the provider", missing if count.finished else 0)
