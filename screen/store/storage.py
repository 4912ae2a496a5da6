"""Named files in a folder, or objects in a bucket: what artifacts and ledger lie on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from screen.store.files import Write
from screen.store.location import Location

BROKEN = ".broken"
"""Suffix of what was set aside; a packed file of that stem is hidden by it."""


@dataclass(frozen=True)
class Stored:
    """A file or object."""

    name: str  # below the root, with / between folders
    size: int  # bytes
    modified: float  # s since 1970
    packed: bool = False  # a member of a pack
    problem: str | None = None  # why it is a pack that cannot be looked up in


class Storage(Protocol):
    """Files by names such as ``relax/a1/a1b2.npz``."""

    def where(self, name: str) -> Location:
        """Return the path or URL of a file."""
        ...

    def has(self, name: str) -> bool:
        """Say whether a file is there."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading.

        Raises
        ------
        FileNotFoundError
            It is not there.
        OSError
            It cannot be read.
        """
        ...

    def write(self, name: str, write: Write) -> None:
        """Write a file that appears whole or not at all.

        Raises
        ------
        OSError
            It cannot be written.
        """
        ...

    def copy(self, source: str, name: str) -> None:
        """Give a file a second name, without a second copy where that can be."""
        ...

    def set_aside(self, name: str) -> None:
        """Rename a file to ``<stem>.broken``: nothing has it any more, nothing is lost."""
        ...

    def files(self, below: str = "") -> Iterator[Stored]:
        """Yield all files below a folder, those that were set aside and temporaries included."""
        ...

    def delete(self, names: Collection[str]) -> None:
        """Delete files; a missing one is no error."""
        ...


def stem_of(name: str) -> str:
    """Return a name without its suffix."""
    return name.rpartition(".")[0]


def storage_at(place: Location) -> Storage:
    """Return the storage of a folder or URL."""
    if isinstance(place, str):
        from screen.store.bucket import Bucket

        return Bucket(place)
    from screen.store.folder import Folder

    return Folder(place)
