"""Primitive standard cells, by spglib."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

import numpy as np
import spglib
from spglib.error import SpglibError

from screen.core.crystal import Crystal
from screen.physics.convert import to_spglib
from screen.sources._entries import Problem
from screen.sources._where import WORDS

SYMPREC = 0.01  # Å, as for the conventional cell from which a relaxation starts
LAST_OF_SYSTEM = (2, 15, 74, 142, 167, 194, 230)  # last space group, in the order of ``WORDS``

# Primitive vectors as columns, in units of those of the conventional cell (spglib's documentation,
# "Transformation to the primitive cell").
PRIMITIVE = {
    "P": np.eye(3),
    "A": np.array([[2, 0, 0], [0, 1, -1], [0, 1, 1]]) / 2,
    "C": np.array([[1, 1, 0], [-1, 1, 0], [0, 0, 2]]) / 2,
    "I": np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2,
    "F": np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2,
    "R": np.array([[2, -1, -1], [1, 1, -2], [1, 1, 1]]) / 3,
}


def primitive_cell(crystal: Crystal) -> tuple[Crystal, int] | Problem:
    """Primitive standard cell, atoms on their exact symmetry positions, and the space group.

    It is that of ``spglib.standardize_cell``, for which the symmetry would be searched once more.
    """
    dataset = _dataset(crystal)
    if dataset is None:
        return Problem(
            "no_space_group", f"has no symmetry that spglib finds at {SYMPREC} Å; check its atoms"
        )
    primitive = PRIMITIVE[dataset.international[0]]
    _, first = np.unique(dataset.std_mapping_to_primitive, return_index=True)
    lattice = primitive.T @ dataset.std_lattice
    fractional = np.linalg.solve(primitive, dataset.std_positions[first].T).T
    cell = Crystal(lattice, dataset.std_types[first], np.round(fractional % 1, 12) % 1)
    return cell, int(dataset.number)


def crystal_system(number: int) -> str:
    """Crystal system of a space group."""
    return WORDS["crystal_system"][bisect_left(LAST_OF_SYSTEM, number)]


def _dataset(crystal: Crystal) -> Any:
    """Symmetry of a crystal; None, or an error by version and setting, if spglib finds none."""
    try:
        return spglib.get_symmetry_dataset(to_spglib(crystal), symprec=SYMPREC)
    except SpglibError:
        return None
