"""Immutable records of finished stages, one file per content key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from screen.core.errors import BrokenArtifactError, StoreError
from screen.core.records import Record
from screen.store.codec import read_record, write_record
from screen.store.files import link_or_copy, remove_temporaries, write_atomically

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Artifacts:
    """A folder of records at ``<stage>/<first two digits of the key>/<key>.npz``.

    Many processes on many hosts write at the same time. A file appears whole or not at all,
    and two writers of one key write the same content.
    """

    folder: Path

    def path(self, stage: str, key: str) -> Path:
        """Return where the record of ``key`` lies.

        Raises
        ------
        StoreError
            Stage or key is no plain file name.
        """
        for name in (stage, key):
            if not _NAME.fullmatch(name):
                raise StoreError(f"{name!r} cannot name an artifact: use letters, digits, . _ -")
        return self.folder / stage / key[:2] / f"{key}.npz"

    def has(self, stage: str, key: str) -> bool:
        """Say whether the record is there (not whether it is readable)."""
        return self.path(stage, key).is_file()

    def write(self, stage: str, key: str, record: Record) -> Path:
        """Write a record; writing it again is harmless.

        Raises
        ------
        StoreError
            The record holds something that cannot be stored, or the folder cannot be written.
        """
        path = self.path(stage, key)
        try:
            write_atomically(path, lambda handle: write_record(record, handle))
        except OSError as error:
            raise StoreError(f"cannot write the artifact {path}: {error.strerror}") from error
        return path

    def link(self, earlier: tuple[str, str], place: tuple[str, str]) -> Path:
        """Give the record of an earlier stage and key a second place, without a second copy.

        Raises
        ------
        StoreError
            The record is not there, or the folder cannot be written.
        """
        source, path = self.path(*earlier), self.path(*place)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            link_or_copy(source, path)
        except OSError as error:
            raise StoreError(f"cannot write the artifact {path}: {error.strerror}") from error
        return path

    def read(self, stage: str, key: str) -> Record | None:
        """Read a record; None if it is absent.

        Raises
        ------
        BrokenArtifactError
            The file is truncated, garbled or of a newer program.
        StoreError
            The folder cannot be read.
        """
        path = self.path(stage, key)
        try:
            with path.open("rb") as handle:
                return read_record(handle)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"cannot read the artifact {path}: {error.strerror}") from error
        except StoreError as error:
            raise BrokenArtifactError(
                f"the artifact {path} cannot be used: {error}. To compute it again, delete the file "
                "and campaign.duckdb, which is rebuilt, and run the campaign"
            ) from error

    def set_aside(self, stage: str, key: str) -> None:
        """Rename a broken artifact, so that its stage is computed again and nothing is lost."""
        path = self.path(stage, key)
        path.replace(path.with_suffix(".broken"))

    def remove_temporaries(self, older_than_s: float = 86400.0) -> int:
        """Remove what writers killed over a day ago left behind; return how many files."""
        return remove_temporaries(self.folder, "*/*/.*.tmp", older_than_s)
