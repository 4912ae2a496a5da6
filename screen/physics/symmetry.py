"""Space groups and standard cells, by spglib."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import spglib
from spglib.error import SpglibError

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import RelaxationError
from screen.physics.convert import from_spglib, to_spglib


def space_group(crystal: Crystal, symprec: float = 1e-5) -> int:
    """International number of the space group; ``symprec`` in Å.

    Raises
    ------
    RelaxationError
        spglib finds no symmetry, e.g. because two atoms coincide.
    """
    return int(_found(spglib.get_symmetry_dataset, crystal, symprec=symprec).number)


def conventional_cell(crystal: Crystal, symprec: float = 0.01) -> Crystal:
    """Conventional standard cell, atoms on their exact symmetry positions; ``symprec`` in Å.

    0.01 Å, as ASE's ``FixSymmetry``: coordinates of three decimals are still recognised.

    Raises
    ------
    RelaxationError
        spglib cannot standardise the cell.
    """
    return from_spglib(_found(spglib.standardize_cell, crystal, symprec=symprec))


def point_group(crystal: Crystal, symprec: float = 1e-4) -> FloatArray:
    """Rotations of the crystal's point group, Cartesian, (n, 3, 3); ``symprec`` in Å.

    Raises
    ------
    RelaxationError
        spglib finds no symmetry.
    """
    operations = _found(spglib.get_symmetry_dataset, crystal, symprec=symprec).rotations
    lattice = crystal.lattice.T  # columns
    return np.asarray(lattice @ np.unique(operations, axis=0) @ np.linalg.inv(lattice))


def _found(search: Callable[..., Any], crystal: Crystal, symprec: float) -> Any:
    """Call spglib, which returns None or raises, by version and setting, if it finds nothing."""
    try:
        result = search(to_spglib(crystal), symprec=symprec)
    except SpglibError:
        result = None
    if result is None:
        raise RelaxationError(
            f"spglib finds no space group of {crystal.formula} at {symprec=} Å; "
            "check for atoms on top of each other",
            kind="no_space_group",
        )
    return result
