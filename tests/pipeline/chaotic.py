"""A property whose worker meets, by the number of the material, all that can happen to workers."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from screen.core.columns import Column
from screen.core.protocols import StageInputs
from screen.core.records import Record, SupercellForces
from screen.core.settings import Protocol

NEEDS: tuple[str, ...] = ()
COLUMNS = (Column("volume_seen", "DOUBLE", "V", "Volume, if the worker survives.", "Å³"),)
measure = None

MARKS = "THERMOSCREEN_TEST_MARKS"  # folder with a file for each that has met its fate once
POISON = frozenset({37, 211, 212, 455})  # kill their worker each time
HUNGRY = frozenset({90})  # takes more memory than the worker may have, each time
HUNGRY_ONCE = frozenset({150, 330})
FROZEN_ONCE = frozenset({60, 260})  # nothing of the worker answers: a network that stalls
GIL_ONCE = frozenset({120, 400})  # compiled code that never releases the interpreter's lock
STALL_S = 8


def settings(protocol: Protocol) -> Mapping[str, Any]:
    return {}


def number_of(name: str) -> int:
    """Number of a material in its file."""
    return int(name.rpartition("#")[2])


def compute(inputs: StageInputs) -> Record:
    number = number_of(inputs.candidate.id)
    if number in POISON:
        os.kill(os.getpid(), signal.SIGKILL)
    if number in HUNGRY or (number in HUNGRY_ONCE and first_time(number)):
        eaten = np.ones(int(2**31 / 8))
        time.sleep(STALL_S)  # the nanny looks every tenth of a second
        raise AssertionError(f"the nanny lets a worker have {eaten.nbytes} bytes")
    if number in FROZEN_ONCE and first_time(number):
        pid = os.getpid()
        subprocess.Popen(["sh", "-c", f"sleep {STALL_S}; kill -CONT {pid}"], start_new_session=True)
        os.kill(pid, signal.SIGSTOP)
    if number in GIL_ONCE and first_time(number):
        ctypes.PyDLL(None).sleep(STALL_S)
    return SupercellForces(np.zeros((1, len(inputs.candidate.crystal), 3)))


def first_time(number: int) -> bool:
    """Say whether this material has not been here, and remember that it has."""
    try:
        (Path(os.environ[MARKS]) / str(number)).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def row(inputs: StageInputs, record: Record) -> Mapping[str, Any]:
    return {"volume_seen": inputs.candidate.crystal.volume}
