"""Measured conductivities and expansions, each with its citation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from screen.core.catalog_rows import CatalogRow, read_catalog

CATALOG = "experiment.csv"
COLUMNS = (
    *("formula", "prototype", "mp_id", "property", "value", "uncertainty", "unit"),
    *("temperature", "temperature_to", "citation"),
)
UNITS: Mapping[str, str] = {
    "kappa": "W/m/K",
    "kappa_a": "W/m/K",
    "alpha": "1/K",
    "alpha_a": "1/K",
    "alpha_c": "1/K",
    "gruneisen_0": "",
    "contracts_below": "K",
}
"""Property to its unit: κ and linear α (mean or cubic; ``_a`` perpendicular to c, ``_c`` along c),
γ in the limit T → 0, and the temperature below which α is negative."""


@dataclass(frozen=True)
class Measurement:
    """One measured value."""

    formula: str  # as in the benchmark's catalog: cation before anion
    prototype: str
    mp_id: str | None  # of the benchmark compound; None if it is none
    property: str  # a key of UNITS
    value: float  # in that unit
    uncertainty: float | None  # as the source gives it, same unit
    temperature: float | None  # K; None: the source gives none
    temperature_to: float | None  # K; the value is the mean from temperature to here
    citation: str


@cache
def measurements() -> tuple[Measurement, ...]:
    """Return all measured values, in the order of the catalog.

    Raises
    ------
    CatalogError
        The catalog is missing or broken.
    """
    return tuple(_measurement(row) for row in read_catalog(CATALOG, COLUMNS))


def measured(formula: str | None, prototype: str | None) -> tuple[Measurement, ...]:
    """Values measured on one crystal, its elements in any order; none if its prototype is unknown."""
    wanted = _composition(formula or "")
    return tuple(
        item
        for item in measurements()
        if item.prototype == prototype and _composition(item.formula) == wanted
    )


def _composition(formula: str) -> Mapping[str, float]:
    """Return the elements of a formula without brackets, with their numbers."""
    parts = re.findall(r"([A-Z][a-z]?)([\d.]*)", formula)
    return {element: float(number or 1) for element, number in parts}


def _measurement(row: CatalogRow) -> Measurement:
    """Return the value of one line."""
    item = Measurement(
        formula=row.text("formula"),
        prototype=row.text("prototype"),
        mp_id=row.cells["mp_id"] or None,
        property=row.text("property"),
        value=row.number("value"),
        uncertainty=row.optional("uncertainty"),
        temperature=row.optional("temperature"),
        temperature_to=row.optional("temperature_to"),
        citation=row.citation(),
    )
    if item.property not in UNITS:
        raise row.error(f"no property {item.property!r}; known: {', '.join(UNITS)}")
    if row.cells["unit"] != UNITS[item.property]:
        unit = row.cells["unit"]
        raise row.error(f"{item.property} is in {UNITS[item.property]!r}, not in {unit!r}")
    if item.property.startswith("kappa") and item.value <= 0:
        raise row.error(f"{item.property} = {item.value:g} is not positive")
    if item.property.startswith("alpha") and abs(item.value) > 1e-3:
        raise row.error(f"{item.property} = {item.value:g} is not in 1/K")
    if (item.temperature or 0) < 0 or (item.uncertainty or 0) < 0:
        raise row.error("temperature and uncertainty cannot be negative")
    if item.temperature_to is not None and not (
        item.temperature is not None and item.temperature < item.temperature_to
    ):
        raise row.error("temperature_to needs a temperature below it")
    return item
