"""What κ is plotted against, and whose front is drawn."""

from __future__ import annotations

from streamlit.delta_generator import DeltaGenerator

from dashboard.rankings import selection
from dashboard.rankings.controls import IN_ADDRESS
from dashboard.rankings.criteria import Criterion, Side, criteria_of
from screen.ranking import Match

SIDES: dict[str, Side | None] = {"low": "low", "high": "high", "no front": None}


def choose_criterion(place: DeltaGenerator, facts: frozenset[str]) -> Criterion:
    """Let the user choose among what the run holds; the box of another axis is forgotten."""
    found = criteria_of(facts)
    name = place.selectbox(
        "Plot κ against",
        list(found),
        key="x",
        bind=IN_ADDRESS,
        on_change=selection.forget,
        help="Prices are in no source: density, mass and gap are what stands for them here",
    )
    return found[str(name)]


def choose_front(
    place: DeltaGenerator, kind: str, criterion: Criterion, match: Match | None
) -> tuple[Side | None, bool]:
    """Let the user say which values of the criterion are good, and whether to list the front only.

    With a substrate the front is that of κ and the distance to its expansion.
    """
    label, best = criterion.column.label, "low" if kind == "insulators" else "high"
    if match is None:
        side = place.segmented_control(
            f"Pareto front: {best} κ and … {label}",
            list(SIDES),
            default=criterion.prefer,
            required=True,
            key=f"front_{criterion.prefer}",  # another default is another widget
            bind=IN_ADDRESS,
            help="Which values of the criterion are good. On the front no other material that "
            "passes the filters is at least as good in both and better in one",
        )
        prefer = SIDES[str(side)]
        if prefer is None:
            return None, False
    else:
        prefer = None
    only = place.toggle(
        "Front only",
        key="only_front",
        bind=IN_ADDRESS,
        help="List and download the Pareto front only",
    )
    return prefer, bool(only)
