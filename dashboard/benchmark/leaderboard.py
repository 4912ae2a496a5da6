"""The run's potentials beside what has been published about named ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa

from dashboard.benchmark.columns import LEADERBOARD
from dashboard.benchmark.questions import PUBLISHED
from screen.core.protocols import ModelCard
from screen.core.published import published
from screen.core.registry import find, names
from screen.core.settings import protocol_named

PROTOCOL = "ksrme-2024"  # how they were computed
WORST = 2.0  # score of what is not listed: it failed


@dataclass(frozen=True)
class Place:
    """One potential: what is published of it, what this run says, or both."""

    potential: str
    card: ModelCard | None
    sre: float | None = None  # mean over ``compounds``, 300 K
    mean_srme: float | None = None  # the same; None: not all of them have one
    compounds: int = 0
    same: float | None = None  # published mean over the compounds of the run, see ``over``

    @property
    def srme(self) -> float | None:
        """Published κ_SRME."""
        return None if self.card is None else self.card.kappa_srme

    @property
    def coverage(self) -> str | None:
        """Say how many compounds the run's number is a mean over; None without one."""
        return coverage(self.compounds) if self.compounds else None


def coverage(compounds: int) -> str:
    """Write ``4 of 103``, so that a few compounds are never taken for all."""
    return f"{compounds} of {PUBLISHED}" if compounds <= PUBLISHED else f"{compounds:,}"


def same_conditions(compounds: int, protocol: str) -> bool:
    """Say whether a run has tried as many compounds as are published, in the same way.

    Parameters
    ----------
    protocol
        Its digest.
    """
    return compounds == PUBLISHED and protocol == protocol_named(PROTOCOL).digest


def over(compounds: Collection[str], by_modes: bool) -> dict[str, float]:
    """Return the published mean error of named potentials over some compounds, by potential.

    Parameters
    ----------
    compounds
        Names like ``LiBr-rs``. There is no answer if one of them has not been published.
    by_modes
        SRME; else SRE.
    """
    scores: dict[str, dict[str, float]] = {}
    for item in published():
        if item.potential is not None:
            value = item.srme if by_modes else item.sre
            scores.setdefault(item.potential, {})[item.compound] = value
    if not compounds or not set(compounds) <= set().union(*scores.values()):
        return {}
    return {
        name: sum(found.get(compound, WORST) for compound in compounds) / len(compounds)
        for name, found in scores.items()
    }


@cache
def cards() -> tuple[ModelCard, ...]:
    """Return what is known of every named potential."""
    return tuple(card for family in names("models") for card in find("models", family).CARDS)


def places(
    known: Iterable[ModelCard],
    scores: Sequence[Mapping[str, Any]],
    same: Mapping[str, float] | None = None,
) -> list[Place]:
    """Join published figures and the run's own; by κ_SRME, then by SRE.

    Parameters
    ----------
    known
        Cards; those without a published κ_SRME count only if the run has the potential.
    scores
        Rows of ``questions.potentials_sql``.
    same
        What ``over`` says of the compounds of the run.
    """
    same = same or {}
    by_name = {card.name: card for card in known}
    uses = Counter(row["model"] for row in scores)
    found = [
        Place(
            _label(row, uses[row["model"]] > 1),
            by_name.get(row["model"]),
            row["mean_sre"],
            row["mean_srme"],
            row["compounds"],
            same.get(row["model"]),
        )
        for row in scores
    ]
    found += [
        Place(card.name, card, same=same.get(card.name))
        for card in by_name.values()
        if card.kappa_srme is not None and card.name not in uses
    ]
    return sorted(found, key=_order)


def _label(row: Mapping[str, Any], ambiguous: bool) -> str:
    """Name a potential of the run; several of one name are told apart by their digests."""
    digest = str(row["model_digest"])[:6]
    return f"{row['model']} ({digest})" if ambiguous else str(row["model"] or digest)


def _order(place: Place) -> tuple[bool, float, str]:
    own = place.sre if place.mean_srme is None else place.mean_srme
    value = own if place.srme is None else place.srme
    return (place.srme is None, 2.0 if value is None else value, place.potential)


def table(found: Sequence[Place]) -> pa.Table:
    """Return the places with the columns ``LEADERBOARD``."""
    rows = [
        {
            "potential": place.potential,
            "srme": place.srme,
            "same": place.same,
            "mean_srme": place.mean_srme,
            "source": place.card and place.card.kappa_srme_source,
            "sre": place.sre,
            "coverage": place.coverage,
            "training_set": place.card and place.card.training_set,
            "functional": place.card and place.card.functional,
            "citation": place.card and place.card.citation,
        }
        for place in found
    ]
    kinds = {"DOUBLE": pa.float64(), "VARCHAR": pa.string()}
    return pa.Table.from_pylist(
        rows, schema=pa.schema([(item.name, kinds[item.sql_type]) for item in LEADERBOARD])
    )
