"""Springs with their exact derivatives: what the numerical pipeline has to reproduce."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from scipy.optimize import brentq

from screen.core.crystal import Crystal
from screen.core.records import ForceConstants
from screen.core.settings import ModelSettings
from screen.models import springs
from screen.models._pair_potential import find_pairs
from screen.models._pair_tensors import pair_tensors
from screen.physics.convert import from_phonopy
from screen.physics.displacements import lattice_dynamics

SPRINGS = springs.load(ModelSettings(family="springs"))


def energy(crystal: Crystal) -> float:
    """eV per cell."""
    return float(SPRINGS.evaluate([crystal]).energies[0])


def without_stress(make: Callable[[float], Crystal], low: float, high: float) -> Crystal:
    """Cubic crystal whose lattice parameter lies between ``low`` and ``high`` Å."""

    def tension(a: float) -> float:
        return float(np.trace(SPRINGS.evaluate([make(a)]).stresses[0]))

    return make(brentq(tension, low, high, xtol=1e-13))


def exact_force_constants(
    unitcell: Crystal, multiples: Sequence[int], third_order: bool = True
) -> ForceConstants:
    """Compact fc2 and fc3 by the derivatives of the pair potential, nothing displaced."""
    matrix = np.diag(multiples)
    phono3py = lattice_dynamics(unitcell, matrix, matrix)
    supercell = from_phonopy(phono3py.supercell)
    rows = np.asarray(phono3py.primitive.p2s_map)
    potential = SPRINGS.potential
    pairs = find_pairs(supercell, potential.cutoff_of(supercell))
    sites = (pairs.first, pairs.second)
    numbers = supercell.numbers
    second, third = pair_tensors(potential, numbers[sites[0]], numbers[sites[1]], pairs.vectors)
    n_atoms = len(supercell)
    fc2 = np.zeros((len(rows), n_atoms, 3, 3))
    fc3 = np.zeros((len(rows), n_atoms, n_atoms, 3, 3, 3)) if third_order else None
    for row, atom in enumerate(rows):
        for a, b in product((0, 1), repeat=2):
            here = sites[a] == atom
            np.add.at(fc2[row], sites[b][here], sign(a, b) * second[here])
            for c in (0, 1) if fc3 is not None else ():
                index = (sites[b][here], sites[c][here])
                np.add.at(fc3[row], index, sign(a, b, c) * third[here])
    return ForceConstants(
        unitcell=unitcell,
        primitive_matrix=np.array(phono3py.primitive_matrix),
        fc3_supercell=matrix,
        fc2_supercell=matrix,
        fc2=fc2,
        fc3=fc3,
    )


def sign(*sites: int) -> float:
    """−1 for each derivative by a pair's first atom."""
    return float((-1) ** sites.count(0))
