"""Crystals to and from the cells of ASE, phonopy and spglib."""

from __future__ import annotations

from typing import Any

import numpy as np

from screen.core.crystal import Crystal
from screen.core.records import Nac

SpglibCell = tuple[Any, Any, Any]


def to_spglib(crystal: Crystal) -> SpglibCell:
    """Lattice, fractional positions and atomic numbers."""
    return (crystal.lattice, crystal.fractional, crystal.numbers)


def from_spglib(cell: SpglibCell) -> Crystal:
    """Crystal from lattice, fractional positions and atomic numbers."""
    lattice, fractional, numbers = cell
    return Crystal(np.asarray(lattice), np.asarray(numbers), np.asarray(fractional))


def to_ase(crystal: Crystal) -> Any:
    """``ase.Atoms``, periodic in three directions."""
    from ase import Atoms

    return Atoms(
        numbers=crystal.numbers,
        scaled_positions=crystal.fractional,
        cell=crystal.lattice,
        pbc=True,
    )


def from_ase(atoms: Any) -> Crystal:
    """Crystal from ``ase.Atoms``; positions are not wrapped."""
    return Crystal(
        atoms.cell.array, atoms.get_atomic_numbers(), atoms.get_scaled_positions(wrap=False)
    )


def to_phonopy(crystal: Crystal) -> Any:
    """``phonopy.structure.atoms.PhonopyAtoms``."""
    from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        numbers=crystal.numbers, scaled_positions=crystal.fractional, cell=crystal.lattice
    )


def from_phonopy(cell: Any) -> Crystal:
    """Crystal from ``PhonopyAtoms``."""
    return Crystal(cell.cell, cell.numbers, cell.scaled_positions)


def to_nac_params(nac: Nac) -> Any:
    """``nac_params`` of phonopy and phono3py."""
    return {
        "born": np.array(nac.born),
        "dielectric": np.array(nac.dielectric),
        "factor": nac.factor,
        "method": nac.method,
    }
