"""The cost ledger: every finished computation is one line that survives any crash after it."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet

from screen.core.errors import StoreError
from screen.core.records import Execution
from screen.store import files
from screen.store.location import Location
from screen.store.storage import Storage, Stored, storage_at

LINES = 256  # in one object of a bucket
_BATCH = 10_000  # executions in memory while a compact file is written or read


def append(place: Location, execution: Execution) -> None:
    """Append one line to this process's file ``<host>-<pid>.jsonl``.

    A bucket knows no appending: there the process writes its last object anew, up to 256 lines.

    Raises
    ------
    StoreError
        The folder or bucket cannot be written.
    """
    line = json.dumps(asdict(execution), ensure_ascii=False).encode() + b"\n"
    try:
        if isinstance(place, Path):
            files.append(place / f"{socket.gethostname()}-{os.getpid()}.jsonl", line)
        else:
            _objects(place).append(line)
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"cannot write the cost ledger {place}: {why}") from error


def read(place: Location) -> Iterator[Execution]:
    """Read all executions, file by file; a line that a killed writer left torn is skipped.

    Raises
    ------
    StoreError
        A whole line does not hold an execution, or a file cannot be read.
    """
    storage = storage_at(place)
    try:
        found = list(storage.files())
        compacts = [stored.name for stored in found if stored.name.endswith(".parquet")]
        for name in compacts:
            yield from _compact(storage, name)
        covered = _covered_by(storage, compacts)
        for stored in found:
            if stored.name.endswith(".jsonl"):
                yield from _lines(storage, stored.name, covered)
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"cannot read the cost ledger {place}: {error}") from error


def compact(place: Location, older_than_s: float) -> int:
    """Move the lines of files that rest to one Parquet file; return how many files went.

    Killed at any point, no line is lost and none is read twice: readers know an execution by its
    identifier.

    Raises
    ------
    StoreError
        A file holds something else, or the disk is full; the ledger is as it was then.
    """
    storage = storage_at(place)
    newest = time.time() - older_than_s
    found = list(storage.files())
    compacts = [stored.name for stored in found if stored.name.endswith(".parquet")]
    resting = [s for s in found if s.name.endswith(".jsonl") and s.modified <= newest]
    if not resting:
        return 0
    numbers = [int(name.partition("-")[2].partition(".")[0]) for name in compacts]
    name = f"compact-{max(numbers, default=0) + 1:06d}.parquet"
    try:
        covered = _covered_by(storage, compacts)
        storage.write(name, lambda handle: _write_compact(storage, resting, covered, handle))
        storage.delete([stored.name for stored in resting])
    except OSError as error:
        why = error.strerror or error
        raise StoreError(f"cannot write the cost ledger {place}: {why}") from error
    return len(resting)


@dataclass
class _Objects:
    """Objects of one process in a bucket; the last one grows."""

    storage: Storage
    stem: str
    number: int = 0
    lines: list[bytes] = field(default_factory=list)

    def append(self, line: bytes) -> None:
        """Write the last object anew with one more line; it is not kept if that fails."""
        grown = [*self.lines, line]
        name = f"{self.stem}-{self.number:06d}.jsonl"
        self.storage.write(name, lambda handle: handle.write(b"".join(grown)))
        self.lines = grown
        if len(grown) == LINES:
            self.number, self.lines = self.number + 1, []


@lru_cache
def _objects(place: str) -> _Objects:
    """Return the objects of this process; containers may share host name and process number."""
    stem = f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex[:8]}"
    return _Objects(storage_at(place), stem)


def _lines(storage: Storage, name: str, covered: Collection[str] = ()) -> list[Execution]:
    """Read the lines of a file that are in no Parquet file."""
    with storage.open(name) as handle:
        lines = handle.read().splitlines()
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            values = json.loads(line)
        except ValueError:
            continue  # torn: a prefix of a JSON object is never JSON
        try:
            found.append(Execution(**values))
        except TypeError as error:
            where = storage.where(name)
            raise StoreError(f"{where}, line {number}: no execution ({error})") from error
    return [execution for execution in found if execution.execution_id not in covered]


def _compact(storage: Storage, name: str) -> Iterator[Execution]:
    """Read a Parquet file of executions."""
    with storage.open(name) as handle:
        for batch in pa.parquet.ParquetFile(handle).iter_batches(_BATCH):
            for values in batch.to_pylist():
                yield Execution(**values)


def _covered_by(storage: Storage, compacts: Sequence[str]) -> frozenset[str]:
    """Return the executions in Parquet files: a killed compaction leaves their lines too."""
    found: set[str] = set()
    for name in compacts:
        with storage.open(name) as handle:
            table = pa.parquet.read_table(handle, columns=["execution_id"])
        found.update(table["execution_id"].to_pylist())
    return frozenset(found)


def _write_compact(
    storage: Storage, resting: Sequence[Stored], covered: Collection[str], handle: BinaryIO
) -> None:
    """Write the lines of files that are not in a Parquet file yet."""
    with pa.parquet.ParquetWriter(handle, _SCHEMA, compression="zstd") as writer:
        for stored in resting:
            rows = [asdict(execution) for execution in _lines(storage, stored.name, covered)]
            writer.write_table(pa.Table.from_pylist(rows, _SCHEMA))


_SCHEMA = pa.schema(
    [
        ("execution_id", pa.string()),
        ("artifact", pa.string()),
        ("stage", pa.string()),
        ("material_id", pa.string()),
        ("wall_s", pa.float64()),
        ("cpu_s", pa.float64()),
        ("peak_mb", pa.float64()),
        ("evaluations", pa.int64()),
        ("atoms", pa.int64()),
        ("started_at", pa.string()),
        ("host", pa.string()),
        ("pid", pa.int64()),
    ]
)
