"""What the user looks for in a ranking, as a condition in SQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Chemistry = Literal["all of", "any of", "only"]
"""How the elements that are asked for have to be there."""

TRUST: Mapping[str, str] = {
    "complete": "status = 'complete'",
    "potentials agree": "models_disagree IS NOT TRUE",
    "good fit of fc3": "fc3_fit_poor IS NOT TRUE",
    "undoubted α": "expansion_doubt IS NOT TRUE",
    "seen in experiments": "theoretical IS FALSE",
}
"""Name of a reason to trust a row to its condition on the columns of a ranking."""


@dataclass(frozen=True)
class Filters:
    """Which materials of a ranking to show; empty filters let everything pass."""

    temperature: float  # K
    contains: tuple[str, ...] = ()  # element symbols
    chemistry: Chemistry = "all of"
    lacks: tuple[str, ...] = ()  # element symbols of which none may be there
    prototypes: tuple[str, ...] = ()
    kappa_from: float | None = None  # W/m/K at ``temperature``
    kappa_to: float | None = None  # W/m/K
    gap_from: float | None = None  # eV; materials of unknown gap do not pass
    gap_to: float | None = None  # eV
    hull_to: float | None = None  # eV/atom; materials of unknown energy do not pass
    trust: tuple[str, ...] = ()  # names in ``TRUST``


@dataclass(frozen=True)
class Match:
    """Which expansion the materials of a ranking have to match."""

    expansion: str | float  # name of a substrate, or 1/K
    max_mismatch: float  # 1/K


def conditions(filters: Filters) -> list[str]:
    """Return conditions on the columns of a ranking, all of which have to hold."""
    found = [*_elements(filters)]
    if filters.prototypes:
        found.append(f"prototype IN ({_texts(filters.prototypes)})")
    found += between("kappa", filters.kappa_from, filters.kappa_to)
    found += between("band_gap", filters.gap_from, filters.gap_to)
    found += between("energy_above_hull", None, filters.hull_to)
    found += [TRUST[name] for name in filters.trust]
    return found


def _elements(filters: Filters) -> Iterable[str]:
    """Yield what is asked of the composition."""
    wanted = f"[{_texts(filters.contains)}]"
    if filters.contains:
        yield {
            "all of": f"list_has_all(elements, {wanted})",
            "any of": f"list_has_any(elements, {wanted})",
            "only": f"list_has_all({wanted}, elements)",
        }[filters.chemistry]
    if filters.lacks:
        yield f"NOT list_has_any(elements, [{_texts(filters.lacks)}])"


def between(column: str, low: float | None, high: float | None) -> list[str]:
    """Return conditions that a column lies between two values, ends included."""
    found = [] if low is None else [f"{column} >= {low!r}"]
    return found if high is None else [*found, f"{column} <= {high!r}"]


def quoted(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _texts(texts: Iterable[str]) -> str:
    return ", ".join(quoted(text) for text in texts)
