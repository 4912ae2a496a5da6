"""Sizes counted by symmetry alone against what phono3py and symfc really make."""

import numpy as np
import pytest
from ase.build import bulk
from ase.spacegroup import crystal as spacegroup_crystal

from screen.core.crystal import Crystal
from screen.core.errors import DisplacementError
from screen.core.records import Candidate
from screen.core.settings import Protocol, protocol_named
from screen.physics.convert import from_ase
from screen.physics.displacements import displace_for_fc2, displace_for_fc3, lattice_dynamics
from screen.physics.supercells import supercell_matrices
from screen.physics.symmetry import conventional_cell
from screen.planning.sizes import size_of

QUICK = protocol_named("quick")


def protocol(**displacements: object) -> Protocol:
    small = {"fc2_minimum_image": 6.0, "fc3_minimum_image": 5.0, **displacements}
    changed = QUICK.displacements.model_copy(update=small)
    return QUICK.model_copy(update={"displacements": changed})


def sheared() -> Crystal:
    atoms = bulk("NaCl", "rocksalt", a=5.6, cubic=True)
    shear = np.array([[1, 0.02, 0.01], [0, 1.01, 0.03], [0, 0, 1]])
    atoms.set_cell(atoms.cell @ shear, scale_atoms=True)
    return from_ase(atoms)


CRYSTALS = {
    "fcc": from_ase(bulk("Cu", "fcc", a=3.61, cubic=True)),
    "rocksalt": from_ase(bulk("NaCl", "rocksalt", a=5.64, cubic=True)),
    "zincblende": from_ase(bulk("ZnS", "zincblende", a=5.41, cubic=True)),
    "hcp": from_ase(bulk("Mg", "hcp", a=3.2, c=5.2)),
    "wurtzite": from_ase(bulk("ZnO", "wurtzite", a=3.25, c=5.2, u=0.38)),
    "rutile": from_ase(
        spacegroup_crystal(
            ["Ti", "O"],
            [(0, 0, 0), (0.305, 0.305, 0)],
            spacegroup=136,
            cellpar=[4.6, 4.6, 2.96, 90, 90, 90],
        )
    ),
    "layered": from_ase(
        spacegroup_crystal(
            ["Cd", "I"],
            [(0, 0, 0), (1 / 3, 2 / 3, 0.25)],
            spacegroup=164,
            cellpar=[4.24, 4.24, 6.84, 90, 90, 120],
        )
    ),
    "triclinic": sheared(),
}


@pytest.mark.parametrize("name", CRYSTALS)
def test_the_counted_supercells_are_those_that_the_stages_make(name: str) -> None:
    chosen = protocol()
    candidate = Candidate(name, "test", CRYSTALS[name])
    cell = conventional_cell(candidate.crystal)
    lattice = lattice_dynamics(
        cell, *supercell_matrices(cell, candidate.hints, chosen.displacements)
    )
    size = size_of(candidate, chosen)
    assert size.primitive_atoms == len(lattice.primitive)
    assert size.fc2_atoms == len(lattice.phonon_supercell)
    assert size.fc3_atoms == len(lattice.supercell)
    assert size.fc2_cells == len(displace_for_fc2(lattice, chosen.displacements))
    made = len(displace_for_fc3(lattice, chosen.displacements))
    assert made <= size.fc3_cells if size.cut else made == size.fc3_cells
    operations = lattice.symmetry.symmetry_operations["rotations"]
    assert size.fc3_operations == len(operations)


def test_finite_differences_are_counted_by_phono3py() -> None:
    chosen = protocol(fc3_scheme="finite_differences")
    size = size_of(Candidate("Cu", "test", CRYSTALS["fcc"]), chosen)
    assert size.unknowns is None
    assert size.fc3_cells == 37  # phono3py 4.10, 2×2×2 conventional cells of fcc


def test_a_cost_limit_lowers_the_number_of_supercells() -> None:
    candidate = Candidate("P-1", "test", CRYSTALS["triclinic"])
    free, bound = size_of(candidate, protocol()), size_of(candidate, protocol(fc3_max_atoms=500))
    assert bound.cut
    assert bound.fc3_cells * bound.fc3_atoms <= 500 < free.fc3_cells * free.fc3_atoms


def test_centres_of_inversion_do_not_move_under_strain() -> None:
    internal = {
        name: size_of(Candidate(name, "test", crystal), protocol()).internal
        for name, crystal in CRYSTALS.items()
    }
    assert not internal["rocksalt"]
    assert not internal["fcc"]
    assert internal["zincblende"]
    assert internal["wurtzite"]


def test_a_candidate_that_would_fail_at_once_has_no_size() -> None:
    with pytest.raises(DisplacementError, match="supercells from the catalog"):
        size_of(Candidate("Cu", "test", CRYSTALS["fcc"]), protocol_named("ksrme-2024"))
