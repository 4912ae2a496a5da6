"""Two entries of one name: the first one keeps it, the other is refused under a name of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count

from screen.core.records import Candidate, Rejected

DUPLICATE = "duplicate_id"  # kind of ``Rejected``


def own_names(ids: Sequence[str]) -> list[str]:
    """Return a name for each entry: its id, or ``id (2)`` where an earlier entry has it.

    No two names are equal, and no entry loses its id to a made-up name.
    """
    taken, seen = set(ids), set[str]()
    names = []
    for identifier in ids:
        name = identifier
        if identifier in seen:
            made = (f"{identifier} ({number})" for number in count(2))
            name = next(name for name in made if name not in taken)
        seen.add(identifier)
        taken.add(name)
        names.append(name)
    return names


def why_refused(identifier: str) -> str:
    """Say what is wrong with an entry that has the id of an earlier one."""
    return (
        f"has the same id {identifier!r} as an earlier entry of the source, which is kept; "
        "give each crystal an id of its own"
    )


def told_apart(entries: Iterable[Candidate | Rejected]) -> list[Candidate | Rejected]:
    """Return a source's entries in their order; of two with one id the later one is rejected."""
    found = list(entries)
    names = own_names([entry.id for entry in found])
    return [
        entry if name == entry.id else _refused(entry, name)
        for entry, name in zip(found, names, strict=True)
    ]


def _refused(entry: Candidate | Rejected, name: str) -> Rejected:
    if isinstance(entry, Rejected):
        return Rejected(name, entry.source, entry.kind, entry.message)
    return Rejected(name, entry.source, DUPLICATE, f"{name} {why_refused(entry.id)}")
