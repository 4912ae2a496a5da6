"""A filter as searches of the Materials Project: what its server can check, it checks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from screen.sources._where import Condition

DEFAULTS = (Condition("deprecated", "=", (False,)),)
"""Withdrawn entries are left out unless the filter speaks of them.

This also keeps the client from downloading the whole collection, as it does without criteria.
"""

NOT_GNOME = Condition("gnome", "=", (False,))
GNOME_BATCH = "gnome_r2scan_statics"

LONGEST_LIST = 60  # characters of a list of elements (emmet-api 0.84, ElementsQuery)

_RANGES = {
    "band_gap": "band_gap",
    "energy_above_hull": "energy_above_hull",
    "nsites": "num_sites",
    "nelements": "num_elements",
}
_COUNTS = ("nsites", "nelements")  # the server takes no 12.0 for these
_CHOICES = {
    "crystal_system": "crystal_system",
    "space_group": "spacegroup_number",
    "magnetic_ordering": "magnetic_ordering",
}
_LISTS = {"has": "elements", "lacks": "exclude_elements"}

Search = dict[str, Any]  # arguments of ``SummaryRester.search``, as JSON


def with_defaults(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """Conditions with the defaults that they do not speak of."""
    named = {condition.name for condition in conditions}
    return (*conditions, *(item for item in DEFAULTS if item.name not in named))


def searches(conditions: Sequence[Condition], include_gnome: bool) -> list[Search]:
    """Return searches that together find everything that fits, and nothing twice.

    The client pages through one value of a crystal system, a space group or an ordering at a time,
    so a list of them becomes several searches. Limits are inclusive on the wire, and long lists of
    elements do not fit; both are checked again here, like everything else.
    """
    common: Search = {"include_gnome": include_gnome}
    # the server knows no ``only``, but entries of few elements are a small part of the database
    few = (
        Condition("nelements", "<=", (len(item.values),))
        for item in conditions
        if item.operator == "only"
    )
    conditions = [*conditions, *few]
    for name, argument in _RANGES.items():
        lower, upper = _limits([condition for condition in conditions if condition.name == name])
        if name in _COUNTS:
            lower = None if lower is None else math.ceil(lower)
            upper = None if upper is None else math.floor(upper)
        if (lower, upper) != (None, None):
            common[argument] = (lower, upper)
    for condition in conditions:
        if condition.operator in _LISTS:
            argument = _LISTS[condition.operator]
            common[argument] = _fitting([*common.get(argument, ()), *condition.values])
        elif condition.name in {"theoretical", "deprecated"}:
            common[condition.name] = condition.values[0]
    choices = _choices(conditions)
    return [
        {**common, **dict(zip(choices, values, strict=True))}
        for values in product(*choices.values())
    ]


def _limits(conditions: Sequence[Condition]) -> tuple[float | None, float | None]:
    """Smallest and largest value that the conditions on a quantity allow."""
    numbers = [(item.operator, [float(value) for value in item.values]) for item in conditions]
    lower = [min(values) for sign, values in numbers if sign in {">", ">=", "=", "in"}]
    upper = [max(values) for sign, values in numbers if sign in {"<", "<=", "=", "in"}]
    return (max(lower, default=None), min(upper, default=None))


def _fitting(symbols: Sequence[Any]) -> list[str]:
    """First elements of a list, as many as the server takes."""
    fitting = list(dict.fromkeys(str(symbol) for symbol in symbols))
    while len(",".join(fitting)) > LONGEST_LIST:
        fitting.pop()
    return fitting


def _choices(conditions: Sequence[Condition]) -> Mapping[str, list[Any]]:
    """Values to search for, by argument; a comparison of space groups is left to the check."""
    found: dict[str, list[Any]] = {}
    for condition in conditions:
        if condition.name in _CHOICES and condition.operator in {"=", "in"}:
            values = [int(v) if isinstance(v, float) else v for v in condition.values]
            argument = _CHOICES[condition.name]
            found[argument] = [v for v in found.get(argument, values) if v in values]
    return found
