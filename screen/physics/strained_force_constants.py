"""∂Φ₂/∂ε from force constants of strained cells with relaxed ions, by central differences.

The second route to mode Grüneisen tensors: no third-order force constants, no formula for the
internal strain. D(q) of a strained cell, written with its own atomic positions, has other phases
than D(q) at rest, by a unitary transformation that is diagonal in the atoms. To first order it
adds a commutator [D, iA], which has no elements inside a (degenerate) eigenspace and so moves no
frequency. Here Φ₂ is differentiated between the same atoms and transformed with the positions
and nearest images at rest: images that are equally near at rest are not so under strain, and
their split is no change of the force constants.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from phonopy.harmonic.force_constants import compact_fc_to_full_fc

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.errors import ExpansionError
from screen.core.protocols import ForceField
from screen.core.records import ForceConstants, StrainedForces, SupercellForces
from screen.core.settings import DisplacementSettings, RelaxationSettings
from screen.core.voigt import VOIGT, to_voigt
from screen.physics.convert import from_phonopy
from screen.physics.displacements import as_array, displace_for_fc2, lattice_dynamics
from screen.physics.force_constants import second_order
from screen.physics.gruneisen import StrainDerivative, compact, internal_strain
from screen.physics.phonons import harmonic_lattice
from screen.physics.relax import relax_ions


def measure_strained(
    harmonic: ForceConstants,
    force_field: ForceField,
    strains: FloatArray,
    relaxation: RelaxationSettings,
    displacements: DisplacementSettings,
) -> StrainedForces:
    """Relax the ions under ±``strains`` (n, 3, 3), in this order, and take the forces for fc2.

    Raises
    ------
    ExpansionError
        The ions of a strained cell do not relax.
    """
    phonopy = harmonic_lattice(harmonic)
    pairs = [sign * strain for strain in strains for sign in (1, -1)]
    crystals, energies, forces = [], [], []
    for strain in pairs:
        crystal, energy = relaxed_under(strain, phonopy, force_field, relaxation)
        crystals.append(crystal)
        energies.append(energy)
        forces.append(fc2_forces(crystal, harmonic, force_field, displacements))
    return StrainedForces(tuple(crystals), np.array(energies), np.array(pairs), tuple(forces))


def symmetric_strains(rotations: FloatArray, magnitude: float) -> FloatArray:
    """Strains that keep the symmetry of the crystal, the only ones that α sees, (n, 3, 3).

    One in a cubic crystal (volume), two in a uniaxial one (a, c), three in an orthorhombic one, six
    in a triclinic one; ``magnitude`` is √(ε:ε).
    """
    chosen: list[FloatArray] = []
    for a, b in VOIGT:
        strain = np.zeros((3, 3))
        strain[a, b] = strain[b, a] = 1.0
        kept = (rotations @ strain @ rotations.swapaxes(1, 2)).mean(axis=0)
        if np.linalg.matrix_rank(np.reshape([*chosen, kept], (-1, 9)), tol=1e-3) > len(chosen):
            chosen.append(kept / np.linalg.norm(kept))
    return magnitude * np.array(chosen)


def spanning_strains(rotations: FloatArray, magnitude: float) -> FloatArray:
    """Fewest strains along Voigt components whose rotated copies span all six, (n, 3, 3).

    Two in a cubic crystal (xx, yz), three in a hexagonal one (xx, zz, yz), six in a triclinic one;
    ``rotations`` (m, 3, 3) are the Cartesian point group.
    """
    chosen: list[FloatArray] = []
    spanned = np.zeros((0, 6))
    for a, b in VOIGT:
        strain = np.zeros((3, 3))
        strain[a, b] = strain[b, a] = 1.0 if a == b else 0.5
        grown = np.concatenate([spanned, to_voigt(rotations @ strain @ rotations.swapaxes(1, 2))])
        if np.linalg.matrix_rank(grown, tol=1e-3) > np.linalg.matrix_rank(spanned, tol=1e-3):
            chosen.append(magnitude * strain)
            spanned = grown
    return np.array(chosen)


def relaxed_under(
    strain: FloatArray, phonopy: Any, force_field: ForceField, settings: RelaxationSettings
) -> tuple[Crystal, float]:
    """Strained unit cell with relaxed ions, and its energy in eV per primitive cell.

    The ions of the primitive cell are relaxed, so that no noise can break the centring, from
    where the internal strain of ``phonopy`` (the crystal at rest) puts them: what is left of the
    forces at the end is then second-order.

    Raises
    ------
    ExpansionError
        The ions do not relax.
    """
    primitive = phonopy.primitive
    lattice = primitive.cell @ (np.eye(3) + strain)
    shift = np.einsum("njkl,kl->nj", internal_strain(phonopy), strain)  # Å
    start = Crystal(
        lattice, primitive.numbers, primitive.scaled_positions + shift @ np.linalg.inv(lattice)
    )
    relaxed = relax_ions(start, force_field, settings)
    if not relaxed.converged:
        raise ExpansionError(
            f"the ions of a strained cell do not relax to fmax={settings.fmax} eV/Å in "
            f"{settings.max_steps} steps; raise relaxation.max_steps",
            kind="not_converged",
        )
    moved = (relaxed.crystal.fractional - primitive.scaled_positions) @ lattice  # Å
    unitcell = from_phonopy(phonopy.unitcell)
    sublattice = [primitive.p2p_map[primitive.s2p_map[s]] for s in phonopy.supercell.u2s_map]
    strained = unitcell.lattice @ (np.eye(3) + strain)
    fractional = unitcell.fractional + moved[sublattice] @ np.linalg.inv(strained)
    return Crystal(strained, unitcell.numbers, fractional), relaxed.energy


def derivative_of_cells(
    harmonic: ForceConstants, measured: StrainedForces, settings: DisplacementSettings
) -> StrainDerivative:
    """∂Φ₂/∂ε of ``harmonic`` from the forces on its strained cells; see ``strain_derivative``."""
    strained = strained_force_constants(harmonic, measured, settings)
    return strain_derivative(harmonic_lattice(harmonic), measured.strains, strained)


def strained_force_constants(
    harmonic: ForceConstants, measured: StrainedForces, settings: DisplacementSettings
) -> list[ForceConstants]:
    """fc2 of each strained cell, with the supercell and primitive matrices of ``harmonic``.

    Raises
    ------
    ForceConstantsError
        A force constant is not finite.
    """
    supercells = (harmonic.fc2_supercell, harmonic.fc3_supercell)
    return [
        second_order(
            crystal, supercells, SupercellForces(forces), settings, harmonic.primitive_matrix
        )
        for crystal, forces in zip(measured.crystals, measured.forces, strict=True)
    ]


def strain_derivative(
    phonopy: Any, strains: FloatArray, strained: Sequence[ForceConstants]
) -> StrainDerivative:
    """∂Φ₂/∂ε (symmetric in ε) of the crystal at rest, held by ``phonopy``.

    ``strained`` are at ``strains`` (2n, 3, 3), pairs of opposite sign; it is known for what their
    rotated copies span. The least squares over all copies gives it the symmetry of the crystal.
    """
    primitive = phonopy.primitive
    rotations, permutations = _operations(phonopy)
    amplitudes = strains[::2]
    changes = [
        compact_fc_to_full_fc(
            primitive, (compact(a.fc2, primitive) - compact(b.fc2, primitive)) / 2
        )
        for a, b in zip(strained[::2], strained[1::2], strict=True)
    ]
    copies = rotations[None] @ amplitudes[:, None] @ rotations.swapaxes(1, 2)[None]
    copies = copies.reshape(-1, 9)
    inverse = np.linalg.pinv(copies, rcond=1e-6)
    weights = inverse.reshape(9, len(changes), len(rotations))
    found = np.zeros((9, len(primitive), len(phonopy.supercell), 3, 3))
    for index, (rotation, permutation) in enumerate(zip(rotations, permutations, strict=True)):
        origin = np.argsort(permutation)  # the atom that goes to each place
        rows = origin[np.asarray(primitive.p2s_map)]
        for number, change in enumerate(changes):
            turned = rotation @ change[rows][:, origin] @ rotation.T
            found += weights[:, number, index, None, None, None, None] * turned
    values = np.moveaxis(found, 0, -1)
    return StrainDerivative(
        values.reshape(*values.shape[:-1], 3, 3), primitive, span=inverse @ copies
    )


def _operations(phonopy: Any) -> tuple[FloatArray, IntArray]:
    """Cartesian rotations (n, 3, 3) of the supercell, each once, and where they take its atoms."""
    operations = phonopy.symmetry.symmetry_operations["rotations"]
    _, first = np.unique(operations, axis=0, return_index=True)
    lattice = phonopy.supercell.cell.T  # columns
    rotations = lattice @ operations[first] @ np.linalg.inv(lattice)
    return np.asarray(rotations), np.asarray(phonopy.symmetry.atomic_permutations[first])


def fc2_forces(
    crystal: Crystal,
    harmonic: ForceConstants,
    force_field: ForceField,
    settings: DisplacementSettings,
) -> FloatArray:
    """Displace the fc2 supercell of a strained cell: forces (n, n_atoms, 3) eV/Å."""
    phono3py = lattice_dynamics(
        crystal, harmonic.fc2_supercell, harmonic.fc3_supercell, harmonic.primitive_matrix
    )
    return as_array(force_field.evaluate(displace_for_fc2(phono3py, settings)).forces)
