"""What the user looks for in a ranking, as a condition in SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Filters:
    """Which materials of a ranking to show; empty filters let everything pass."""

    temperature: float  # K, one of the stored grid
    contains: tuple[str, ...] = ()  # element symbols that must all be there
    lacks: tuple[str, ...] = ()  # element symbols of which none may be there
    prototypes: tuple[str, ...] = ()
    kappa_from: float | None = None  # W/m/K at ``temperature``
    kappa_to: float | None = None  # W/m/K
    complete_only: bool = False  # leave out materials of which another property failed


@dataclass(frozen=True)
class Match:
    """Which expansion the materials of a ranking have to match."""

    expansion: str | float  # name of a substrate, or 1/K
    max_mismatch: float  # 1/K


def where(filters: Filters) -> str | None:
    """Return a condition on the columns of the view ``results``; None lets everything pass."""
    conditions = []
    if filters.contains:
        conditions.append(f"list_has_all(elements, {_list(filters.contains)})")
    if filters.lacks:
        conditions.append(f"NOT list_has_any(elements, {_list(filters.lacks)})")
    if filters.prototypes:
        conditions.append(f"list_contains({_list(filters.prototypes)}, prototype)")
    if filters.complete_only:
        conditions.append("status = 'complete'")
    if filters.kappa_from is not None or filters.kappa_to is not None:
        conditions.append(_kappa_between(filters))
    return " AND ".join(conditions) or None


def _kappa_between(filters: Filters) -> str:
    """Compare κ at the temperature itself: the list's value at that point of its grid."""
    kappa = f"kappa[list_position(temperatures, {filters.temperature!r}::DOUBLE)]"
    low = [] if filters.kappa_from is None else [f"{kappa} >= {filters.kappa_from!r}"]
    high = [] if filters.kappa_to is None else [f"{kappa} <= {filters.kappa_to!r}"]
    return (
        "(material_id, model_digest, protocol_digest) IN "
        "(SELECT (material_id, model_digest, protocol_digest) FROM conductivity "
        f"WHERE {' AND '.join([*low, *high])})"
    )


def _list(texts: Iterable[str]) -> str:
    """Quote texts as a list in SQL."""
    return "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + "]"
