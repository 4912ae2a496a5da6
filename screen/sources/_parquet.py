"""Catalogs as Parquet files: a row per entry, and the provenance in the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from screen.core.crystal import Crystal
from screen.core.errors import CatalogError
from screen.core.records import Hints, Metadata
from screen.sources._entries import Entry, Problem
from screen.sources._items import Item
from screen.sources._pull import Pull

KEY = b"thermoscreen"  # in the file's metadata
FORMAT = 1  # rises when a reader of today could not read the file
ROWS = 2_000  # per row group

_VECTORS = pa.list_(pa.list_(pa.float64(), 3))
_FACTS = {
    "space_group": pa.int64(),
    "crystal_system": pa.string(),
    "deprecated": pa.bool_(),
}
_TYPES = {"float | None": pa.float64(), "bool | None": pa.bool_(), "str | None": pa.string()}
_METADATA = {item.name: _TYPES[str(item.type)] for item in fields(Metadata)}
_ALSO_FACTS = ("elements", "band_gap", "energy_above_hull", "theoretical", "magnetic_ordering")
_HINTS = {item.name: pa.list_(pa.int64()) for item in fields(Hints)}
SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "formula": pa.string(),
        "n_atoms": pa.int64(),
        "elements": pa.list_(pa.string()),
        **_FACTS,
        **_METADATA,
        "duplicates": pa.list_(pa.string()),
        "lattice": _VECTORS,
        "numbers": pa.list_(pa.int64()),
        "fractional": _VECTORS,
        **_HINTS,
        "problem_kind": pa.string(),
        "problem": pa.string(),
    }
)


def write(pull: Pull, handle: BinaryIO) -> None:
    """Write a pull as a catalog."""
    summary = {
        "format": FORMAT,
        **asdict(pull.provenance),
        "dropped": dict(pull.dropped),
        "rejected": dict(pull.rejected),
        "licences": dict(pull.licences),
        "written": len(pull.items),
    }
    schema = SCHEMA.with_metadata({KEY: json.dumps(summary, ensure_ascii=False)})
    with pq.ParquetWriter(handle, schema, compression="zstd") as writer:
        for start in range(0, len(pull.items), ROWS):
            rows = [_row(item) for item in pull.items[start : start + ROWS]]
            writer.write_table(pa.Table.from_pylist(rows, schema))


def read_provenance(path: Path) -> dict[str, Any]:
    """Where a catalog comes from.

    Raises
    ------
    CatalogError
        The file is missing, is no Parquet file, or is no catalog.
    """
    with _opened(path) as file:
        return _provenance(path, file)


def read(path: Path) -> Iterator[Item]:
    """Yield the entries of a catalog in their order.

    Raises
    ------
    CatalogError
        As ``read_provenance``, or a row is broken.
    """
    with _opened(path) as file:
        _provenance(path, file)
        for batch in file.iter_batches(batch_size=ROWS):
            for row in batch.to_pylist():
                yield _item(path, row)


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with path.open("rb") as handle, pq.ParquetFile(handle) as file:
            yield file
    except OSError as error:
        raise CatalogError(f"cannot read the catalog {path}: {error.strerror or error}") from error
    except pa.ArrowInvalid as error:
        raise CatalogError(
            f"{path} is no Parquet file, or only a part of one; write it again with "
            "`thermoscreen catalog pull`"
        ) from error


def _provenance(path: Path, file: pq.ParquetFile) -> dict[str, Any]:
    text = (file.schema_arrow.metadata or {}).get(KEY)
    if text is None:
        raise CatalogError(
            f"{path} is no catalog; `thermoscreen catalog pull --source ... -o {path.name}` "
            "writes one"
        )
    found: dict[str, Any] = json.loads(text)
    if found["format"] > FORMAT:
        raise CatalogError(
            f"{path} was written by Thermoscreen {found['thermoscreen']}; update this one"
        )
    return found


def _row(item: Item) -> dict[str, Any]:
    """Row of an entry; of one that is no crystal, its problem."""
    row: dict[str, Any] = {"id": item.id}
    if isinstance(item.content, Problem):
        return {**row, "problem_kind": item.content.kind, "problem": item.content.message}
    crystal, hints = item.content.crystal, item.content.hints
    return {
        **row,
        "formula": crystal.formula,
        "n_atoms": len(crystal),
        "elements": crystal.elements,
        **{name: item.facts.get(name) for name in _FACTS},
        **vars(item.content.metadata),
        "duplicates": item.duplicates,
        "lattice": crystal.lattice.tolist(),
        "numbers": crystal.numbers,
        "fractional": crystal.fractional.tolist(),
        **{name: None if (m := getattr(hints, name)) is None else m.ravel() for name in _HINTS},
    }


def _item(path: Path, row: dict[str, Any]) -> Item:
    """Entry of a row."""
    if not row["id"]:
        raise CatalogError(f"{path} has an entry without id; give each an id of its own")
    if row["problem_kind"] is not None:
        return Item(row["id"], Problem(row["problem_kind"], row["problem"]))
    try:
        entry = Entry(
            Crystal(row["lattice"], row["numbers"], row["fractional"]),
            Hints(*(_hint(row[name]) for name in _HINTS)),
            Metadata(**{name: row[name] for name in _METADATA}),
        )
    except (KeyError, TypeError, ValueError, CatalogError) as error:
        raise CatalogError(f"{path} is broken at {row.get('id')!r}: {error}") from error
    facts = {name: row[name] for name in (*_FACTS, *_ALSO_FACTS)}
    facts |= {"nsites": row["n_atoms"], "nelements": len(row["elements"])}
    return Item(row["id"], entry, facts, tuple(row["duplicates"]))


def _hint(values: list[int] | None) -> Any:
    """Supercell (3, 3) or mesh (3,) of a hint."""
    if values is None:
        return None
    return np.array(values).reshape((3, 3) if len(values) == 9 else 3)
