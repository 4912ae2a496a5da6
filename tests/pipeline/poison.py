"""A property that kills its worker for one material: what a crash in compiled code looks like."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

import numpy as np

from screen.core.columns import Column
from screen.core.protocols import StageInputs
from screen.core.records import Record, SupercellForces
from screen.core.settings import Protocol

NEEDS: tuple[str, ...] = ()
COLUMNS = (Column("n_atoms_seen", "BIGINT", "atoms", "Number of atoms, if the worker survives."),)
POISON = "Xe"
measure = None


def settings(protocol: Protocol) -> Mapping[str, Any]:
    return {}


def compute(inputs: StageInputs) -> Record:
    if inputs.candidate.id == POISON:
        os.kill(os.getpid(), signal.SIGKILL)
    return SupercellForces(np.zeros((1, len(inputs.candidate.crystal), 3)))


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    return {"n_atoms_seen": len(inputs.candidate.crystal)}
