"""A property that takes its time: for signals that come in the middle of a task."""

from __future__ import annotations

import os
import time
from pathlib import Path

from screen.core.protocols import StageInputs
from screen.core.records import Record
from tests.pipeline import poison
from tests.pipeline.poison import COLUMNS, NEEDS, measure, row, settings

__all__ = ["COLUMNS", "NEEDS", "compute", "measure", "row", "settings"]
SECONDS = 2.0
BEGUN = "THERMOSCREEN_TEST_BEGUN"  # file with a line for each material that is begun


def compute(inputs: StageInputs) -> Record:
    if BEGUN in os.environ:
        with Path(os.environ[BEGUN]).open("a") as handle:
            handle.write(f"{inputs.candidate.id}\n")
    time.sleep(SECONDS)
    return poison.compute(inputs)
