"""Who gets third-order force constants: candidates judged by a cheap estimate of κ.

A limit judges each material alone. A number or a fraction compares: its verdict waits until all
materials of a potential have their estimate. Nobody is judged for good: who was not selected is
judged again by the next run, whose funnel may be wider.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from screen.core.records import Failure, Outcome
from screen.core.settings import FunnelSettings, PurposeSettings

ESTIMATE = "slack"  # property whose estimate judges
COLUMN = "kappa_slack_300"
FIRST_EXPENSIVE = "fc3"  # stage: who has it has passed before


class Funnel:
    """State of the selection; materials and potentials are named by id and digest."""

    def __init__(self, settings: FunnelSettings) -> None:
        self._settings = settings
        self._entered: dict[str, set[str]] = defaultdict(set)  # without an estimate yet
        self._estimates: dict[str, dict[str, float]] = defaultdict(dict)  # W/m/K

    def enter(self, model: str, material: str) -> None:
        """Announce a material that will be judged."""
        self._entered[model].add(material)

    def leave(self, model: str, material: str) -> None:
        """Take back a material that will have no estimate."""
        self._entered[model].discard(material)

    def judge(self, model: str, material: str, kappa: float) -> bool | None:
        """Keep a material or not, by its estimate in W/m/K; None: the others decide."""
        self._estimates[model][material] = kappa
        self.leave(model, material)
        return verdict(self._settings, kappa)

    def complete(self, model: str) -> bool:
        """Say whether all that entered have an estimate or have left."""
        return not self._entered[model]

    def selected(self, model: str, earlier: Mapping[str, float]) -> set[str]:
        """Return all materials that a purpose keeps; ``earlier``: estimates of other runs."""
        return selected(self._settings, {**earlier, **self._estimates[model]})

    def held_back(self, outcome: Outcome, kappa: float) -> Outcome:
        """Return the outcome of a material that is not selected, or not yet."""
        message = f"estimated κ(300 K) = {kappa:.3g} W/m/K; selected: {described(self._settings)}"
        failure = Failure("funnel", "not_selected", message)
        return replace(outcome, failures=(*outcome.failures, failure))


def verdict(settings: FunnelSettings, kappa: float) -> bool | None:
    """Judge one estimate: kept, not kept, or (None) to be compared with the others."""
    within = [
        purpose
        for purpose, lowest_first in _purposes(settings)
        if _within(purpose, kappa, lowest_first)
    ]
    if any(not purpose.compares for purpose in within):
        return True
    return None if within else False


def selected(settings: FunnelSettings, estimates: Mapping[str, float]) -> set[str]:
    """Materials that a purpose keeps, of equal estimates those first by name."""
    kept: set[str] = set()
    for purpose, lowest_first in _purposes(settings):
        order = sorted(
            (kappa if lowest_first else -kappa, name) for name, kappa in estimates.items()
        )
        within = [name for key, name in order if _within(purpose, abs(key), lowest_first)]
        number = len(within) if purpose.best is None else purpose.best
        if purpose.fraction is not None:
            number = round(purpose.fraction * len(estimates))
        kept.update(within[:number])
    return kept


def described(settings: FunnelSettings) -> str:
    """Say in words whom the funnel keeps."""
    return " or ".join(
        _words(purpose, name, side)
        for purpose, name, side in (
            (settings.insulators, "insulators", "at most"),
            (settings.heat_spreaders, "heat spreaders", "at least"),
        )
        if purpose is not None
    )


def _words(purpose: PurposeSettings, name: str, side: str) -> str:
    limit = "" if purpose.limit is None else f" of {side} {purpose.limit:g} W/m/K"
    if purpose.best is not None:
        return f"the best {purpose.best} {name}{limit}"
    share = "" if purpose.fraction is None else f"the best {100 * purpose.fraction:g} % as "
    return f"{share}{name}{limit}"


def _purposes(settings: FunnelSettings) -> list[tuple[PurposeSettings, bool]]:
    """Return the purposes that are wanted, and whether the lowest κ serves them best."""
    pairs = ((settings.insulators, True), (settings.heat_spreaders, False))
    return [(purpose, lowest) for purpose, lowest in pairs if purpose is not None]


def _within(purpose: PurposeSettings, kappa: float, lowest_first: bool) -> bool:
    if purpose.limit is None:
        return True
    return kappa <= purpose.limit if lowest_first else kappa >= purpose.limit
