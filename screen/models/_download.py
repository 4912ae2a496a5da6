"""Downloads of weights: resumed where they were cut off, checked against a recorded SHA-256.

A file lies in ``<data folder>/weights/<family>/`` with its digest beside it in ``<file>.sha256``,
as ``sha256sum`` writes and checks it; what is not complete yet ends with ``.part``.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.client import HTTPException
from pathlib import Path
from typing import BinaryIO

from screen.core.digest import DIGEST_LENGTH, digest_of_file
from screen.core.errors import ModelUnavailableError
from screen.core.folders import data_folder

OFFLINE = "THERMOSCREEN_OFFLINE"
TIMEOUT = 60.0  # s without a byte
BLOCK = 1 << 18  # bytes
BIG = 20 << 20  # bytes from which on the progress is shown


def weights_folder(family: str) -> Path:
    """Folder of a family's downloads."""
    return data_folder() / "weights" / family


def download(url: str, path: Path) -> Path:
    """Fetch ``url`` to ``path`` unless it is there, and record its SHA-256 beside it.

    Processes that want the same file wait for the first.

    Raises
    ------
    ModelUnavailableError
        There is no network or no such file, ``THERMOSCREEN_OFFLINE`` is set, or what came is cut
        off or a web page; the message names the address, the file and the ways out.
    """
    if path.is_file():
        return path
    part = path.with_name(f"{path.name}.part")
    try:
        _require_network()
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("ab") as handle, _alone(handle):
            if not path.is_file():  # no other process was faster
                _fetch(url, path.name, handle)
                _record(path, part)
                part.replace(path)
    except (OSError, HTTPException, _RefusedError) as error:
        raise ModelUnavailableError(
            f"the weights {path} are not there and could not be downloaded from {url} ({error}). "
            "With a network the same command goes on where a download was cut off; or fetch the "
            f"file elsewhere and give it as --weights PATH or save it as {path}"
        ) from error
    return path


def checked_digest(path: Path) -> str:
    """Digest of a file of weights, compared with the one recorded beside it, if there is one.

    torch writes archives whose members have checksums, which it does not look at when it reads:
    a file without a record is compared with these.

    Raises
    ------
    ModelUnavailableError
        The file is not the one that was recorded, or not what was written.
    """
    digest = digest_of_file(path)
    record = _record_of(path)
    if record.is_file():
        expected = record.read_text(encoding="utf-8").split(maxsplit=1)[:1]
        if [digest] != [full[:DIGEST_LENGTH] for full in expected]:
            raise ModelUnavailableError(
                f"{path} is corrupt: its SHA-256 is not the one recorded in {record.name}; delete "
                "both to download the file again, or give another one as --weights PATH"
            )
    elif (member := _broken_member(path)) is not None:
        raise ModelUnavailableError(
            f"{path} is corrupt: {member} in it does not have the checksum that it was written "
            "with; fetch or install the file again, or give another one as --weights PATH"
        )
    return digest


def _broken_member(path: Path) -> str | None:
    """Return the first member of an archive that has changed; None if all have not, or no archive.

    A file that is not even an archive, as half of one, is left to who reads it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        return None


class _RefusedError(Exception):
    """What would come is not wanted."""


def _require_network() -> None:
    if os.environ.get(OFFLINE, "0") not in {"", "0"}:
        raise _RefusedError(f"{OFFLINE} is set")


def _fetch(url: str, name: str, handle: BinaryIO) -> None:
    """Append what is missing; a connection that breaks is taken up again if it gave anything."""
    while True:
        begin = handle.seek(0, os.SEEK_END)
        try:
            return _append(url, name, handle)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code != 416 or begin == 0:  # 416: the file ends before what is asked for
                raise
            handle.truncate(0)
        except (OSError, HTTPException):
            handle.flush()
            if handle.seek(0, os.SEEK_END) <= begin:
                raise


def _append(url: str, name: str, handle: BinaryIO) -> None:
    """Ask for the bytes from the handle's position on and write them."""
    begin = handle.tell()
    request = urllib.request.Request(url, headers={"Range": f"bytes={begin}-"} if begin else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
        if answer.headers.get_content_type() == "text/html":
            raise _RefusedError("a web page came instead of the file")
        if begin and answer.status != 206:  # the server sends the whole file
            handle.truncate(0)
            begin = 0
        length = answer.headers.get("Content-Length")
        total = None if length is None else begin + int(length)
        with _progress(name, total, begin) as advance:
            while block := answer.read(BLOCK):
                handle.write(block)
                advance(len(block))
    handle.flush()
    size = handle.seek(0, os.SEEK_END)
    if total is not None and size != total:
        raise ConnectionError(f"cut off after {size} of {total} bytes")


@contextmanager
def _progress(name: str, total: int | None, done: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr how much of a big file has come; yields what to call with new bytes."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    small = total is None or total < BIG
    with Progress(*columns, console=Console(stderr=True), disable=small) as progress:
        task = progress.add_task(name, total=total, completed=done)
        yield partial(progress.advance, task)


def _record(path: Path, part: Path) -> None:
    """Write the digest of ``part``, which becomes ``path``, in the format of sha256sum."""
    with part.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    _record_of(path).write_text(f"{digest}  {path.name}\n", encoding="utf-8")


def _record_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


@contextmanager
def _alone(handle: BinaryIO) -> Iterator[None]:
    """Keep other processes that write the same file waiting."""
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield  # closing the file lets the next one in
