"""Springs with their exact derivatives: what the numerical pipeline has to reproduce."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from phonopy.structure.cells import get_primitive, get_supercell, guess_primitive_matrix
from scipy.optimize import brentq

from screen.core.crystal import Crystal
from screen.core.records import ForceConstants
from screen.core.settings import ModelSettings
from screen.models import springs
from screen.models._pair_potential import find_pairs
from screen.models._pair_tensors import pair_tensors
from screen.physics.convert import from_phonopy, to_phonopy

SPRINGS = springs.load(ModelSettings(family="springs"))
# Supercells must be wider than two cutoffs for force constants that end inside: these end at
# the second shell of fcc (4.4 Å in Cu), so that 4×4×4 primitive cells are enough.
SHORT = replace(
    SPRINGS, potential=replace(SPRINGS.potential, cutoffs=0.77 * SPRINGS.potential.cutoffs)
)


def energy(crystal: Crystal) -> float:
    """eV per cell."""
    return float(SPRINGS.evaluate([crystal]).energies[0])


def without_stress(
    make: Callable[[float], Crystal], low: float, high: float, model: springs.Springs = SPRINGS
) -> Crystal:
    """Cubic crystal whose lattice parameter lies between ``low`` and ``high`` Å."""

    def tension(a: float) -> float:
        return float(np.trace(model.evaluate([make(a)]).stresses[0]))

    return make(brentq(tension, low, high, xtol=1e-13))


def exact_force_constants(
    unitcell: Crystal,
    multiples: Sequence[int],
    third_order: bool = True,
    model: springs.Springs = SPRINGS,
) -> ForceConstants:
    """Compact fc2 and fc3 by the derivatives of the pair potential, nothing displaced."""
    matrix = np.diag(multiples)
    cell = to_phonopy(unitcell)
    primitive_matrix = np.array(guess_primitive_matrix(cell, symprec=1e-5))
    images = get_supercell(cell, matrix)
    rows = get_primitive(images, np.linalg.inv(matrix) @ primitive_matrix).p2s_map
    supercell = from_phonopy(images)
    potential = model.potential
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
        primitive_matrix=primitive_matrix,
        fc3_supercell=matrix,
        fc2_supercell=matrix,
        fc2=fc2,
        fc3=fc3,
    )


def sign(*sites: int) -> float:
    """−1 for each derivative by a pair's first atom."""
    return float((-1) ** sites.count(0))
