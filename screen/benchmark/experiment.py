"""A potential and DFT beside experiment, compound by compound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from screen.benchmark.summary import WORST_SRD
from screen.core.columns import Column
from screen.core.experiment import Measurement, measured
from screen.core.registry import find
from screen.store.frames import table_of

AT_ROOM = (273.0, 300.0)
"""K. A measurement counts as one at 300 K between these, or if its source gives no temperature.

It is taken as it is: as κ falls with 1/T, one at 273 K is up to 10 % too large.
"""
COMPARED: Mapping[str, str] = {
    "kappa": "kappa_300",
    "alpha": "expansion_300",
    "alpha_a": "expansion_a_300",
    "alpha_c": "expansion_c_300",
}
"""Property of the catalog to the column of a table of compounds. Not κ along one axis (``kappa_a``):
the table has the mean of the axes."""


@dataclass(frozen=True)
class DftReference:
    """κ(300 K) of DFT in W/m/K."""

    kappa_300: float | None
    kappa_nac_300: float | None  # with the non-analytical term correction


NO_REFERENCE = DftReference(None, None)


@dataclass(frozen=True)
class Comparison:
    """One quantity of one compound at 300 K; κ in W/m/K, α in 1/K; None where there is no value."""

    compound: str
    quantity: str  # a key of COMPARED
    model: float | None  # None: failed or unstable
    reference: float | None  # DFT of the benchmark, without NAC; none for α
    reference_nac: float | None  # the same with NAC
    experiment: float  # median of the measurements
    lowest: float  # of the measurements
    highest: float
    citations: tuple[str, ...]  # one for each measurement

    @property
    def model_error(self) -> float | None:
        """Model over experiment, less 1."""
        return _relative(self.model, self.experiment)

    @property
    def reference_error(self) -> float | None:
        """DFT over experiment, less 1."""
        return _relative(self.reference, self.experiment)

    @property
    def reference_nac_error(self) -> float | None:
        """DFT with NAC over experiment, less 1."""
        return _relative(self.reference_nac, self.experiment)

    @property
    def model_to_reference(self) -> float | None:
        """Model over DFT, less 1."""
        return _relative(self.model, self.reference)


@dataclass(frozen=True)
class MedianErrors:
    """Medians of absolute relative errors over the same compounds: those that have all values."""

    quantity: str
    compounds: int  # with model and experiment and, for κ, both references
    model_to_reference: float | None = None
    model_error: float | None = None
    reference_error: float | None = None
    reference_nac_error: float | None = None


_VALUE = "κ in W/m/K, α in 1/K."
COLUMNS = (
    Column("compound", "VARCHAR", "compound", "Formula and prototype, e.g. LiBr-rs."),
    Column("quantity", "VARCHAR", "quantity", "kappa or alpha, alpha_a, alpha_c; at 300 K."),
    Column("model", "DOUBLE", "model", f"Of the potential: {_VALUE}"),
    Column("reference", "DOUBLE", "DFT", f"Of DFT without NAC: {_VALUE}"),
    Column("reference_nac", "DOUBLE", "DFT with NAC", f"Of DFT with NAC: {_VALUE}"),
    Column("experiment", "DOUBLE", "experiment", f"Median of the measurements: {_VALUE}"),
    Column("lowest", "DOUBLE", "lowest", f"Of the measurements: {_VALUE}"),
    Column("highest", "DOUBLE", "highest", f"Of the measurements: {_VALUE}"),
    Column("model_to_reference", "DOUBLE", "model/DFT − 1", "Model over DFT without NAC, less 1."),
    Column("model_error", "DOUBLE", "model/experiment − 1", "Model over experiment, less 1."),
    Column("reference_error", "DOUBLE", "DFT/experiment − 1", "DFT over experiment, less 1."),
    Column(
        "reference_nac_error",
        "DOUBLE",
        "DFT with NAC/experiment − 1",
        "DFT with NAC over experiment, less 1.",
    ),
    Column("citations", "VARCHAR[]", "citations", "Of the measurements."),
)


def comparisons(table: pa.Table, references: Mapping[str, DftReference]) -> tuple[Comparison, ...]:
    """Put every compound that has been measured at room temperature beside its measurements.

    Means over a range of temperatures are left out, and so are values away from room temperature
    (``AT_ROOM``). Several measurements count as their median.

    Parameters
    ----------
    table
        Compounds of one potential under one protocol: ``compound``, ``formula``, ``prototype``,
        ``kappa_300`` and ``srd_300``; for α ``expansion_300``, ``expansion_a_300`` and
        ``expansion_c_300``, where there are such columns.
    references
        By compound, see ``dft_references``.
    """
    return tuple(
        found
        for name, column in COMPARED.items()
        if column in table.column_names
        for row in table.to_pylist()
        if (found := _comparison(row, name, references)) is not None
    )


def median_errors(found: Iterable[Comparison]) -> tuple[MedianErrors, ...]:
    """Sum up by quantity, each over the compounds that have all the values to compare."""
    by_quantity: dict[str, list[Comparison]] = {}
    for item in found:
        by_quantity.setdefault(item.quantity, []).append(item)
    return tuple(_medians(name, items) for name, items in by_quantity.items())


def comparison_table(found: Iterable[Comparison]) -> pa.Table:
    """One row for each comparison, with ``COLUMNS``."""
    rows = [{column.name: getattr(item, column.name) for column in COLUMNS} for item in found]
    return table_of("experiment", COLUMNS, rows)


@cache
def dft_references() -> Mapping[str, DftReference]:
    """Return the conductivities of DFT, by compound of the benchmark.

    Raises
    ------
    CatalogError
        The catalog is missing or broken.
    """
    return {
        candidate.id: DftReference(
            candidate.metadata.kappa_reference_300, candidate.metadata.kappa_reference_nac_300
        )
        for candidate in find("sources", "benchmark").candidates({})
    }


def _comparison(
    row: Mapping[str, Any], name: str, references: Mapping[str, DftReference]
) -> Comparison | None:
    """Compare one quantity of one compound; None if nobody has measured it."""
    items = [
        item
        for item in measured(row["formula"], row["prototype"])
        if item.property == name and _at_room(item)
    ]
    if not items:
        return None
    kappa = name == "kappa"
    judged = not kappa or row["srd_300"] is None or row["srd_300"] > WORST_SRD
    known = references.get(row["compound"], NO_REFERENCE) if kappa else NO_REFERENCE
    values = [item.value for item in items]
    return Comparison(
        compound=row["compound"],
        quantity=name,
        model=row[COMPARED[name]] if judged else None,
        reference=known.kappa_300,
        reference_nac=known.kappa_nac_300,
        experiment=float(np.median(values)),
        lowest=min(values),
        highest=max(values),
        citations=tuple(item.citation for item in items),
    )


def _at_room(item: Measurement) -> bool:
    """Say whether a value counts as one at 300 K."""
    low, high = AT_ROOM
    return item.temperature_to is None and (
        item.temperature is None or low <= item.temperature <= high
    )


def _medians(name: str, items: Sequence[Comparison]) -> MedianErrors:
    """Sum up one quantity; for α there is no reference of DFT."""
    errors = [field.name for field in fields(MedianErrors)[2:]]
    wanted = errors if name == "kappa" else ["model_error"]
    rows = [[getattr(item, error) for error in wanted] for item in items]
    complete = [row for row in rows if None not in row]
    medians = np.median(np.abs(complete), axis=0).tolist() if complete else [None] * len(wanted)
    return MedianErrors(name, len(complete), **dict(zip(wanted, medians, strict=True)))


def _relative(value: float | None, other: float | None) -> float | None:
    """Return value over other, less 1; None without both."""
    return None if value is None or other is None else value / other - 1
