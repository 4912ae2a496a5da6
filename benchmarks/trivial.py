"""A property that costs nothing: what is left of a campaign's time is Thermoscreen's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from screen.core.columns import Column
from screen.core.protocols import StageInputs
from screen.core.records import Record, SupercellForces
from screen.core.settings import Protocol

NEEDS: tuple[str, ...] = ()
COLUMNS = (Column("volume", "DOUBLE", "V", "Volume of the cell as given.", "Å³"),)
measure = None


def settings(protocol: Protocol) -> Mapping[str, Any]:
    """No setting matters."""
    return {}


def compute(inputs: StageInputs) -> Record:
    """Return something that is written as an artifact like any other."""
    return SupercellForces(np.zeros((1, len(inputs.candidate.crystal), 3)))


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    """Volume of the candidate."""
    return {"volume": inputs.candidate.crystal.volume}
