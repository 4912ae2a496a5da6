"""What a structure file holds: crystals, and problems where an entry is no usable crystal."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from screen.core.crystal import Crystal, FloatArray
from screen.core.records import Hints, Metadata

MIN_VOLUME = 1e-3  # Å³, as for ``Crystal``


@dataclass(frozen=True)
class Problem:
    """Why an entry of a file is no usable crystal."""

    kind: str  # as in ``Rejected``
    message: str  # what is wrong and the way out, without the file's name


@dataclass(frozen=True, eq=False)
class Entry:
    """One crystal of a file with what the file says about it."""

    crystal: Crystal
    hints: Hints = field(default_factory=Hints)
    metadata: Metadata = field(default_factory=Metadata)


def cell_problem(lattice: FloatArray, n_atoms: int) -> Problem | None:
    """Find a cell without atoms or without volume."""
    if n_atoms == 0:
        return Problem("empty_cell", "has no atoms; add them or remove the entry")
    if abs(np.linalg.det(lattice)) < MIN_VOLUME:
        return Problem("empty_cell", "has a cell without volume; correct its lattice vectors")
    return None
