"""A folder on a local or network file system as storage, its small files perhaps in packs."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from screen.core.errors import BrokenArtifactError
from screen.store import packs
from screen.store.files import Write, link_or_copy, sync_folder, write_atomically
from screen.store.storage import BROKEN, Stored, stem_of


@dataclass(frozen=True)
class Folder:
    """Files below a folder. A file of its own wins over a member of a pack of the same name."""

    path: Path

    def where(self, name: str) -> Path:
        """Return a file's path."""
        return self.path / name

    def has(self, name: str) -> bool:
        """Say whether a file is there, by itself or packed."""
        path = self.path / name
        return path.is_file() or self._packed(path)

    def open(self, name: str) -> BinaryIO:
        """Open a file, or read it from its pack."""
        path = self.path / name
        try:
            return path.open("rb")
        except FileNotFoundError:
            content = packs.read_member(path.parent, path.name)
            if content is None or path.with_suffix(BROKEN).exists():
                raise
            return BytesIO(content)

    def write(self, name: str, write: Write) -> None:
        """Write through a temporary file, fsync and rename."""
        write_atomically(self.path / name, write)

    def copy(self, source: str, name: str) -> None:
        """Link, or copy where the file system has no links or the source is packed."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            link_or_copy(self.path / source, path)
        except FileNotFoundError:
            with self.open(source) as handle:
                content = handle.read()
            write_atomically(path, lambda handle: handle.write(content))

    def set_aside(self, name: str) -> None:
        """Rename a file; a packed one is written out, and its member hidden by that."""
        path = self.path / name
        try:
            path.replace(path.with_suffix(BROKEN))
        except FileNotFoundError:
            try:
                content = packs.read_member(path.parent, path.name)
            except BrokenArtifactError:  # not even its bytes can be had
                content = b""
            if content is None:
                raise
            write_atomically(path.with_suffix(BROKEN), lambda handle: handle.write(content))

    def files(self, below: str = "") -> Iterator[Stored]:
        """Yield all files, folder by folder in order, then the members of that folder's pack.

        A broken pack is yielded itself, with its problem.
        """
        for parent, folders, names in os.walk(self.path / below):
            folders.sort()
            folder = Path(parent)
            prefix = "" if folder == self.path else f"{folder.relative_to(self.path).as_posix()}/"
            yield from self._files_in(folder, prefix, sorted(names))

    def delete(self, names: Collection[str]) -> None:
        """Delete files and members of packs; each pack is written anew once at most."""
        by_folder: dict[Path, set[str]] = defaultdict(set)
        for name in names:
            path = self.path / name
            by_folder[path.parent].add(path.name)
        for folder, gone in by_folder.items():
            packed = {} if packs.problem(folder) else packs.members(folder)
            hidden = {f"{stem_of(name)}.npz" for name in gone if name.endswith(BROKEN)}
            dropped = {name for name in gone | hidden if name in packed}
            if dropped:
                packs.rewrite(folder, (), dropped)
            for name in gone:
                (folder / name).unlink(missing_ok=True)

    def pack(self, below: str, largest: int) -> int:
        """Move the files of a folder of at most ``largest`` bytes to its pack; return how many.

        Killed at any point, every file is there: the pack is whole before a file goes.

        Raises
        ------
        OSError
            The disk is full; nothing has changed then.
        BrokenArtifactError
            The old pack is broken.
        """
        folder = self.path / below
        found = list(self._files_in(folder, "", [path.name for path in folder.iterdir()]))
        marked = {f"{stem_of(entry.name)}.npz" for entry in found if entry.name.endswith(BROKEN)}
        loose = {
            entry.name
            for entry in found
            if entry.name.endswith(".npz") and not entry.packed and entry.size <= largest
        } - marked  # the mark would hide it in the pack
        hidden = marked & packs.members(folder).keys()
        if loose or hidden:
            packs.rewrite(folder, loose, hidden)
        for name in loose:
            (folder / name).unlink()
        sync_folder(folder)
        return len(loose)

    def _packed(self, path: Path) -> bool:
        """Say whether a pack has a file that is not hidden."""
        packed = packs.has_member(path.parent, path.name)
        return packed and not path.with_suffix(BROKEN).exists()

    def _files_in(self, folder: Path, prefix: str, names: Collection[str]) -> Iterator[Stored]:
        """Yield a folder's files, then what its pack alone has."""
        present = set()
        for name in names:
            if name == packs.PACK:
                continue
            try:
                status = (folder / name).stat()
            except FileNotFoundError:  # renamed by its writer, or packed meanwhile
                continue
            present.add(name)
            yield Stored(prefix + name, status.st_size, status.st_mtime)
        try:
            packed_at = (folder / packs.PACK).stat().st_mtime
        except FileNotFoundError:
            return
        try:
            packed = packs.members(folder)
        except BrokenArtifactError as error:
            size = (folder / packs.PACK).stat().st_size
            yield Stored(prefix + packs.PACK, size, packed_at, problem=str(error))
            return
        for name, size in packed.items():
            if name not in present and f"{stem_of(name)}{BROKEN}" not in present:
                yield Stored(prefix + name, size, packed_at, packed=True)
