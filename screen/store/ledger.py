"""The cost ledger: every finished computation is one line that survives any crash after it."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from screen.core.errors import StoreError
from screen.core.records import Execution


def append(folder: Path, execution: Execution) -> None:
    """Append one line to this process's file ``<host>-<pid>.jsonl``.

    Raises
    ------
    StoreError
        The folder cannot be written.
    """
    path = folder / f"{socket.gethostname()}-{os.getpid()}.jsonl"
    line = json.dumps(asdict(execution), ensure_ascii=False).encode() + b"\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            content = _separator(descriptor) + line
            if os.write(descriptor, content) != len(content):  # one write: lines never mix
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"cannot write the cost ledger {path}: {error.strerror}") from error


def read(folder: Path) -> Iterator[Execution]:
    """Read all executions, file by file; a line that a killed writer left torn is skipped.

    Raises
    ------
    StoreError
        A whole line does not hold an execution.
    """
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                values = json.loads(line)
            except ValueError:
                continue  # torn: a prefix of a JSON object is never JSON
            try:
                yield Execution(**values)
            except TypeError as error:
                raise StoreError(f"{path}, line {number}: no execution ({error})") from error


def _separator(descriptor: int) -> bytes:
    """Return a line break if a killed process of the same name left its last line torn."""
    size = os.fstat(descriptor).st_size
    return b"" if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n" else b"\n"
