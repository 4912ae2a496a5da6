"""A property that finds no memory while another material runs beside it, or never."""

from __future__ import annotations

import os
from pathlib import Path

from screen.core.protocols import StageInputs
from screen.core.records import Record
from tests.pipeline import poison
from tests.pipeline.poison import COLUMNS, NEEDS, measure, row, settings

__all__ = ["COLUMNS", "NEEDS", "compute", "measure", "row", "settings"]
ATTEMPTS = "THERMOSCREEN_TEST_ATTEMPTS"  # file with a line for each


def compute(inputs: StageInputs) -> Record:
    attempts = Path(os.environ[ATTEMPTS])
    with attempts.open("a") as handle:
        handle.write(f"{inputs.candidate.id}\n")
    count = attempts.read_text().split().count(inputs.candidate.id)
    if inputs.candidate.id == "Pb" or (inputs.candidate.id == "Ag" and count == 1):
        raise MemoryError("no memory")
    return poison.compute(inputs)
