"""The Wigner solver, which divides even the smallest crystal into three parts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import Any

from screen.core.errors import TransportError
from screen.core.records import PhononRates, Phonons
from screen.solvers import wigner
from screen.solvers.wigner import REVISION, solve

__all__ = ["PARTS", "REVISION", "divide", "solve", "solve_part"]

PARTS = 3
TROUBLE = "THERMOSCREEN_TEST_TROUBLE"  # what befalls the second part: refusal, bug, death or sleep


def divide(phonons: Phonons) -> int:
    return PARTS


def solve_part(*problem: Any, **options: Mapping[str, Any]) -> PhononRates:
    *_, part, _ = problem
    trouble = os.environ.get(TROUBLE) if part == 1 else None
    if trouble == "refusal":
        raise TransportError("too large", kind="memory")
    if trouble == "bug":
        raise ZeroDivisionError("a bug")
    if trouble == "sleep":
        time.sleep(600)
    if trouble == "death":
        os.kill(os.getpid(), signal.SIGKILL)
    return wigner.solve_part(*problem, **options)
