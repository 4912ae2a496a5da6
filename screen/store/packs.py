"""Packs: the small files of one folder in one zip file beside them, so that inodes do not run out.

A pack is a plain zip archive of uncompressed members; ``unzip`` gives the files back. Only
maintenance commands, which hold the run's lock, write packs, always as a new file; everybody else
reads them. A name is looked up in the bytes of the central directory, which takes no index in
memory and microseconds for thousands of members.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from screen.core.errors import BrokenArtifactError, StoreError
from screen.store.files import write_atomically

PACK = "packed.zip"
_COMMENT = b"thermoscreen pack"  # tells a pack's end from that of a member, which is a zip file too
_END = struct.Struct("<4s4H2LH")  # ..., size and offset of the directory, length of the comment
_LISTED = struct.Struct("<4s6H3L5H2L")  # ..., size of a member, ..., offset of its header
_HEADER = struct.Struct("<4s22xHH")  # signature, length of name, length of extra field


@dataclass(frozen=True)
class Member:
    """Where a member lies in its pack."""

    offset: int  # bytes, of its header
    size: int  # bytes


def members(folder: Path) -> Mapping[str, int]:
    """Return the sizes of the members of a folder's pack by name; none without a pack.

    Raises
    ------
    BrokenArtifactError
        The pack is broken.
    """
    pack = folder / PACK
    try:
        with pack.open("rb") as handle:
            _directory(pack, handle)  # zipfile takes more for an archive than a look-up does
            archive = zipfile.ZipFile(handle)
            return {entry.filename: entry.file_size for entry in archive.infolist()}
    except FileNotFoundError:
        return {}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise _broken(pack, str(error)) from error


def problem(folder: Path) -> str | None:
    """Say what is wrong with a folder's pack; None without one, or if it can be looked up in."""
    try:
        members(folder)
    except BrokenArtifactError as error:
        return str(error)
    return None


def has_member(folder: Path, name: str) -> bool:
    """Say whether a folder's pack has a member.

    Raises
    ------
    BrokenArtifactError
        The pack is broken.
    """
    pack = folder / PACK
    try:
        with pack.open("rb") as handle:
            return _find(_directory(pack, handle), name) is not None
    except FileNotFoundError:
        return False


def read_member(folder: Path, name: str) -> bytes | None:
    """Return the bytes of a member, None without one.

    Raises
    ------
    BrokenArtifactError
        The pack is broken.
    """
    pack = folder / PACK
    try:
        with pack.open("rb") as handle:
            member = _find(_directory(pack, handle), name)
            return None if member is None else _content(pack, handle, member)
    except FileNotFoundError:
        return None


def rewrite(folder: Path, added: Collection[str], dropped: Collection[str]) -> None:
    """Replace a folder's pack by one that also holds ``added`` files, and lacks ``dropped`` ones.

    The files stay; they may go once this has returned. A pack without members is removed.

    Raises
    ------
    OSError
        A file cannot be read, or the disk is full; the pack is the old one then.
    BrokenArtifactError
        The old pack is broken.
    StoreError
        The new one would have more than 65,535 members or 4 GB.
    """
    kept = [name for name in members(folder) if name not in added and name not in dropped]
    if not kept and not added:
        (folder / PACK).unlink(missing_ok=True)
        return

    def write(handle: BinaryIO) -> None:
        with zipfile.ZipFile(handle, "w", allowZip64=False) as archive:
            for name in kept:
                archive.writestr(_entry(name), read_member(folder, name) or b"")
            for name in sorted(added):
                archive.writestr(_entry(name), (folder / name).read_bytes())
            archive.comment = _COMMENT

    try:
        write_atomically(folder / PACK, write)
    except zipfile.LargeZipFile as error:
        raise StoreError(f"{folder / PACK} would be too large: {error}") from error


def _directory(pack: Path, handle: BinaryIO) -> bytes:
    """Read a pack's central directory."""
    length = _END.size + len(_COMMENT)
    end = os.fstat(handle.fileno()).st_size - length
    if end < 0:
        raise _broken(pack, "it is truncated")
    handle.seek(end)
    tail = handle.read(length)
    signature, *_, size, offset, _ = _END.unpack(tail[: _END.size])
    if signature != b"PK\5\6" or not tail.endswith(_COMMENT) or offset + size != end:
        raise _broken(pack, "its end is missing")
    handle.seek(offset)
    return handle.read(size)


def _find(directory: bytes, name: str) -> Member | None:
    """Find a name in a central directory, where it follows the fixed part of its entry."""
    wanted, place = name.encode(), -1
    while (place := directory.find(wanted, place + 1)) >= 0:
        start = place - _LISTED.size
        if start < 0:
            continue
        signature, *_, size, length, _, _, _, _, _, offset = _LISTED.unpack_from(directory, start)
        if signature == b"PK\1\2" and length == len(wanted):
            return Member(offset, size)
    return None


def _content(pack: Path, handle: BinaryIO, member: Member) -> bytes:
    """Read a member; what is garbled inside shows when the record is decoded."""
    handle.seek(member.offset)
    header = handle.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise _broken(pack, "a member lies beyond its end")
    _, *lengths = _HEADER.unpack(header)
    handle.seek(sum(lengths), os.SEEK_CUR)
    return handle.read(member.size)


def _entry(name: str) -> zipfile.ZipInfo:
    """Entry without a time stamp: records are compressed already, and never change."""
    entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    entry.external_attr = 0o644 << 16
    return entry


def _broken(pack: Path, why: str) -> BrokenArtifactError:
    return BrokenArtifactError(
        f"the pack {pack} is broken ({why}): `thermoscreen store verify --set-aside` puts it aside "
        "and names what is missing then"
    )
