"""Reference substrates: the measured expansion that a material has to match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from screen.core.catalog_rows import CatalogRow, read_catalog
from screen.core.errors import SettingsError

CATALOG = "substrates.csv"
COLUMNS = (
    *("name", "formula", "structure"),
    *("expansion", "expansion_a", "expansion_c"),
    *("temperature", "citation"),
)
ROOM_TEMPERATURE = 300.0  # K, of every value in the catalog
ROOM_RANGE = 10.0  # K around it in which the value is used
LARGEST = 1e-3  # 1/K; no solid expands that much
ROUNDING = 0.01e-6  # 1/K, of the mean given beside α_a and α_c


@dataclass(frozen=True)
class Substrate:
    """A material to build on, and its linear expansion coefficients at 300 K in 1/K."""

    name: str
    formula: str
    structure: str
    expansion: float  # mean over directions
    expansion_a: float | None  # uniaxial crystals: perpendicular to c
    expansion_c: float | None  # uniaxial crystals: along c
    citation: str


@cache
def substrates() -> Mapping[str, Substrate]:
    """Return the reference substrates by name.

    Raises
    ------
    CatalogError
        The catalog is missing or broken.
    """
    found: dict[str, Substrate] = {}
    for row in read_catalog(CATALOG, COLUMNS):
        substrate = _substrate(row)
        if substrate.name in found:
            raise row.error(f"{substrate.name} is given twice")
        found[substrate.name] = substrate
    return found


def _substrate(row: CatalogRow) -> Substrate:
    """Return the substrate of one line."""
    substrate = Substrate(
        name=row.text("name"),
        formula=row.text("formula"),
        structure=row.text("structure"),
        expansion=row.number("expansion"),
        expansion_a=row.optional("expansion_a"),
        expansion_c=row.optional("expansion_c"),
        citation=row.citation(),
    )
    if row.number("temperature") != ROOM_TEMPERATURE:
        raise row.error(f"the temperature is not {ROOM_TEMPERATURE:g} K")
    if not abs(substrate.expansion) < LARGEST:
        raise row.error(f"expansion = {substrate.expansion:g} is not in 1/K")
    a, c = substrate.expansion_a, substrate.expansion_c
    if (a is None) != (c is None):
        raise row.error("one of expansion_a and expansion_c is missing")
    if a is not None and c is not None and abs((2 * a + c) / 3 - substrate.expansion) > ROUNDING:
        raise row.error("expansion is not (2 expansion_a + expansion_c) / 3")
    return substrate


def expansion_to_match(wanted: str | float, temperature: float) -> float:
    """Return the linear expansion coefficient of a substrate in 1/K.

    Parameters
    ----------
    wanted
        Name of a reference substrate, or the coefficient itself in 1/K (a number or its text).
    temperature
        K; a named substrate is known near 300 K only, a number is taken as it is.

    Raises
    ------
    SettingsError
        The name is unknown, the number is no expansion in 1/K, or a named substrate is asked for
        away from 300 K.
    CatalogError
        The catalog is missing or broken.
    """
    try:
        value = float(wanted)
    except ValueError:
        return _named(str(wanted), temperature).expansion
    if not abs(value) < LARGEST:
        raise SettingsError(f"{value:g} is no linear expansion in 1/K; give for example 2.6e-6")
    return value


def _named(name: str, temperature: float) -> Substrate:
    """Return a reference substrate at a temperature."""
    known = substrates()
    if name not in known:
        raise SettingsError(
            f"no substrate {name!r}; known: {', '.join(known)}; or give its linear expansion "
            "in 1/K, e.g. 2.6e-6"
        )
    if abs(temperature - ROOM_TEMPERATURE) > ROOM_RANGE:
        raise SettingsError(
            f"the expansion of {name} is known at {ROOM_TEMPERATURE:g} K only, not at "
            f"{temperature:g} K; give its linear expansion at {temperature:g} K in 1/K instead, "
            "e.g. 3.2e-6"
        )
    return known[name]
