"""What the pipeline hands over, as rows of the declared tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from screen.core.crystal import Crystal
from screen.core.errors import StoreError
from screen.core.protocols import ModelCard, ModelIdentity
from screen.core.records import Candidate, Execution, Hints, Metadata, Outcome, Rejected
from screen.core.settings import Protocol
from screen.store.frames import Row, table_of, utc
from screen.store.manifest import Head
from screen.store.schema import COST_LEDGER, FAILURE_LOG, METADATA, OUTCOME_KEY, OUTCOMES, Table


def material_row(candidate: Candidate | Rejected) -> Row:
    """Return the row of a candidate; a rejected entry has an identifier and a source only."""
    if isinstance(candidate, Rejected):
        return {"material_id": candidate.id, "source": candidate.source}
    crystal = candidate.crystal
    return {
        "material_id": candidate.id,
        "source": candidate.source,
        "formula": crystal.formula,
        "n_atoms": len(crystal),
        "elements": crystal.elements,
        "crystal_digest": crystal.digest,
        **vars(candidate.metadata),
        "lattice": crystal.lattice,
        "numbers": crystal.numbers,
        "fractional": crystal.fractional,
        "hints": {name: hint for name, hint in vars(candidate.hints).items() if hint is not None},
    }


def candidate_of(row: Row) -> Candidate | None:
    """Return the candidate of a row of the table materials; None for a rejected entry."""
    if row["lattice"] is None:
        return None
    crystal = Crystal(
        np.array(row["lattice"], float), np.array(row["numbers"]), np.array(row["fractional"])
    )
    hints = {name: np.array(hint) for name, hint in json.loads(row["hints"] or "{}").items()}
    metadata = Metadata(**{column.name: row[column.name] for column in METADATA})
    return Candidate(row["material_id"], row["source"], crystal, Hints(**hints), metadata)


def model_row(digest: str, identity: ModelIdentity, card: ModelCard | None) -> Row:
    """Return the row of a potential; ``card`` is what is known about a published one."""
    row = {"model_digest": digest, **vars(identity)}
    if card is not None:
        names = ("training_set", "functional", "licence", "citation", "kappa_srme", "fit_for_kappa")
        row.update({name: getattr(card, name) for name in names})
    return row


def protocol_row(protocol: Protocol) -> Row:
    """Return the row of a protocol."""
    return {
        "protocol_digest": protocol.digest,
        "name": protocol.name,
        "description": protocol.description,
        "settings": protocol.model_dump(mode="json"),
    }


def key_row(outcome: Outcome) -> dict[str, Any]:
    """Return the key of an outcome."""
    return {
        "material_id": outcome.material_id,
        "model_digest": outcome.model_digest,
        "protocol_digest": outcome.protocol_digest,
    }


def outcome_row(outcome: Outcome) -> Row:
    """Return the row of an outcome."""
    return {
        **key_row(outcome),
        "status": outcome.status,
        "crystal_digest": outcome.crystal_digest,
        "artifacts": outcome.artifacts,
        "versions": outcome.versions,
        "finished_at": _finished(outcome.executions),
    }


def failure_rows(outcome: Outcome) -> Iterator[Row]:
    """Yield one row per stage that failed; a stage's first failure stands."""
    seen: set[str] = set()
    for failure in outcome.failures:
        if failure.stage not in seen:
            yield {**key_row(outcome), "position": len(seen), **vars(failure)}
            seen.add(failure.stage)


def property_rows(name: str, outcomes: Iterable[Outcome]) -> list[Row]:
    """Return the rows of one property."""
    return [
        {**key_row(outcome), **outcome.rows[name]} for outcome in outcomes if name in outcome.rows
    ]


def cost_row(execution: Execution, model_digest: str | None, protocol_digest: str | None) -> Row:
    """Return the row of one computation; None where model or protocol is not known."""
    return {
        **vars(execution),
        "model_digest": model_digest,
        "protocol_digest": protocol_digest,
    }


def cost_rows(outcome: Outcome) -> list[Row]:
    """Return the rows of an outcome's computations."""
    digests = outcome.model_digest, outcome.protocol_digest
    return [cost_row(execution, *digests) for execution in outcome.executions]


def heads(outcomes: Sequence[Outcome]) -> list[Head]:
    """Return all but the values of properties; a moment that is not known is now."""
    return [
        Head(
            outcome_row(outcome),
            tuple(failure_rows(outcome)),
            tuple(outcome.rows),
            tuple(execution.execution_id for execution in outcome.executions),
        )
        for outcome in outcomes
    ]


def owned_frames(
    found: Sequence[Head], properties: Mapping[str, Sequence[Row]], tables: Sequence[Table]
) -> dict[str, pa.Table]:
    """Return all that outcomes own, by table name; nothing else decides these rows.

    ``properties`` are the rows of each property's table.

    Raises
    ------
    StoreError
        A value does not fit its column.
    """
    owned: dict[Table, Sequence[Row]] = {
        OUTCOMES: [head.outcome for head in found],
        FAILURE_LOG: [row for head in found for row in head.failures],
    }
    for table in tables:
        owned[table] = properties.get(table.name, ())
    return {table.name: table_of(table.name, table.columns, owned[table]) for table in owned}


def key_frame(outcomes: Iterable[Outcome]) -> pa.Table:
    """Return the keys of outcomes."""
    return table_of("outcomes", OUTCOME_KEY, [key_row(outcome) for outcome in outcomes])


def cost_frame(found: Iterable[Row]) -> pa.Table:
    """Return rows of the cost ledger, each execution once."""
    latest: dict[str, Row] = {}
    for row in found:
        latest[row["execution_id"]] = row
    return table_of(COST_LEDGER.name, COST_LEDGER.columns, list(latest.values()))


def refuse_undeclared(outcomes: Iterable[Outcome], known: set[str]) -> None:
    """Refuse rows of a property that the writer was not told about.

    Raises
    ------
    StoreError
        A property is not declared.
    """
    for outcome in outcomes:
        if not outcome.rows.keys() <= known:
            unknown = ", ".join(sorted(outcome.rows.keys() - known))
            raise StoreError(
                f"{outcome.material_id} has rows of {unknown}: open the writer with the columns "
                "of this property"
            )


def _finished(executions: Sequence[Execution]) -> datetime:
    """Return when the last computation ended (UTC); now, if everything had been there."""
    ends = [utc(item.started_at) + timedelta(seconds=item.wall_s) for item in executions]
    return max(ends, default=utc(datetime.now(UTC)))
