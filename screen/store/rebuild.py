"""A new database from manifest, artifacts and cost ledger: equal to the old one, table by table."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from screen.core.errors import BrokenArtifactError, StoreError
from screen.core.protocols import StageInputs
from screen.core.records import Candidate, Record
from screen.core.settings import Protocol, validated
from screen.store import ledger, rows
from screen.store.artifacts import Artifacts
from screen.store.database import Writer, replaced
from screen.store.frames import Row, table_of
from screen.store.layout import artifacts_folder, database_file, ledger_folder
from screen.store.manifest import Head, Manifest, manifest_of
from screen.store.schema import (
    COST_LEDGER,
    MATERIALS,
    MODELS,
    PROTOCOLS,
    Properties,
    Table,
    property_tables,
)

RowOf = Callable[[StageInputs, Record], Mapping[str, Any]]
"""The ``row`` of a property."""

DRAFT = ".rebuild"  # folder of the unfinished database
_BATCH = 500  # outcomes of one transaction
_COSTS = 20_000  # executions of one transaction


@dataclass
class Rebuilt:
    """What was restored, and what could not be."""

    materials: int = 0
    outcomes: int = 0
    executions: int = 0
    lost: dict[str, str] = field(default_factory=dict)  # material -> why it has no outcome now


def rebuild(run: Path, properties: Properties, row_of: Mapping[str, RowOf]) -> Rebuilt:
    """Make a run's database anew, put it in the place of the old one and publish it.

    Readers see the old snapshots until the new one is published. Killed at any point, the old
    database is there, or the new one. An outcome whose artifacts are gone is left out: the next
    run of the campaign computes what is missing.

    Parameters
    ----------
    properties
        Columns of every property, by table.
    row_of
        What makes a row of each.

    Raises
    ------
    StoreError
        The run has no manifest, a driver writes to it, a property is not given, or the disk is
        full.
    """
    manifest = manifest_of(run)
    if not manifest.exists and database_file(run).is_file():
        Writer(run, properties).close()  # an earlier program's: its database has it all
    if not manifest.exists:
        raise StoreError(
            f"{run} has neither a manifest, from which a database is rebuilt, nor the database: it "
            "has no results yet, or an earlier program wrote it; run the campaign again, which "
            "finds the finished stages"
        )
    draft = run / DRAFT
    with replaced(run, draft) as put:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir()
        source = _Source(run, manifest, property_tables(properties), row_of)
        with Writer(draft, properties) as writer:
            rebuilt = source.restore(writer)
        put()
    shutil.rmtree(draft)
    with Writer(run, properties) as writer:
        writer.publish()
    return rebuilt


@dataclass
class _Source:
    """What a database is made from."""

    run: Path
    manifest: Manifest
    tables: Sequence[Table]
    row_of: Mapping[str, RowOf]
    rebuilt: Rebuilt = field(default_factory=Rebuilt)

    def __post_init__(self) -> None:
        self.artifacts = Artifacts(artifacts_folder(self.run))
        self.candidates = _Candidates(list(self.manifest.materials()))
        self.protocols = {
            row["protocol_digest"]: validated(Protocol, row["settings"], "a protocol of the run")
            for row in self.manifest.rows(PROTOCOLS.name)
        }

    def restore(self, writer: Writer) -> Rebuilt:
        """Fill an empty database."""
        for table in (MODELS, PROTOCOLS):
            found = self.manifest.rows(table.name)
            writer.restore({table.name: table_of(table.name, table.columns, found)})
        for frame in self.candidates.tables:
            writer.restore({MATERIALS.name: frame})
        self.rebuilt.materials = len(self.candidates)
        self._restore_costs(writer)
        self._restore_outcomes(writer)
        return self.rebuilt

    def _restore_costs(self, writer: Writer) -> None:
        """Store the ledger; an outcome's head tells whose each execution is."""
        pairs = {name: head.key[1:] for head in self.manifest.heads() for name in head.executions}
        executions = ledger.read(ledger_folder(self.run))
        while batch := list(islice(executions, _COSTS)):
            found = [rows.cost_row(e, *pairs.get(e.execution_id, (None, None))) for e in batch]
            writer.restore({COST_LEDGER.name: rows.cost_frame(found)})
            self.rebuilt.executions += len(batch)

    def _restore_outcomes(self, writer: Writer) -> None:
        """Store the last outcome of each material, potential and protocol."""
        last = {head.key: number for number, head in enumerate(self.manifest.heads())}
        numbers = set(last.values())
        heads = (head for n, head in enumerate(self.manifest.heads()) if n in numbers)
        while batch := list(islice(heads, _BATCH)):
            kept: list[Head] = []
            found: dict[str, list[Row]] = {}
            for head in batch:
                try:
                    mine = dict(self._property_rows(head))
                except BrokenArtifactError as error:
                    self.rebuilt.lost[head.key[0]] = str(error)
                    continue
                kept.append(head)
                for name, row in mine.items():
                    found.setdefault(name, []).append(row)
            writer.restore(rows.owned_frames(kept, found, self.tables))
            self.rebuilt.outcomes += len(kept)

    def _property_rows(self, head: Head) -> Iterator[tuple[str, Row]]:
        """Yield an outcome's rows, computed from its artifacts."""
        if not head.properties:
            return
        records = _Records(self.artifacts, head.outcome["artifacts"])
        candidate = self.candidates.find(head)
        inputs = StageInputs(candidate, self.protocols[head.key[2]], records)
        key = {
            name: head.outcome[name] for name in ("material_id", "model_digest", "protocol_digest")
        }
        for name in head.properties:
            if name not in self.row_of:
                raise StoreError(
                    f"the run has results of {name!r}, which is no property of Thermoscreen: give "
                    f"its import path, e.g. --property mygroup.{name}"
                )
            yield name, {**key, **self.row_of[name](inputs, records[name])}


class _Records(Mapping[str, Record]):
    """Records of an outcome, read when first asked for."""

    def __init__(self, artifacts: Artifacts, keys: Mapping[str, str]) -> None:
        self._artifacts = artifacts
        self._keys = keys
        self._read: dict[str, Record] = {}

    def __getitem__(self, stage: str) -> Record:
        if stage not in self._read:
            record = self._artifacts.read(stage, self._keys[stage])
            if record is None:
                path = self._artifacts.path(stage, self._keys[stage])
                raise BrokenArtifactError(f"the artifact {path} is missing")
            self._read[stage] = record
        return self._read[stage]

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class _Candidates:
    """All candidates that the run has known, earlier crystals of the same name included."""

    def __init__(self, tables: Sequence[pa.Table]) -> None:
        self.tables = tables
        self._places: dict[tuple[str, str | None], tuple[int, int]] = {}
        self._newest: set[str] = set()
        for number, table in enumerate(tables):
            ids, digests = (table[name].to_pylist() for name in ("material_id", "crystal_digest"))
            for row, key in enumerate(zip(ids, digests, strict=True)):
                self._places[key] = number, row
            self._newest.update(ids)

    def __len__(self) -> int:
        return len(self._newest)

    def find(self, head: Head) -> Candidate:
        """Return the candidate that an outcome was computed for."""
        key = (head.key[0], head.outcome["crystal_digest"])
        if key not in self._places:
            raise BrokenArtifactError(f"the manifest lacks the crystal of {head.key[0]}")
        number, row = self._places[key]
        (found,) = self.tables[number].slice(row, 1).to_pylist()
        candidate = rows.candidate_of(found)
        if candidate is None:
            raise BrokenArtifactError(f"{head.key[0]} was rejected by its source")
        return candidate
