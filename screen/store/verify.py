"""Compare every artifact with the digest that it was written with, and all of them with outcomes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from screen.core.errors import StoreError
from screen.store.artifacts import Artifacts, place_of
from screen.store.census import Place
from screen.store.codec import check_bytes
from screen.store.storage import Stored

THREADS = 8  # files or objects read at once
_BATCH = 1000


@dataclass
class Verdict:
    """What was found; damage is what is broken or missing, as all is that a broken pack held."""

    checked: int = 0
    size: int = 0  # bytes
    broken: dict[Place, str] = field(default_factory=dict)  # why
    packs: dict[str, str] = field(default_factory=dict)  # names of packs without use, and why
    missing: list[Place] = field(default_factory=list)  # an outcome refers to them
    orphaned: list[Place] = field(default_factory=list)  # nothing will ask for them

    @property
    def damaged(self) -> bool:
        """Say whether anything is broken or missing."""
        return bool(self.broken or self.packs or self.missing)


def verify(
    artifacts: Artifacts, referenced: Collection[Place], wanted: Collection[Place]
) -> Verdict:
    """Read all artifacts.

    Parameters
    ----------
    referenced
        What outcomes refer to: it must be there.
    wanted
        What a campaign that goes on would ask for: it may be there.

    Raises
    ------
    StoreError
        The folder or bucket cannot be read at all.
    """
    verdict, present = Verdict(), set[Place]()
    listed = _records(artifacts, verdict.packs)
    with ThreadPoolExecutor(THREADS) as threads:
        while batch := list(islice(listed, _BATCH)):
            found = threads.map(lambda item: _problem(artifacts, item[1]), batch)
            for (place, stored), problem in zip(batch, found, strict=True):
                present.add(place)
                verdict.checked += 1
                verdict.size += stored.size
                if problem is not None:
                    verdict.broken[place] = problem
                if place not in referenced and place not in wanted:
                    verdict.orphaned.append(place)
    verdict.missing = sorted(set(referenced) - present)
    return verdict


def _records(artifacts: Artifacts, broken_packs: dict[str, str]) -> Iterator[tuple[Place, Stored]]:
    """Yield all records as ``Artifacts.listed``, and note the packs that hide theirs."""
    for stored in artifacts.files():
        place = place_of(stored)
        if place is not None:
            yield place, stored
        elif stored.problem is not None:
            broken_packs[stored.name] = stored.problem


def _problem(artifacts: Artifacts, stored: Stored) -> str | None:
    """Return what is wrong with a file; None if it is as it was written."""
    try:
        with artifacts.storage.open(stored.name) as handle:
            check_bytes(handle.read())
    except FileNotFoundError:  # set aside or deleted since it was listed
        return "it has just been deleted"
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    except StoreError as error:
        return str(error)
    return None
