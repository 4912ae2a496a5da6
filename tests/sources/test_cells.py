"""Primitive standard cells: those of spglib, for every kind of centring."""

import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice, Structure

from screen.core.crystal import Crystal
from screen.physics.convert import to_spglib
from screen.sources._cells import SYMPREC, crystal_system, primitive_cell
from screen.sources._entries import Problem

CRYSTALS = {  # space group, lattice, elements, positions, centring (atoms in the conventional cell)
    "F": (225, Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]], 4),
    "I": (229, Lattice.cubic(3.1), ["W"], [[0, 0, 0]], 2),
    "R": (
        166,
        Lattice.hexagonal(4.4, 30),
        ["Bi", "Te", "Te"],
        [[0, 0, 0.4], [0, 0, 0], [0, 0, 0.21]],
        3,
    ),
    "C": (63, Lattice.orthorhombic(3, 10, 4), ["Si", "Na"], [[0, 0.1, 0.25], [0, 0.33, 0.25]], 2),
    "A": (38, Lattice.orthorhombic(4, 5.6, 5.7), ["Ba", "Ti"], [[0, 0, 0], [0.5, 0, 0.51]], 2),
    "P": (
        186,
        Lattice.hexagonal(3.2, 5.2),
        ["Ga", "N"],
        [[1 / 3, 2 / 3, 0], [1 / 3, 2 / 3, 0.377]],
        1,
    ),
    "C, monoclinic": (
        12,
        Lattice.monoclinic(9, 4, 6, 110),
        ["O", "Zr"],
        [[0.1, 0, 0.3], [0.4, 0, 0.2]],
        2,
    ),
}


@pytest.fixture(params=CRYSTALS)
def case(request):
    number, lattice, elements, positions, centring = CRYSTALS[request.param]
    structure = Structure.from_spacegroup(number, lattice, elements, positions)
    numbers = np.array(structure.atomic_numbers)
    crystal = Crystal(structure.lattice.matrix, numbers, structure.frac_coords)
    return crystal, number, centring


def test_the_cell_is_that_of_spglib(case):
    crystal, number, centring = case
    cell, found = primitive_cell(crystal)
    assert found == number
    assert len(cell) == len(crystal) / centring
    assert cell.volume == pytest.approx(crystal.volume / centring)
    lattice, positions, numbers = spglib.standardize_cell(
        to_spglib(crystal), to_primitive=True, symprec=SYMPREC
    )
    assert cell.lattice == pytest.approx(lattice, abs=1e-9)
    assert list(cell.numbers) == list(numbers)
    apart = (cell.fractional - positions + 0.5) % 1 - 0.5
    assert apart == pytest.approx(0, abs=1e-9)


def test_the_primitive_cell_of_a_primitive_cell_is_itself(case):
    cell, number = primitive_cell(case[0])
    again, found = primitive_cell(cell)
    assert found == number
    assert again.lattice == pytest.approx(cell.lattice, abs=1e-9)


def test_atoms_of_one_kind_on_top_of_each_other_have_no_cell():
    crystal = Crystal(4 * np.eye(3), np.array([14, 14]), np.zeros((2, 3)))
    found = primitive_cell(crystal)
    assert isinstance(found, Problem)
    assert found.kind == "no_space_group"


def test_a_space_group_has_its_crystal_system():
    systems = {1: "triclinic", 3: "monoclinic", 62: "orthorhombic", 142: "tetragonal"}
    systems |= {143: "trigonal", 167: "trigonal", 194: "hexagonal", 195: "cubic", 230: "cubic"}
    assert {number: crystal_system(number) for number in systems} == systems
