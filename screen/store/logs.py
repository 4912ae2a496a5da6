"""The views ``failures`` and ``costs``: the logs with the names of what they are about."""

from __future__ import annotations

from screen.core.records import HELD_BACK
from screen.store.relations import Relation, Selected, columns_of, listed, named, of, renamed
from screen.store.schema import (
    COST_LEDGER,
    FAILURE_LOG,
    MATERIALS,
    MODELS,
    OUTCOMES,
    PROTOCOLS,
    Table,
)

_DIGESTS = ("model_digest", "protocol_digest")


def failures() -> Relation:
    """Return what failed: not what the funnel or the budget held back, which nobody has tried."""
    selected = [
        *_names(FAILURE_LOG),
        *of(OUTCOMES, ["status"]),
        *of(FAILURE_LOG, ["stage", "kind", "message", "position", "traceback"]),
        *of(MATERIALS, ["elements", "prototype", "source"]),
        *of(FAILURE_LOG, _DIGESTS),
    ]
    sql = f"""SELECT
  {listed(selected)}
FROM failure_log
LEFT JOIN outcomes USING (material_id, model_digest, protocol_digest)
{named("failure_log")}
WHERE failure_log.kind NOT IN {HELD_BACK}"""
    return Relation(
        "failures",
        "Stages that failed, one row each; what the funnel or the budget held back is no failure "
        "(it is in failure_log).",
        columns_of(selected),
        sql,
    )


def costs() -> Relation:
    """Return what every computation has cost."""
    about = ("execution_id", "artifact", *_DIGESTS)
    measured = [
        column.name for column in COST_LEDGER.columns if column.name not in {*about, "material_id"}
    ]
    selected = [
        *_names(COST_LEDGER),
        *of(COST_LEDGER, measured),
        *of(COST_LEDGER, about),
    ]
    sql = f"SELECT\n  {listed(selected)}\nFROM cost_ledger\n{named('cost_ledger')}"
    return Relation(
        "costs",
        "Time, memory and evaluations of every computation, one row each; failed ones and those "
        "of killed runs too.",
        columns_of(selected),
        sql,
    )


def _names(log: Table) -> list[Selected]:
    """Select whose row it is."""
    ((model, model_sql),) = of(MODELS, ["name"])
    ((protocol, protocol_sql),) = of(PROTOCOLS, ["name"])
    return [
        *of(MATERIALS, ["formula"]),
        *of(log, ["material_id"]),
        (renamed(model, "model"), model_sql),
        (renamed(protocol, "protocol"), protocol_sql),
    ]
