"""Atoms that are too near to each other for a crystal."""

from __future__ import annotations

from typing import Any

import numpy as np

from screen.core.crystal import Crystal
from screen.sources._entries import Problem

MIN_DISTANCE = 0.5  # Å, shorter than any bond (H2: 0.74 Å)


def overlap(crystal: Crystal) -> Problem | None:
    """Find two atoms, or an atom and its own image, that are nearer than ``MIN_DISTANCE``."""
    from ase import neighborlist

    search: Any = neighborlist.primitive_neighbor_list  # has no types
    first, second, distances = search(
        "ijd", (True, True, True), crystal.lattice, crystal.positions, MIN_DISTANCE
    )
    if len(distances) == 0:
        return None
    nearest = int(np.argmin(distances))
    return Problem(
        "overlapping_atoms",
        f"has atoms {first[nearest]} and {second[nearest]} (from 0, periodic images included) "
        f"{distances[nearest]:.3f} Å apart, nearer than {MIN_DISTANCE} Å; "
        "check the lattice, the units and doubled sites",
    )
