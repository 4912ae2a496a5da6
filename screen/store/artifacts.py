"""Immutable records of finished stages, one file or object per content key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from screen.core.errors import BrokenArtifactError, StoreError
from screen.core.records import Record
from screen.store.codec import read_record, write_record
from screen.store.files import remove_temporaries
from screen.store.folder import Folder
from screen.store.location import Location
from screen.store.storage import Storage, Stored, storage_at

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_FILE = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)/[^/]+/([A-Za-z0-9][A-Za-z0-9._-]*)\.npz")


@dataclass(frozen=True)
class Artifacts:
    """Records at ``<stage>/<first two digits of the key>/<key>.npz`` in a folder or bucket.

    Many processes on many hosts write at the same time. A record appears whole or not at all,
    and two writers of one key write the same content.
    """

    folder: Location

    def path(self, stage: str, key: str) -> Location:
        """Return the path or URL of the record of ``key``.

        Raises
        ------
        StoreError
            Stage or key is no plain file name.
        """
        return self.storage.where(self.name(stage, key))

    @staticmethod
    def name(stage: str, key: str) -> str:
        """Return the name of the record of ``key`` below the folder; raises as ``path``."""
        for name in (stage, key):
            if not _NAME.fullmatch(name):
                raise StoreError(f"{name!r} cannot name an artifact: use letters, digits, . _ -")
        return f"{stage}/{key[:2]}/{key}.npz"

    @cached_property
    def storage(self) -> Storage:
        """The files or objects themselves."""
        return storage_at(self.folder)

    def has(self, stage: str, key: str) -> bool:
        """Say whether the record is there (not whether it is readable).

        Raises
        ------
        StoreError
            The folder or bucket cannot be reached.
        """
        name = self.name(stage, key)
        try:
            return self.storage.has(name)
        except OSError as error:
            raise self._unusable("look for", name, error) from error

    def write(self, stage: str, key: str, record: Record) -> Location:
        """Write a record; writing it again is harmless.

        Raises
        ------
        StoreError
            The record holds something that cannot be stored, or the folder cannot be written.
        """
        name = self.name(stage, key)
        try:
            self.storage.write(name, lambda handle: write_record(record, handle))
        except OSError as error:
            raise self._unusable("write", name, error) from error
        return self.storage.where(name)

    def link(self, earlier: tuple[str, str], place: tuple[str, str]) -> Location:
        """Give the record of an earlier stage and key a second place.

        A folder holds it once, a bucket twice.

        Raises
        ------
        StoreError
            The record is not there, or the folder cannot be written.
        """
        source, name = self.name(*earlier), self.name(*place)
        try:
            self.storage.copy(source, name)
        except OSError as error:
            raise self._unusable("write", name, error) from error
        return self.storage.where(name)

    def read(self, stage: str, key: str) -> Record | None:
        """Read a record; None if it is absent.

        Raises
        ------
        BrokenArtifactError
            The file is truncated, garbled or of a newer program.
        StoreError
            The folder cannot be read.
        """
        name = self.name(stage, key)
        try:
            with self.storage.open(name) as handle:
                return read_record(handle)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable("read", name, error) from error
        except StoreError as error:
            raise BrokenArtifactError(
                f"the artifact {self.storage.where(name)} cannot be used: {error}. To compute it "
                "again, delete the file and campaign.duckdb, which is rebuilt, and run the campaign"
            ) from error

    def set_aside(self, stage: str, key: str) -> None:
        """Rename a broken artifact, so that its stage is computed again and nothing is lost."""
        self.storage.set_aside(self.name(stage, key))

    def listed(self) -> Iterator[tuple[tuple[str, str], Stored]]:
        """Yield all records as stage and key, with their files; what is no record is left out.

        Raises
        ------
        StoreError
            The folder or bucket cannot be listed.
        """
        for stored in self.files():
            place = place_of(stored)
            if place is not None:
                yield place, stored

    def files(self) -> Iterator[Stored]:
        """Yield all files, records or not; raises as ``listed``."""
        try:
            yield from self.storage.files()
        except OSError as error:
            raise self._unusable("list", "", error) from error

    def remove_temporaries(self, older_than_s: float = 86400.0) -> int:
        """Remove what writers killed over a day ago left behind; return how many files.

        An object store has none: there is no object before the PUT has ended.
        """
        if not isinstance(self.storage, Folder):
            return 0
        return remove_temporaries(self.storage.path, "*/*/.*.tmp", older_than_s)

    def _unusable(self, deed: str, name: str, error: OSError) -> StoreError:
        where = self.storage.where(name)
        return StoreError(f"cannot {deed} the artifact {where}: {error.strerror or error}")


def place_of(stored: Stored) -> tuple[str, str] | None:
    """Return stage and key of a record's file; None for any other file."""
    match = _FILE.fullmatch(stored.name)
    return None if match is None else (match[1], match[2])
