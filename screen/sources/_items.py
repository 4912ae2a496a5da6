"""One entry of a database: a crystal with what is known about it, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from screen.core.identities import DUPLICATE, own_names, why_refused
from screen.core.records import Candidate, Rejected
from screen.sources._entries import Entry, Problem


@dataclass(frozen=True, eq=False)
class Item:
    """An entry on its way into a catalog."""

    id: str
    content: Entry | Problem
    facts: Mapping[str, Any] = field(default_factory=dict)  # by the names of ``_where.KINDS``
    duplicates: tuple[str, ...] = ()  # ids of entries of the same structure that are not kept


def candidate_of(item: Item, source: str) -> Candidate | Rejected:
    """Record of an entry, for the pipeline."""
    if isinstance(item.content, Problem):
        return Rejected(item.id, source, item.content.kind, item.content.message)
    entry = item.content
    return Candidate(item.id, source, entry.crystal, entry.hints, entry.metadata)


def item_of(candidate: Candidate | Rejected) -> Item:
    """Entry of a record that any source gives."""
    if isinstance(candidate, Rejected):
        return Item(candidate.id, Problem(candidate.kind, candidate.message))
    crystal, metadata = candidate.crystal, candidate.metadata
    facts = {
        "nsites": len(crystal),
        "elements": crystal.elements,
        "nelements": len(crystal.elements),
        "band_gap": metadata.band_gap,
        "energy_above_hull": metadata.energy_above_hull,
        "theoretical": metadata.theoretical,
        "magnetic_ordering": metadata.magnetic_ordering,
    }
    return Item(candidate.id, Entry(crystal, candidate.hints, metadata), facts)


def told_apart(items: Sequence[Item]) -> list[Item]:
    """Entries of which the later one of two with one id is a problem, under a name of its own."""
    names = own_names([item.id for item in items])
    return [
        item if name == item.id else _refused(item, name)
        for item, name in zip(items, names, strict=True)
    ]


def _refused(item: Item, name: str) -> Item:
    if isinstance(item.content, Problem):
        return replace(item, id=name)
    problem = Problem(DUPLICATE, f"{name} {why_refused(item.id)}")
    return replace(item, id=name, content=problem)
