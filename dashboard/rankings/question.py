"""What a page of ranked materials is asked for: everything that decides its rows."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.data import ResultSet
from dashboard.filters import Filters
from dashboard.rankings.criteria import Criterion, Side
from screen.ranking import Match


@dataclass(frozen=True)
class Box:
    """A rectangle in the plot, in stored units; materials on its edge are inside."""

    x: tuple[float, float]
    kappa: tuple[float, float]  # W/m/K


@dataclass(frozen=True)
class Order:
    """Which rows of the table come first."""

    column: str = "rank"
    descending: bool = False


@dataclass(frozen=True)
class Question:
    """A ranking with its filters."""

    kind: str  # a name in ``screen.ranking.RANKINGS``
    chosen: ResultSet
    filters: Filters
    criterion: Criterion
    prefer: Side | None = None  # of the criterion's values; None: there is no front
    match: Match | None = None  # the front is that of κ and the distance to the substrate then
    front_only: bool = False
    box: Box | None = None
    order: Order = Order()

    @property
    def has_front(self) -> bool:
        """Say whether materials are marked as Pareto-optimal."""
        return self.prefer is not None or self.match is not None
