"""γ(300 K) by fc3 and by strained cells in wider and wider supercells.

The route through fc3 contracts Φ₃ with the vectors R to the third atom, which in a supercell are
those to the nearest image: as if the supercell were strained around each atom and torn at the cell's
border. That torn strain is applied here directly, so that no fit, no truncation and no
symmetrisation of fc3 stands between the two columns: what differs is the width of the supercell.
It fades as the tear leaves the range of the potential. Strained cells have no tear.

    python benchmarks/expansion_supercells.py                     # SevenNet-0, six crystals
    python benchmarks/expansion_supercells.py --quick             # springs with a cutoff of 7 Å
    python benchmarks/expansion_supercells.py --crystals Si --widths 10 20

The last line is JSON: the deviation γ(torn)/γ(strained) − 1 for each crystal and width.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy and torch are imported

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from expansion import FINE, REAL, SPRINGS

from screen.core.crystal import Crystal, FloatArray
from screen.core.protocols import ForceField
from screen.core.records import ForceConstants, SupercellForces
from screen.core.registry import find
from screen.core.settings import DisplacementSettings, ModelSettings, RelaxationSettings
from screen.physics.convert import from_phonopy
from screen.physics.displacements import as_array, displace_for_fc2, lattice_dynamics
from screen.physics.expansion import mode_heat_capacity
from screen.physics.force_constants import second_order
from screen.physics.gruneisen import (
    StrainDerivative,
    compact,
    internal_strain,
    mean_vectors,
    projected,
)
from screen.physics.phonons import harmonic_lattice
from screen.physics.relax import relax
from screen.physics.strained_force_constants import (
    derivative_of_cells,
    measure_strained,
    symmetric_strains,
)
from screen.physics.supercells import diagonal_supercell
from screen.physics.symmetry import point_group

RELAXATION = RelaxationSettings.model_validate(FINE)
DISPLACEMENTS = DisplacementSettings(distance=0.01)
STRAIN = 0.005  # √(ε:ε) of the strained cells
TEAR = 0.001  # of the torn isotropic strain; 0.002 and 0.0005 change γ of Si by less than 0.1 %
Q_LENGTH = 40.0  # Å
WIDTHS = {"springs": (10.0, 14.0), "sevennet": (9.0, 12.0, 15.0)}  # Å


def main() -> None:
    """Print one line per crystal and width, and one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="springs, below 60 s")
    parser.add_argument("--crystals", nargs="+", help="some of them only")
    parser.add_argument("--widths", nargs="+", type=float, help="shortest supercell vector in Å")
    arguments = parser.parse_args()
    family, crystals = ("springs", SPRINGS) if arguments.quick else ("sevennet", REAL)
    force_field = find("models", family).load(ModelSettings(family=family))
    deviations = {
        name: compare(name, crystals[name], force_field, arguments.widths or WIDTHS[family])
        for name in arguments.crystals or crystals
    }
    print(json.dumps({"model": family, "gamma_torn_vs_strained": deviations}))


def compare(
    name: str, crystal: Crystal, force_field: ForceField, widths: Sequence[float]
) -> dict[float, float]:
    """Relax once, then both routes at each width: width in Å to relative deviation."""
    relaxed = relax(crystal, force_field, RELAXATION).crystal
    found: dict[float, float] = {}
    matrices = {width: diagonal_supercell(relaxed.lattice, width) for width in widths}
    for width, matrix in matrices.items():
        if any(np.array_equal(matrix, matrices[other]) for other in found):
            continue  # no wider than the one before
        harmonic = fc2_of(relaxed, matrix, force_field)
        strained = macroscopic(harmonic, strained_derivative(harmonic, force_field))
        torn = macroscopic(harmonic, torn_derivative(harmonic, force_field))
        found[width] = torn / strained - 1
        print(
            f"{name:>5} {width:4.1f} Å, {len(relaxed) * round(np.linalg.det(matrix)):4d} atoms: "
            f"strained {strained:.4f}, torn {torn:.4f} ({torn / strained - 1:+.1%})",
            flush=True,
        )
    return found


def fc2_of(crystal: Crystal, matrix: Any, force_field: ForceField) -> ForceConstants:
    """fc2 in one supercell."""
    cells = displace_for_fc2(lattice_dynamics(crystal, matrix, matrix), DISPLACEMENTS)
    forces = SupercellForces(as_array(force_field.evaluate(cells).forces))
    return second_order(crystal, (matrix, matrix), forces, DISPLACEMENTS)


def strained_derivative(harmonic: ForceConstants, force_field: ForceField) -> StrainDerivative:
    """∂Φ₂/∂ε from cells under the strains that keep the symmetry."""
    strains = symmetric_strains(point_group(harmonic.unitcell), STRAIN)
    measured = measure_strained(harmonic, force_field, strains, RELAXATION, DISPLACEMENTS)
    return derivative_of_cells(harmonic, measured, DISPLACEMENTS)


def torn_derivative(harmonic: ForceConstants, force_field: ForceField) -> StrainDerivative:
    """∂Φ₂/∂ε of an isotropic strain around the displaced atom, ions relaxed, torn at the border.

    phonopy solves for the force constants linearly in the forces, so that it solves for their
    derivative where it is given the derivative of the forces.
    """
    phonopy = harmonic_lattice(harmonic)
    primitive = phonopy.primitive
    sublattice = [primitive.p2p_map[s] for s in primitive.s2p_map]
    response = np.trace(internal_strain(phonopy), axis1=2, axis2=3)[sublattice]  # Å
    around = {
        atom: vectors + response
        for atom, vectors in zip(primitive.p2s_map, mean_vectors(primitive), strict=True)
    }
    phono3py = lattice_dynamics(
        harmonic.unitcell,
        harmonic.fc2_supercell,
        harmonic.fc3_supercell,
        harmonic.primitive_matrix,
    )
    displaced = displace_for_fc2(phono3py, DISPLACEMENTS)
    atoms = [entry["number"] for entry in phono3py.phonon_dataset["first_atoms"]]
    rest = from_phonopy(phonopy.supercell)
    at_rest = {atom: torn_response(rest, around[atom], force_field) for atom in set(atoms)}
    forces = [
        torn_response(cell, around[atom], force_field) - at_rest[atom]
        for cell, atom in zip(displaced, atoms, strict=True)
    ]
    phono3py.phonon_forces = np.array(forces)
    phono3py.produce_fc2()
    change = compact(phono3py.fc2, primitive)[..., None, None] * np.eye(3) / 3
    return StrainDerivative(change, primitive, span=np.outer(np.eye(3), np.eye(3)) / 3)


def torn_response(cell: Crystal, pattern: FloatArray, force_field: ForceField) -> FloatArray:
    """Return the derivative of the forces by the amplitude of ``pattern`` (n_atoms, 3) Å, eV/Å."""
    shift = TEAR * pattern @ np.linalg.inv(cell.lattice)
    pair = [Crystal(cell.lattice, cell.numbers, cell.fractional + s * shift) for s in (1, -1)]
    plus, minus = force_field.evaluate(pair).forces
    return np.asarray((plus - minus) / (2 * TEAR))


def macroscopic(harmonic: ForceConstants, derivative: StrainDerivative) -> float:
    """Mean of tr γ/3 over modes, weighted by their heat capacities at 300 K."""
    phonopy = harmonic_lattice(harmonic)
    phonopy.run_mesh(Q_LENGTH, is_gamma_center=True)
    q, weights = phonopy.mesh.qpoints, phonopy.mesh.weights
    frequencies, tensors = projected([derivative], phonopy, q)
    heat = mode_heat_capacity(q, frequencies, np.array([300.0]))[0] * weights[:, None]
    return float((heat * np.trace(tensors, axis1=2, axis2=3)).sum() / heat.sum() / 3)


if __name__ == "__main__":
    main()
