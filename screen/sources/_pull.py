"""What a pull from a database brings home: entries, what was dropped, and where it all is from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from screen.core.errors import CatalogError
from screen.core.records import Candidate, Rejected
from screen.sources._cells import crystal_system, primitive_cell
from screen.sources._distances import overlap
from screen.sources._duplicates import distinct
from screen.sources._entries import Entry, Problem
from screen.sources._items import Item, candidate_of, told_apart
from screen.sources._pages import Page
from screen.sources._where import Condition, unmet

Watch = Callable[[int, int | None, str], None]
"""Told how many documents have come, how many are expected, and what is being done."""


def silent(_done: int, _total: int | None, _note: str) -> None:
    """Watch nothing."""


class Count:
    """Documents so far, for whoever watches."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.done = 0
        self.total: int | None = None
        self.finished = True  # the last page of the present search has come

    def add(self, page: Page) -> None:
        """Count the documents of a page; the first page of a search says how many there are."""
        if self.finished and page.total is not None:
            self.total = (self.total or 0) + page.total
        self.finished = page.following is None
        self.done += len(page.documents)
        self.note("")

    def note(self, text: str) -> None:
        """Tell how far we are and what is being done."""
        self._watch(self.done, self.total, text)


@dataclass(frozen=True)
class Provenance:
    """Where the entries of a catalog come from."""

    source: str
    query: Mapping[str, Any]  # options of the source
    filters: tuple[str, ...] = ()  # with the defaults, as checked here
    citation: str | None = None
    url: str | None = None
    db_version: str | None = None
    client: str | None = None  # package that asked, with its version
    found: int | None = None  # documents that match, as the server counts
    received: int = 0
    complete: bool = True  # False: a quick look at the first ones
    pulled_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    thermoscreen: str = field(default_factory=lambda: version("thermoscreen"))


@dataclass(frozen=True, eq=False)
class Pull:
    """Entries in a stable order, how many were dropped for what reason, and their provenance."""

    items: tuple[Item, ...]
    dropped: Mapping[str, int]
    provenance: Provenance

    @property
    def rejected(self) -> Mapping[str, int]:
        """Entries that are no usable crystal, by kind."""
        contents = (item.content for item in self.items)
        return dict(Counter(one.kind for one in contents if isinstance(one, Problem)))

    @property
    def licences(self) -> Mapping[str, int]:
        """Entries by licence."""
        contents = (item.content for item in self.items)
        found = (one.metadata.licence for one in contents if isinstance(one, Entry))
        return dict(Counter(licence or "unknown" for licence in found))

    def limited(self, limit: int | None) -> Pull:
        """Return the first so many entries; the others count as dropped."""
        if limit is None or len(self.items) <= limit:
            return self
        beyond = len(self.items) - limit
        return replace(self, items=self.items[:limit]).dropping(f"beyond limit = {limit}", beyond)

    def dropping(self, reason: str, count: int) -> Pull:
        """Return the pull with so many more dropped for a reason."""
        return replace(self, dropped={**self.dropped, reason: count}) if count > 0 else self

    def candidates(self) -> Iterator[Candidate | Rejected]:
        """Yield the entries as candidates."""
        for item in self.items:
            yield candidate_of(item, self.provenance.source)

    def nonempty(self) -> Pull:
        """Return the pull if it has entries.

        Raises
        ------
        CatalogError
            There are none; the message says what became of the documents.
        """
        if not self.items:
            raise CatalogError(f"source {self.provenance.source!r}: {self._nothing()}")
        return self

    def _nothing(self) -> str:
        """Say why there are no entries."""
        if not self.provenance.received:
            filters = " and ".join(self.provenance.filters) or "the filter"
            return f"the database has no entry that fits {filters}; loosen it"
        reasons = ", ".join(f"{count} by {reason}" for reason, count in self.dropped.items())
        return f"all {self.provenance.received} entries were dropped ({reasons}); loosen the filter"


def pulled(
    items: Iterable[Item],
    conditions: tuple[Condition, ...],
    provenance: Callable[[], Provenance],
    limit: int | None,
) -> Pull:
    """Reduce to primitive cells, check every filter, and keep one entry per structure.

    Entries that are no usable crystal are kept with their problem, and so is the later one of two
    structures with one id. ``provenance`` is asked when all items have come.
    """
    kept, dropped = sifted(map(_reduced, items), conditions)
    unique = distinct(kept)
    if len(unique) < len(kept):
        dropped["duplicate structure"] = len(kept) - len(unique)
    return Pull(tuple(told_apart(unique)), dropped, provenance()).limited(limit)


def sifted(
    items: Iterable[Item], conditions: tuple[Condition, ...]
) -> tuple[list[Item], dict[str, int]]:
    """Items that fulfil all conditions, and how many failed which; problems are kept."""
    dropped: Counter[str] = Counter()
    kept = []
    for item in items:
        failed = unmet(conditions, item.facts) if isinstance(item.content, Entry) else None
        if failed is None:
            kept.append(item)
        else:
            unknown = " (unknown)" if item.facts.get(failed.name) is None else ""
            dropped[f"{failed}{unknown}"] += 1
    return kept, dict(dropped)


def _reduced(item: Item) -> Item:
    """Item with its primitive cell, and with the facts that follow from it."""
    if not isinstance(item.content, Entry):
        return item
    found = primitive_cell(item.content.crystal)
    if isinstance(found, Problem):
        return replace(item, content=Problem(found.kind, f"{item.id} {found.message}"))
    crystal, number = found
    too_near = overlap(crystal)
    if too_near is not None:
        return replace(item, content=Problem(too_near.kind, f"{item.id} {too_near.message}"))
    known = {name: value for name, value in item.facts.items() if value is not None}
    facts = {
        "space_group": number,
        "crystal_system": crystal_system(number),
        **known,
        "space_group_found": number,
        "nsites": len(crystal),
        "elements": crystal.elements,
        "nelements": len(crystal.elements),
    }
    return replace(item, content=replace(item.content, crystal=crystal), facts=facts)
