"""Space groups and standard cells, by spglib."""

from __future__ import annotations

import spglib

from screen.core.crystal import Crystal
from screen.core.errors import RelaxationError
from screen.physics.convert import from_spglib, to_spglib


def space_group(crystal: Crystal, symprec: float = 1e-5) -> int:
    """International number of the space group; ``symprec`` in Å.

    Raises
    ------
    RelaxationError
        spglib finds no symmetry, e.g. because two atoms coincide.
    """
    dataset = spglib.get_symmetry_dataset(to_spglib(crystal), symprec=symprec)
    if dataset is None:
        raise RelaxationError(
            f"spglib finds no space group of {crystal.formula} at {symprec=} Å; "
            "check for atoms on top of each other",
            kind="no_space_group",
        )
    return int(dataset.number)


def conventional_cell(crystal: Crystal, symprec: float = 1e-3) -> Crystal:
    """Conventional standard cell, atoms on their exact symmetry positions; ``symprec`` in Å.

    Raises
    ------
    RelaxationError
        spglib cannot standardise the cell.
    """
    cell = spglib.standardize_cell(to_spglib(crystal), to_primitive=False, symprec=symprec)
    if cell is None:
        raise RelaxationError(
            f"spglib cannot standardise the cell of {crystal.formula} at {symprec=} Å",
            kind="no_space_group",
        )
    return from_spglib(cell)
