"""What a snapshot says about artifacts: which ones outcomes refer to, and what is unfinished."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import product

from screen.core.records import Candidate
from screen.core.settings import Protocol, validated
from screen.store import rows
from screen.store.database import Snapshot

_BATCH = 1000

PARTS = """
WITH unfinished AS (
  SELECT material_id FROM (
    SELECT material_id, model_digest, protocol_digest FROM materials, models, protocols
    EXCEPT SELECT material_id, model_digest, protocol_digest FROM outcomes
  )
  UNION SELECT material_id FROM failures WHERE list_contains($kinds::VARCHAR[], kind)
)
SELECT DISTINCT stage, artifact FROM costs
WHERE ends_with(stage, '_parts') AND material_id NOT IN (FROM unfinished)
"""
"""Parts of divided stages, of materials that are through: nobody reads them again."""

Place = tuple[str, str]
"""Stage and key of an artifact."""


@dataclass(frozen=True)
class Asked:
    """A candidate under one potential and one protocol of the run."""

    candidate: Candidate
    model_digest: str
    protocol: Protocol


def referenced(snapshot: Snapshot) -> set[Place]:
    """Return the artifacts that outcomes refer to."""
    found = snapshot.query("SELECT artifacts FROM outcomes")["artifacts"]
    return {place for text in found.to_pylist() for place in json.loads(text).items()}


def owners(snapshot: Snapshot, place: Place) -> list[str]:
    """Return the materials whose outcomes refer to an artifact."""
    found = snapshot.query(
        "SELECT DISTINCT material_id FROM outcomes WHERE contains(artifacts::VARCHAR, ?) ORDER BY 1",
        [f'"{place[1]}"'],
    )
    return [str(material) for material in found["material_id"].to_pylist()]


def asked(snapshot: Snapshot) -> Iterator[Asked]:
    """Yield every candidate under every potential and protocol that the run has known.

    Raises
    ------
    SettingsError
        A stored protocol is not one that this program understands.
    """
    models = snapshot.query("SELECT model_digest FROM models")["model_digest"].to_pylist()
    stored = snapshot.query("SELECT name, settings FROM protocols").to_pylist()
    protocols = [
        validated(Protocol, json.loads(row["settings"]), f"protocol {row['name']} of the run")
        for row in stored
    ]
    pairs = list(product(models, protocols))
    for batch in snapshot.query("FROM materials").to_batches(_BATCH):
        for row in batch.to_pylist():
            candidate = rows.candidate_of(row)
            if candidate is not None:
                for model, protocol in pairs:
                    yield Asked(candidate, model, protocol)


def joined_parts(snapshot: Snapshot, kinds_to_retry: Collection[str]) -> set[Place]:
    """Return the parts of stages whose materials need no further work."""
    found = snapshot.query(PARTS, {"kinds": sorted(kinds_to_retry)})
    return {(row["stage"], row["artifact"]) for row in found.to_pylist()}
