"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

TEMPORARY_SUFFIX = ".tmp"

Write = Callable[[BinaryIO], object]


def write_atomically(path: Path, write: Write) -> None:
    """Write ``path`` through a temporary file beside it: readers see the old or the new file.

    The name of the temporary file is unique over hosts and processes, so writers of the same
    path never mix.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unique = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
    temporary = path.with_name(f".{path.name}.{unique}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("wb") as handle:
            write(handle)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def link_or_copy(source: Path, path: Path) -> None:
    """Make ``path`` a hard link to ``source``, or a copy where the file system has no links.

    Raises
    ------
    OSError
        The source is missing, the folder cannot be written, or the disk is full.
    """
    try:
        os.link(source, path)
    except FileExistsError:
        return
    except OSError:
        write_atomically(path, lambda handle: handle.write(source.read_bytes()))
    else:
        sync_folder(path.parent)


def append(path: Path, lines: bytes) -> None:
    """Append whole lines in one write and force them to disk: writers never mix.

    Raises
    ------
    OSError
        The folder cannot be written, or the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        content = _separator(descriptor) + lines
        if os.write(descriptor, content) != len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _separator(descriptor: int) -> bytes:
    """Return a line break if a killed process left its last line torn."""
    size = os.fstat(descriptor).st_size
    return b"" if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"


def sync_file(path: Path) -> None:
    """Force a closed file's bytes to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to disk, so that a rename survives a power cut."""
    sync_file(folder)


def remove_temporaries(folder: Path, pattern: str, older_than_s: float = 0.0) -> int:
    """Remove what killed writers left below ``folder``; return how many files that were."""
    newest = time.time() - older_than_s
    leftovers = [path for path in folder.glob(pattern) if path.stat().st_mtime <= newest]
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)
