"""What no artifact holds, in plain files: candidates, potentials, protocols, heads of outcomes.

With the artifacts and the cost ledger they make the database anew. ``materials-*.parquet`` holds
what changed with each catalog, ``models`` and ``protocols`` one JSON file per digest, and
``outcomes.jsonl`` one line per outcome: everything but the values of its properties, which are
in the artifacts. The driver writes each before the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet

from screen.core.errors import StoreError
from screen.store import files
from screen.store.frames import Row, plain, table_of
from screen.store.layout import manifest_folder
from screen.store.schema import MATERIALS

OUTCOMES = "outcomes.jsonl"
KINDS = ("models", "protocols")


@dataclass(frozen=True)
class Head:
    """An outcome without the values of its properties."""

    outcome: Mapping[str, Any]  # row of the table outcomes
    failures: Sequence[Mapping[str, Any]]  # rows of the table failures
    properties: Sequence[str]  # tables in which it has a row
    executions: Sequence[str]  # identifiers in the cost ledger

    @property
    def key(self) -> tuple[str, str, str]:
        """Material, potential and protocol."""
        names = ("material_id", "model_digest", "protocol_digest")
        material, model, protocol = (str(self.outcome[name]) for name in names)
        return material, model, protocol


@dataclass(frozen=True)
class Manifest:
    """The manifest of a run."""

    folder: Path

    @property
    def exists(self) -> bool:
        """Say whether anything has been written."""
        return self.folder.is_dir()

    def add_materials(self, rows: pa.Table) -> None:
        """Keep rows of the table materials that are new or have changed."""
        taken = [int(path.stem.partition("-")[2]) for path in self._materials()]
        name = f"materials-{max(taken, default=0) + 1:06d}.parquet"

        def write(handle: BinaryIO) -> None:
            pa.parquet.write_table(rows, handle, compression="zstd")

        self._write(self.folder / name, write)

    def add(self, kind: str, digest: str, row: Row) -> None:
        """Keep a row of the table models or protocols."""
        content = json.dumps(plain(row), ensure_ascii=False, indent=1).encode()
        path = self.folder / kind / f"{digest}.json"
        if not path.is_file() or path.read_bytes() != content:
            self._write(path, lambda handle: handle.write(content))

    def add_outcomes(self, heads: Sequence[Head]) -> None:
        """Append heads of outcomes; when this returns they survive a power cut.

        Raises
        ------
        StoreError
            The folder cannot be written.
        """
        path = self.folder / OUTCOMES
        try:
            files.append(path, _lines(heads))
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error

    def materials(self) -> Iterator[pa.Table]:
        """Yield rows of the table materials; later ones replace earlier ones.

        Columns that an earlier program did not know are NULL.

        Raises
        ------
        StoreError
            A file is broken.
        """
        for path in self._materials():
            try:
                yield _with_all_columns(pa.parquet.read_table(path))
            except (OSError, pa.ArrowException) as error:
                raise StoreError(f"{path} is broken: {error}") from error

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return the rows of the table models or protocols.

        Raises
        ------
        StoreError
            A file is broken.
        """
        return [_parsed(path, path.read_bytes()) for path in sorted(self._of(kind))]

    def heads(self) -> Iterator[Head]:
        """Yield the heads of all outcomes ever stored, oldest first; a torn line is skipped."""
        path = self.folder / OUTCOMES
        if not path.is_file():
            return
        with path.open("rb") as handle:
            for line in handle:
                try:
                    values = json.loads(line)
                except ValueError:
                    continue  # torn by a kill: its outcome was never in the database
                yield Head(**values)

    def compact(self) -> int:
        """Keep one line per outcome and one table of materials; return how many lines went."""
        latest: dict[tuple[str, str, str], Head] = {}
        executions: dict[tuple[str, str, str], dict[str, None]] = {}
        lines = 0
        for head in self.heads():
            lines += 1
            latest[head.key] = head
            executions.setdefault(head.key, {}).update(dict.fromkeys(head.executions))
        if lines > len(latest):
            merged = [
                Head(head.outcome, head.failures, head.properties, list(executions[key]))
                for key, head in latest.items()
            ]
            self._write(self.folder / OUTCOMES, lambda handle: handle.write(_lines(merged)))
        return lines - len(latest)

    def _materials(self) -> list[Path]:
        return sorted(self.folder.glob("materials-*.parquet"))

    def _of(self, kind: str) -> Iterator[Path]:
        return (self.folder / kind).glob("*.json")

    def _write(self, path: Path, write: files.Write) -> None:
        try:
            files.write_atomically(path, write)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error


def manifest_of(run: Path) -> Manifest:
    """Return the manifest of a run."""
    return Manifest(manifest_folder(run))


def _with_all_columns(found: pa.Table) -> pa.Table:
    """Add the columns of the table materials that are missing."""
    missing = [column for column in MATERIALS.columns if column.name not in found.column_names]
    empty = table_of(MATERIALS.name, missing, [{}] * len(found))
    for column in missing:
        found = found.append_column(column.name, empty[column.name])
    return found


def _lines(heads: Sequence[Head]) -> bytes:
    return b"".join(
        json.dumps(plain(asdict(head)), ensure_ascii=False).encode() + b"\n" for head in heads
    )


def _parsed(path: Path, content: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise StoreError(f"{path} is broken: {error}") from error
    return found
