"""A property with a bug: it divides by zero for one material."""

from __future__ import annotations

from screen.core.protocols import StageInputs
from screen.core.records import Record
from tests.pipeline.poison import COLUMNS, NEEDS, measure, row, settings

__all__ = ["COLUMNS", "NEEDS", "compute", "measure", "row", "settings"]


def compute(inputs: StageInputs) -> Record:
    from tests.pipeline import poison

    if inputs.candidate.id == poison.POISON:
        raise ZeroDivisionError("a bug")
    return poison.compute(inputs)
