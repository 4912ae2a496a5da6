"""The potentials and protocols of a run: who has computed, and what to cite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from screen.store import queries
from screen.store.database import Snapshot
from screen.store.ensemble import ensemble_of

Row = Mapping[str, Any]


def potentials(snapshot: Snapshot) -> dict[str, Row]:
    """Return all that the run knows of each potential, by digest."""
    found = snapshot.query("FROM models ORDER BY name, model_digest").to_pylist()
    return {row["model_digest"]: row for row in found}


def ensemble(snapshot: Snapshot) -> frozenset[str]:
    """Return the digests of the potentials of which medians and ranges are made."""
    models = ensemble_of(queries.models_of(snapshot))
    return frozenset(model.model_digest for model in models)


def protocols(snapshot: Snapshot) -> dict[str, Row]:
    """Return name, description and all settings of each protocol, by digest."""
    found = snapshot.query("FROM protocols ORDER BY name, protocol_digest").to_pylist()
    return {
        row["protocol_digest"]: {**row, "settings": json.loads(row["settings"] or "{}")}
        for row in found
    }


def potential_facts(row: Row | None) -> list[tuple[str, str]]:
    """Return what is known about a potential beside its name; snapshots of earlier versions less."""
    if row is None:
        return []
    package = " ".join(str(row[key]) for key in ("package", "package_version") if row.get(key))
    facts = [
        ("potential evaluated by", package),
        ("potential's precision", row.get("dtype")),
        ("potential trained on", row.get("training_set")),
        ("potential's level of theory", row.get("functional")),
        ("potential's licence", row.get("licence")),
        ("potential's citation", row.get("citation")),
        ("published κ_SRME of the potential", row.get("kappa_srme")),
    ]
    return [(name, display_text(value)) for name, value in facts if value not in {None, ""}]


def display_text(value: object) -> str:
    """Write a value of a card."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
