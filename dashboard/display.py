"""Numbers as people read them: the units of tables on the pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.csv import write_csv
from pymatgen.symmetry.groups import sg_symbol_from_int_number

from screen.core.columns import Column

UNITS: Mapping[str, tuple[float, str]] = {"1/K": (1e6, "10⁻⁶/K")}
"""Stored unit to the factor and the unit that is shown."""
SPANS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))  # s
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def shown_column(column: Column) -> Column:
    """Return the column in the unit that is shown."""
    return replace(column, unit=UNITS.get(column.unit, (1.0, column.unit))[1])


def shown_table(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return the columns in the units that are shown, named by label and unit."""
    arrays = []
    for column in columns:
        factor, _ = UNITS.get(column.unit, (1.0, ""))
        array = table[column.name]
        arrays.append(array if factor == 1.0 else pc.multiply(array, factor))
    return pa.table(arrays, names=[shown_column(column).header for column in columns])


def csv(table: pa.Table, columns: Sequence[Column]) -> bytes:
    """Return ``shown_table`` with full precision as CSV in UTF-8."""
    buffer = BytesIO()
    write_csv(shown_table(table, columns), buffer)
    return buffer.getvalue()


def number(value: object, column: Column | None = None) -> str:
    """Write a value with four significant digits; absent is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        factor, _ = UNITS.get(column.unit if column else "", (1.0, ""))
        return plain(factor * value)
    return str(value)


def plain(value: float) -> str:
    """Write four significant digits, as a power of ten only where the number is very long."""
    return f"{value:.4g}" if 1e-4 <= abs(value) < 1e4 or value == 0 else f"{value:.3e}"


def space_group(number_: int | None) -> str:
    """Write a space group as ``Fm-3m (225)``."""
    if number_ is None:
        return "–"
    symbol = re.sub(r"_(\d)", lambda found: found[1].translate(SUBSCRIPTS), _symbol(number_))
    return f"{symbol} ({number_})"


def _symbol(number_: int) -> str:
    return str(sg_symbol_from_int_number(number_))


def verbatim(text: str) -> str:
    """Return a text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#$~|:])", r"\\\1", text)


def duration(seconds: float | None) -> str:
    """Write a time span as ``3.2 h``."""
    if seconds is None:
        return "–"
    value, unit = _in_unit(seconds)
    return f"{value:.3g} {unit}"


def ago(span: timedelta) -> str:
    """Write the age of something as ``3 min ago``."""
    value, unit = _in_unit(span.total_seconds())
    return "just now" if unit == "s" and value < 5 else f"{value:.0f} {unit} ago"


def _in_unit(seconds: float) -> tuple[float, str]:
    """Return a time span in the largest unit of which there is at least one."""
    length, unit = next(item for item in SPANS if seconds >= item[0] or item[1] == "s")
    return seconds / length, unit
