"""Which materials a report is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from dashboard import comparison
from screen.core.errors import SettingsError
from screen.ranking import rank
from screen.store.database import Snapshot

MOST = 100  # materials


@dataclass(frozen=True)
class Ranked:
    """The best of a ranking instead of a list of names."""

    kind: str  # key of ``screen.ranking.RANKINGS``
    best: int
    temperature: float = 300.0  # K
    where: str | None = None  # SQL on the view ``results``


@dataclass(frozen=True)
class Shortlist:
    """Materials in the order of the report."""

    materials: tuple[str, ...]
    ranking: pa.Table | None = None  # as ``screen.ranking.rank`` gives it


def named(snapshot: Snapshot, materials: Sequence[str]) -> Shortlist:
    """Take the materials that are named, each once.

    Raises
    ------
    SettingsError
        There are too many, or the run does not know one.
    """
    wanted = tuple(dict.fromkeys(materials))
    _check_number(len(wanted))
    there = comparison.known(snapshot, wanted)
    if missing := [item for item in wanted if item not in there]:
        raise SettingsError(
            f"the run has no material {', '.join(map(repr, missing))}; see "
            "`thermoscreen sql --run RUN 'SELECT material_id FROM materials'`"
        )
    return Shortlist(wanted)


def ranked(
    snapshot: Snapshot, wanted: Ranked, model: str | None = None, protocol: str | None = None
) -> Shortlist:
    """Take the first of a ranking.

    Raises
    ------
    SettingsError
        There are too many, nothing is ranked, or ``screen.ranking.rank`` refuses.
    """
    _check_number(wanted.best)
    table = rank(
        snapshot,
        wanted.kind,
        wanted.temperature,
        wanted.best,
        where=wanted.where,
        model=model,
        protocol=protocol,
    )
    if not table.num_rows:
        raise SettingsError(f"no stable material to rank among {wanted.kind}: widen --where")
    return Shortlist(tuple(table["material_id"].to_pylist()), table)


def _check_number(materials: int) -> None:
    if not 1 <= materials <= MOST:
        raise SettingsError(f"a report is for 1 to {MOST} materials, not {materials}")
