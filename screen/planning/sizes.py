"""How large the work on one material is, from symmetry alone: nothing is displaced or evaluated.

The supercells that a stage would make are counted by the operations that the crystal shares with
its supercell, found in the unit cell. That takes milliseconds; the search for the symmetry of the
supercell itself, which a stage needs, takes seconds for 500 atoms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import spglib
from numpy.typing import NDArray
from phonopy.harmonic.displacement import get_least_displacements
from phonopy.phonon.grid import length2mesh
from phonopy.structure.atomic_data import get_atomic_data
from phonopy.structure.cells import get_primitive, guess_primitive_matrix
from phonopy.structure.symmetry import Symmetry

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.errors import DisplacementError, UnsupportedElementError
from screen.core.records import Candidate, Hints
from screen.core.settings import MeshSettings, Protocol
from screen.physics.convert import to_phonopy, to_spglib
from screen.physics.displacements import SYMPREC, displace_for_fc3, lattice_dynamics
from screen.physics.elasticity import distinct_strains
from screen.physics.fit_basis import max_unknowns
from screen.physics.random_displacements import pairs_for
from screen.physics.strained_force_constants import symmetric_strains
from screen.physics.supercells import supercell_matrices
from screen.physics.symmetry import conventional_cell, point_group

Rotations = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Size:
    """What decides the cost of one material under one protocol."""

    atoms: int  # of the unit cell that is relaxed
    primitive_atoms: int
    density: float  # atoms per Å³
    fc2_atoms: int  # of the supercell
    fc2_cells: int  # displaced supercells
    fc3_atoms: int
    fc3_cells: int
    unknowns: int | None  # of the fit of fc3; None for finite differences
    cut: bool  # a cutoff will be chosen: unknowns and cells are upper limits
    fc2_operations: int  # of the supercell
    fc3_operations: int
    mesh_points: int  # of the conductivity
    irreducible_points: int
    expansion_points: int  # irreducible ones of the expansion's mesh
    elastic_cells: int  # strained unit cells for the elastic tensor
    symmetric_strains: int  # strains that keep the symmetry
    uniaxial: bool
    internal: bool  # atoms may move when the cell is strained

    @property
    def bands(self) -> int:
        """Phonon bands."""
        return 3 * self.primitive_atoms

    @property
    def fc3_bytes(self) -> int:
        """Bytes of compact fc3."""
        return 8 * 27 * self.primitive_atoms * self.fc3_atoms**2


def size_of(candidate: Candidate, protocol: Protocol) -> Size:
    """Count what the stages of a candidate will make, on its unrelaxed cell.

    Raises
    ------
    MaterialError
        The candidate would fail before it costs anything: no space group, or no hints.
    """
    crystal, hints = candidate.crystal, candidate.hints
    _require_masses(crystal)
    cell = conventional_cell(crystal) if protocol.relaxation.standardize else crystal
    settings = protocol.displacements
    symmetry = _Symmetry.of(cell)
    fc2, fc3 = supercell_matrices(cell, hints, settings)
    in_fc2, in_fc3 = symmetry.kept_by(fc2), symmetry.kept_by(fc3)
    primitive = to_phonopy(cell)
    primitive = get_primitive(primitive, guess_primitive_matrix(primitive, symprec=SYMPREC))
    n_primitive = len(primitive)
    fc2_atoms, fc3_atoms = _atoms(cell, fc2), _atoms(cell, fc3)
    fc3_operations = len(in_fc3.rotations) * fc3_atoms // len(cell)
    unknowns, cut = None, False
    if settings.fc3_scheme == "random":
        # as symfc estimates: components of fc3 over permutations and operations
        wanted = math.ceil(27 * fc3_atoms**3 / 6 / fc3_operations)
        limit = max_unknowns(fc3_atoms, settings)
        unknowns, cut = min(wanted, limit), wanted > limit or settings.fc3_cutoff is not None
        fc3_cells = 2 * pairs_for(unknowns, fc3_atoms, settings)
    else:
        fc3_cells = _finite_differences(cell, hints, protocol)
    rotations = point_group(cell)
    mesh, irreducible = _points(primitive, protocol.conductivity.mesh, hints)
    return Size(
        atoms=len(cell),
        primitive_atoms=n_primitive,
        density=len(cell) / cell.volume,
        fc2_atoms=fc2_atoms,
        fc2_cells=in_fc2.displacements,
        fc3_atoms=fc3_atoms,
        fc3_cells=fc3_cells,
        unknowns=unknowns,
        cut=cut,
        fc2_operations=len(in_fc2.rotations) * fc2_atoms // len(cell),
        fc3_operations=fc3_operations,
        mesh_points=mesh,
        irreducible_points=irreducible,
        expansion_points=_points(primitive, protocol.expansion.mesh, hints)[1],
        elastic_cells=len(distinct_strains(cell, protocol.expansion.strain)),
        symmetric_strains=len(symmetric_strains(rotations, 1.0)),
        uniaxial=len(symmetric_strains(rotations, 1.0)) == 2,
        internal=_is_free(symmetry),
    )


@dataclass(frozen=True)
class _Symmetry:
    """Space group of a unit cell, or what a supercell leaves of it; phonopy asks its questions."""

    rotations: Rotations  # (n, 3, 3), of the axes of the supercell; centring repeats them
    images: IntArray  # (n, n_atoms) atom of the unit cell that each atom goes to

    @classmethod
    def of(cls, cell: Crystal) -> _Symmetry:
        """Find the operations of a cell modulo its lattice."""
        found = spglib.get_symmetry(to_spglib(cell), symprec=SYMPREC)
        if found is None:
            raise DisplacementError(f"spglib finds no symmetry of {cell.formula}", "no_space_group")
        rotations, translations = found["rotations"], found["translations"]
        images = [
            _images(cell.fractional, rotation, translation)
            for rotation, translation in zip(rotations, translations, strict=True)
        ]
        return cls(np.array(rotations), np.array(images))

    def kept_by(self, supercell: IntArray) -> _Symmetry:
        """Return the operations that take the supercell's lattice to itself."""
        matrix = np.array(supercell, dtype=np.float64)
        turned = np.linalg.inv(matrix) @ self.rotations @ matrix
        whole = np.abs(turned - np.rint(turned)).max(axis=(1, 2)) < 1e-6
        rotations = np.rint(turned[whole]).astype(np.int64)
        return _Symmetry(rotations, self.images[whole])

    @property
    def displacements(self) -> int:
        """Displaced supercells for fc2 by finite differences."""
        asked: Any = self  # phonopy asks a Symmetry no more than the two questions below
        return len(get_least_displacements(asked, is_diagonal=False))

    def get_independent_atoms(self) -> list[int]:
        """Return the first atom of each orbit."""
        return sorted({int(atom) for atom in self.images.min(axis=0)})

    def get_site_symmetry(self, atom: int) -> Rotations:
        """Return the rotations that leave an atom where it is."""
        return np.unique(self.rotations[self.images[:, atom] == atom], axis=0)


def _require_masses(crystal: Crystal) -> None:
    """Refuse elements without a standard atomic mass, which no potential knows either."""
    masses = get_atomic_data().atom_data
    unknown = [str(masses[n][1]) for n in np.unique(crystal.numbers) if masses[n][3] is None]
    if unknown:
        raise UnsupportedElementError(f"{', '.join(unknown)} has no standard atomic mass")


def _images(fractional: FloatArray, rotation: Rotations, translation: FloatArray) -> IntArray:
    """Return the atom that each atom goes to, (n_atoms,)."""
    apart = fractional[:, None] - (fractional @ rotation.T + translation)[None]
    apart -= np.rint(apart)
    return np.asarray(np.abs(apart).max(axis=2).argmin(axis=0))


def _is_free(symmetry: _Symmetry) -> bool:
    """Say whether a strain may move an atom: one that is no centre of inversion."""
    inversion = -np.eye(3, dtype=np.int64)
    return any(
        not (symmetry.get_site_symmetry(atom) == inversion).all(axis=(1, 2)).any()
        for atom in symmetry.get_independent_atoms()
    )


def _atoms(cell: Crystal, supercell: IntArray) -> int:
    return len(cell) * abs(round(float(np.linalg.det(supercell))))


def _finite_differences(cell: Crystal, hints: Hints, protocol: Protocol) -> int:
    """Count the pairs of displaced atoms; only phono3py knows them, by the supercell itself."""
    matrices = supercell_matrices(cell, hints, protocol.displacements)
    return len(displace_for_fc3(lattice_dynamics(cell, *matrices), protocol.displacements))


def _points(primitive: Any, settings: MeshSettings, hints: Hints) -> tuple[int, int]:
    """Points of a mesh, and irreducible ones among them."""
    lattice, numbers = primitive.cell, primitive.numbers
    cell = (lattice, primitive.scaled_positions, numbers)
    if settings.rule == "hints":
        if hints.mesh is None:
            raise DisplacementError(
                "the protocol takes the q-mesh from the catalog", "no_mesh_hint"
            )
        mesh = np.array(hints.mesh)
    else:
        rotations = Symmetry(primitive, symprec=SYMPREC).pointgroup_operations
        mesh = np.array(length2mesh(settings.length, lattice, rotations=rotations))
    mapping, _ = spglib.get_ir_reciprocal_mesh(mesh, cell, symprec=SYMPREC)
    return int(mesh.prod()), len(np.unique(mapping))
