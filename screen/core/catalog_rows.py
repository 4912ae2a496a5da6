"""Catalogs in CSV, checked cell by cell while they are read."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from screen.core.catalogs import catalog_path
from screen.core.errors import CatalogError

_YEAR = re.compile(r"\b(1[89]|20)\d\d\b")


@dataclass(frozen=True)
class CatalogRow:
    """One line of a catalog; every method raises ``CatalogError`` with file and line."""

    path: Path
    line: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Text of a cell, which must not be empty."""
        if not self.cells[column]:
            raise self.error(f"{column} is empty")
        return self.cells[column]

    def number(self, column: str) -> float:
        """Finite number of a cell."""
        try:
            value = float(self.cells[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise self.error(f"{column} = {self.cells[column]!r} is no finite number")
        return value

    def optional(self, column: str) -> float | None:
        """Finite number of a cell; None if it is empty."""
        return self.number(column) if self.cells[column] else None

    def citation(self) -> str:
        """Text of the cell ``citation``, which must name a year."""
        text = self.text("citation")
        if not _YEAR.search(text):
            raise self.error(f"the citation {text!r} names no year")
        return text

    def error(self, problem: str) -> CatalogError:
        """Return the error that names this line."""
        return CatalogError(f"{self.path}, line {self.line}: {problem}")


def read_catalog(name: str, columns: Sequence[str]) -> tuple[CatalogRow, ...]:
    """Read a catalog that has exactly these columns.

    Raises
    ------
    CatalogError
        The catalog is missing, has other columns, or a line has another number of cells.
    """
    path = catalog_path(name)
    with path.open(encoding="utf-8", newline="") as handle:
        header, *lines = list(csv.reader(handle)) or [[]]
    if header != list(columns):
        raise CatalogError(f"{path} has the columns {header} instead of {list(columns)}")
    rows = []
    for number, cells in enumerate(lines, start=2):
        row = CatalogRow(path, number, dict(zip(columns, cells, strict=False)))
        if len(cells) != len(columns):
            raise row.error(f"{len(cells)} cells instead of {len(columns)}")
        rows.append(row)
    return tuple(rows)
