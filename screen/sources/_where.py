"""Filters as people write them: ``band_gap > 0.5 and nsites <= 12 and elements lacks Tc``."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ase.data import chemical_symbols

from screen.core.errors import SettingsError
from screen.sources._options import suggestion

Value = float | bool | str
Facts = Mapping[str, Any]  # what is known about an entry, by the names of ``KINDS``

KINDS: Mapping[str, str] = {
    "band_gap": "number",  # eV
    "energy_above_hull": "number",  # eV/atom
    "nsites": "integer",  # atoms in the primitive cell
    "nelements": "integer",
    "space_group": "integer",
    "elements": "elements",
    "crystal_system": "word",
    "magnetic_ordering": "word",
    "theoretical": "flag",
    "deprecated": "flag",
}
WORDS: Mapping[str, tuple[str, ...]] = {
    "crystal_system": (
        *("triclinic", "monoclinic", "orthorhombic", "tetragonal", "trigonal"),
        *("hexagonal", "cubic"),
    ),
    "magnetic_ordering": ("NM", "FM", "AFM", "FiM"),
}
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SETS: Mapping[str, Callable[[frozenset[Any], frozenset[Any]], bool]] = {
    "has": lambda found, wanted: found >= wanted,
    "lacks": lambda found, wanted: not found & wanted,
    "only": lambda found, wanted: found <= wanted,
}
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "number": (*_COMPARISONS, "=", "in"),
    "integer": (*_COMPARISONS, "=", "in"),
    "word": ("=", "in"),
    "flag": ("=",),
    "elements": tuple(_SETS),
}
_CONDITION = re.compile(r"(\w+)\s*(<=|>=|<|>|==?|\b[a-z]+\b)\s*(.+)", re.IGNORECASE)
_FLAGS: Mapping[str, bool] = {"true": True, "false": False, "yes": True, "no": False}
LARGEST = 1_000_000  # integer that anything is compared with
GROUPS = ("radioactive", "lanthanoids", "actinoids", "noble_gases")


@dataclass(frozen=True)
class Condition:
    """One part of a filter; an entry without a value for it does not fulfil it."""

    name: str
    operator: str  # of ``OPERATORS``
    values: tuple[Value, ...]

    def holds(self, facts: Facts) -> bool:
        """Whether an entry fulfils the condition."""
        value = facts.get(self.name)
        if value is None:
            return False
        if self.operator in _SETS:
            return _SETS[self.operator](frozenset(value), frozenset(self.values))
        if self.operator in _COMPARISONS:
            return _COMPARISONS[self.operator](value, self.values[0])
        return value in self.values

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {', '.join(_text(value) for value in self.values)}"


def parse(source: str, text: object) -> tuple[Condition, ...]:
    """Conditions of a filter; None is no filter.

    ``and`` joins conditions; see ``KINDS`` for the names and ``OPERATORS`` for what they allow.
    Lists are separated by commas; elements may also be one of ``GROUPS``.

    Raises
    ------
    SettingsError
        The text is no filter; the message names the part that is wrong.
    """
    if text is None:
        return ()
    if not isinstance(text, str):
        raise SettingsError(f"source {source!r}: where={text!r} must be a text, e.g. band_gap > 1")
    parts = re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE)
    return tuple(_condition(f"source {source!r}: where: ", part) for part in parts)


def unmet(conditions: tuple[Condition, ...], facts: Facts) -> Condition | None:
    """First condition that an entry does not fulfil."""
    return next((item for item in conditions if not item.holds(facts)), None)


def _condition(where: str, text: str) -> Condition:
    """Condition of a text such as ``nsites <= 12``."""
    match = _CONDITION.fullmatch(text.strip())
    if match is None:
        raise SettingsError(f"{where}{text!r} is no condition such as band_gap > 0.5")
    name, sign, values = match[1], match[2].lower().replace("==", "="), match[3]
    if name not in KINDS:
        near = suggestion(name, KINDS)
        raise SettingsError(f"{where}no quantity {name!r}{near}; known: {', '.join(KINDS)}")
    kind = KINDS[name]
    if sign not in OPERATORS[kind]:
        raise SettingsError(
            f"{where}{text!r}: {name} takes one of {', '.join(OPERATORS[kind])}, not {sign!r}"
        )
    words = [word.strip() for word in values.split(",") if word.strip()]
    if not words or (len(words) > 1 and sign not in {"in", *_SETS}):
        raise SettingsError(f"{where}{text!r} needs one value; {name} in A, B takes several")
    read = _elements if kind == "elements" else READERS[kind]
    found = tuple(value for word in words for value in read(where, name, word))
    return Condition(name, sign, tuple(dict.fromkeys(found)))


def _number(where: str, name: str, word: str) -> tuple[Value, ...]:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsError(f"{where}{name} is compared with a finite number, not {word!r}")
    return (value,)


def _integer(where: str, name: str, word: str) -> tuple[Value, ...]:
    (value,) = _number(where, name, word)
    if not float(value).is_integer() or abs(float(value)) > LARGEST:
        raise SettingsError(
            f"{where}{name} is compared with an integer of at most {LARGEST}, not {word!r}"
        )
    return (value,)


def _flag(where: str, name: str, word: str) -> tuple[Value, ...]:
    if word.lower() not in _FLAGS:
        raise SettingsError(f"{where}{name} is true or false, not {word!r}")
    return (_FLAGS[word.lower()],)


def _word(where: str, name: str, word: str) -> tuple[Value, ...]:
    by_lower = {item.lower(): item for item in WORDS[name]}
    if word.lower() not in by_lower:
        raise SettingsError(f"{where}{name} is one of {', '.join(WORDS[name])}, not {word!r}")
    return (by_lower[word.lower()],)


def _elements(where: str, _name: str, word: str) -> tuple[Value, ...]:
    if word in GROUPS:
        return _group(word)
    if word not in chemical_symbols[1:]:
        raise SettingsError(f"{where}no element {word!r}; groups are {', '.join(GROUPS)}")
    return (word,)


def _group(name: str) -> tuple[str, ...]:
    """Symbols of a group of elements, as pymatgen has them."""
    from pymatgen.core.periodic_table import Element

    flag = {"noble_gases": "is_noble_gas", "radioactive": "is_radioactive"}
    wanted = flag.get(name, f"is_{name.removesuffix('s')}")
    return tuple(element.symbol for element in Element if getattr(element, wanted))


READERS = {"number": _number, "integer": _integer, "flag": _flag, "word": _word}


def _text(value: Value) -> str:
    """Value as it is written in a filter."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else value
