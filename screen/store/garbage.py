"""What nobody will read again: artifacts nothing asks for, files set aside, torn temporaries."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass

from screen.core.errors import StoreError
from screen.store.artifacts import Artifacts
from screen.store.census import Place
from screen.store.files import TEMPORARY_SUFFIX
from screen.store.storage import BROKEN, Stored


@dataclass(frozen=True)
class Garbage:
    """A file to be deleted, and what it is."""

    kind: str  # artifact, part, set aside, temporary
    stored: Stored


def garbage(
    artifacts: Artifacts,
    keep: Collection[Place],
    joined_parts: Collection[Place],
    older_than_s: float,
) -> list[Garbage]:
    """List what can go, oldest rule first: whatever is younger than ``older_than_s`` stays.

    Parameters
    ----------
    keep
        What outcomes refer to, and what a campaign that goes on would ask for.
    joined_parts
        Parts of divided stages whose materials are through; all other parts stay.

    Raises
    ------
    StoreError
        The folder or bucket cannot be listed.
    """
    newest = time.time() - older_than_s
    found = [
        Garbage(kind, stored)
        for stored in artifacts.files()
        if stored.modified <= newest
        if (kind := _kind(stored)) is not None
    ]
    for (stage, key), stored in artifacts.listed():
        if stored.modified > newest or (stage, key) in keep:
            continue
        if not stage.endswith("_parts"):
            found.append(Garbage("artifact", stored))
        elif (stage, key) in joined_parts:
            found.append(Garbage("part", stored))
    return found


def delete(artifacts: Artifacts, found: Collection[Garbage]) -> None:
    """Delete what was listed.

    Raises
    ------
    StoreError
        The folder cannot be written; what is left is listed again next time.
    """
    try:
        artifacts.storage.delete([item.stored.name for item in found])
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"cannot delete in {artifacts.folder}: {why}") from error


def _kind(stored: Stored) -> str | None:
    """Return the kind of a file that is never read; None for an artifact."""
    if stored.name.endswith(BROKEN):
        return "set aside"
    if stored.name.endswith(TEMPORARY_SUFFIX):
        return "temporary"
    return None
