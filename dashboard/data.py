"""What the pages ask of a run: cached answers from its newest published snapshot.

The only file that opens the store for pages. Caches are keyed by the snapshot's version, so a new
snapshot is a new question; artifacts never change under their key.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import streamlit as st

from screen.core.columns import Column
from screen.core.records import Record
from screen.store import queries
from screen.store.artifacts import Artifacts
from screen.store.database import Snapshot, open_snapshot
from screen.store.ensemble import ensemble_of
from screen.store.layout import artifacts_folder
from screen.store.snapshots import current_version

MaterialSheet = queries.MaterialSheet
"""Everything a snapshot holds about one material."""


@dataclass(frozen=True)
class Published:
    """A run folder at one version of its snapshots."""

    run: Path
    version: int


@dataclass(frozen=True)
class ResultSet:
    """What one potential, or all together, have computed under one protocol."""

    label: str  # unique within the run
    model: str | None  # digest; None: the median of all that are fit for κ
    protocol: str  # digest
    materials: int  # that it has outcomes of; of a median: the potential that has most


def newest(run: Path) -> Published | None:
    """Return the newest published version; None if there is none yet.

    Raises
    ------
    StoreError
        The run's pointer to the newest snapshot is garbled.
    """
    version = current_version(run)
    return None if version is None else Published(run, version)


def snapshot(published: Published) -> Snapshot:
    """Open a snapshot; it is closed when the last one who uses it has gone.

    Raises
    ------
    StoreError
        The snapshot is broken.
    """
    return _opened(published)[0]


def age(published: Published) -> timedelta:
    """Return the time since the snapshot was published."""
    return datetime.now(UTC) - _opened(published)[1]


@st.cache_resource(max_entries=3, show_spinner=False)
def _opened(published: Published) -> tuple[Snapshot, datetime]:
    """Return a snapshot and when it was published.

    The writer drops the file while pages still read it: later it could be asked for nothing.
    """
    while True:
        found = open_snapshot(published.run)
        try:
            return found, found.published_at
        except FileNotFoundError:  # dropped just now, so there is a newer one
            found.close()


@st.cache_data(max_entries=3, show_spinner=False)
def status_counts(published: Published) -> pa.Table:
    """Count materials by potential, protocol and status."""
    return queries.status_counts(snapshot(published))


@st.cache_data(max_entries=3, show_spinner=False)
def failure_counts(published: Published) -> pa.Table:
    """Count failures by stage and kind, each with one example."""
    return queries.failure_counts(snapshot(published))


@st.cache_data(max_entries=3, show_spinner=False)
def costs(published: Published) -> pa.Table:
    """Sum up the cost of each stage."""
    return queries.cost_by_stage(snapshot(published))


@st.cache_data(max_entries=3, show_spinner=False)
def methods(published: Published) -> pa.Table:
    """Return the potentials and protocols that the outcomes name."""
    return snapshot(published).query(
        "SELECT models.name AS potential, family, package, package_version, dtype, "
        "protocols.name AS protocol, description, model_digest, protocol_digest "
        "FROM (SELECT DISTINCT model_digest, protocol_digest FROM outcomes) "
        "LEFT JOIN models USING (model_digest) LEFT JOIN protocols USING (protocol_digest) "
        "ORDER BY ALL"
    )


_COUNTED = (
    "(SELECT model_digest, protocol_digest, count(*) AS materials FROM outcomes GROUP BY ALL) "
    "AS counted"
)


@st.cache_data(max_entries=3, show_spinner=False)
def result_sets(published: Published) -> list[ResultSet]:
    """Return the pairs of potential and protocol that have outcomes, the largest first.

    Before them comes, for each protocol that several potentials share, their median.
    """
    found = snapshot(published).query(
        "SELECT concat_ws(' · ', models.name, protocols.name) AS label, "
        f"model_digest AS model, protocol_digest AS protocol, materials FROM {_COUNTED} "
        "LEFT JOIN models USING (model_digest) LEFT JOIN protocols USING (protocol_digest) "
        "ORDER BY materials DESC, label, model, protocol"
    )
    sets = [ResultSet(**row) for row in found.to_pylist()]
    uses = Counter(item.label for item in sets)
    together = snapshot(published).query(
        "SELECT concat_ws(' · ', 'median of ' || count(*) || ' potentials', protocols.name) "
        "AS label, NULL AS model, protocol_digest AS protocol, max(counted.materials) AS materials "
        f"FROM {_COUNTED} LEFT JOIN protocols USING (protocol_digest) "
        "WHERE list_contains($models, model_digest) "
        "GROUP BY protocol_digest, protocols.name HAVING count(*) > 1 "
        "ORDER BY materials DESC, label",
        {
            "models": [
                model.model_digest for model in ensemble_of(queries.models_of(snapshot(published)))
            ]
        },
    )
    return [ResultSet(**row) for row in together.to_pylist()] + [
        replace(item, label=f"{item.label} ({str(item.model)[:6]}, {item.protocol[:6]})")
        if uses[item.label] > 1
        else item
        for item in sets
    ]


@st.cache_data(max_entries=16, show_spinner=False)
def temperatures(published: Published, chosen: ResultSet) -> list[float]:
    """Return the temperatures in K at which conductivities are stored."""
    if "conductivity" not in queries.property_names(snapshot(published)):
        return []
    found = snapshot(published).query(
        "SELECT DISTINCT unnest(temperatures) AS T FROM conductivity "
        "WHERE ($model IS NULL OR model_digest = $model) AND protocol_digest = $protocol "
        "ORDER BY T",
        {"model": chosen.model, "protocol": chosen.protocol},
    )
    return [float(value) for value in found["T"].to_pylist()]


@st.cache_data(max_entries=3, show_spinner=False)
def elements(published: Published) -> list[str]:
    """Return the symbols of all elements of the run."""
    return _distinct(published, "unnest(elements)")


@st.cache_data(max_entries=3, show_spinner=False)
def prototypes(published: Published) -> list[str]:
    """Return all structure types of the run."""
    return _distinct(published, "prototype")


def _distinct(published: Published, expression: str) -> list[str]:
    """Return the distinct values of an expression over all materials."""
    found = snapshot(published).query(
        f"SELECT DISTINCT value FROM (SELECT {expression} AS value FROM materials) "
        "WHERE value IS NOT NULL ORDER BY value"
    )
    return [str(value) for value in found["value"].to_pylist()]


@st.cache_data(max_entries=64, show_spinner=False)
def materials(published: Published, text: str, limit: int) -> pa.Table:
    """Return ``material_id`` and ``formula`` of materials whose id or formula holds a text."""
    return snapshot(published).query(
        "SELECT material_id, formula FROM materials "
        "WHERE contains(lower(concat_ws(' ', material_id, formula)), lower($text)) "
        "ORDER BY material_id LIMIT $limit",
        {"text": text, "limit": limit},
    )


@st.cache_data(max_entries=3, show_spinner=False)
def first_complete(published: Published) -> str | None:
    """Return the first material by id that is complete, if there is one."""
    found = snapshot(published).query(
        "SELECT min(material_id) AS first FROM outcomes WHERE status = 'complete'"
    )
    (first,) = found["first"].to_pylist()
    return None if first is None else str(first)


@st.cache_data(max_entries=64, show_spinner=False)
def sheet(published: Published, material_id: str) -> MaterialSheet:
    """Return all rows about one material.

    Raises
    ------
    StoreError
        The run does not know the material.
    """
    return queries.material_sheet(snapshot(published), material_id)


@st.cache_data(max_entries=3, show_spinner=False)
def columns(published: Published) -> dict[str, Column]:
    """Return the columns of the view ``results`` by name."""
    return {column.name: column for column in queries.columns_of(snapshot(published))}


@st.cache_resource(max_entries=16, show_spinner=False)
def record(run: Path, stage: str, key: str) -> Record | None:
    """Read the record of a stage, shared between sessions; None if the file is not there.

    Raises
    ------
    StoreError
        The file is broken.
    """
    return Artifacts(artifacts_folder(run)).read(stage, key)
