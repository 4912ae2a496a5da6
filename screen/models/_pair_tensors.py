"""Exact force constants of a pair potential: what finite differences have to reproduce.

For a pair with vector d = r_j − r_i the derivatives of V(|d|) by d are, with n = d/|d|,

    φ_ab  = (V'' − V'/r) n_a n_b + (V'/r) δ_ab
    φ_abc = (V''' − 3 V''/r + 3 V'/r²) n_a n_b n_c
            + (V''/r − V'/r²) (n_a δ_bc + n_b δ_ac + n_c δ_ab),

and each derivative by atom i instead of j changes the sign.
"""

from __future__ import annotations

from itertools import product

import numpy as np

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.models._pair_potential import PairPotential, derivatives, find_pairs


def pair_tensors(
    potential: PairPotential, first: IntArray, second: IntArray, vectors: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Second and third derivatives by the pair's vector.

    Parameters
    ----------
    potential
        Parameters.
    first, second
        Atomic numbers, (n_pairs,).
    vectors
        (n_pairs, 3) Å.

    Returns
    -------
    (n_pairs, 3, 3) eV/Å² and (n_pairs, 3, 3, 3) eV/Å³.
    """
    r = np.linalg.norm(vectors, axis=1)
    n = vectors / r[:, None]
    unit = np.eye(3)
    _, V1, V2, V3 = derivatives(potential, first, second, r, order=3)
    nn = np.einsum("pa,pb->pab", n, n)
    second_order = _times(V2 - V1 / r, nn) + _times(V1 / r, unit[None])
    nnn = np.einsum("pab,pc->pabc", nn, n)
    mixed = (
        np.einsum("pa,bc->pabc", n, unit)
        + np.einsum("pb,ac->pabc", n, unit)
        + np.einsum("pc,ab->pabc", n, unit)
    )
    third_order = _times(V3 - 3 * V2 / r + 3 * V1 / r**2, nnn) + _times(V2 / r - V1 / r**2, mixed)
    return second_order, third_order


def compute_fc2(potential: PairPotential, crystal: Crystal) -> FloatArray:
    """Second derivatives of the cell's energy, (n_atoms, n_atoms, 3, 3) eV/Å²."""
    second_order, _, sites = _tensors_of(potential, crystal)
    fc2 = np.zeros((len(crystal), len(crystal), 3, 3))
    for a, b in product((0, 1), repeat=2):
        np.add.at(fc2, (sites[a], sites[b]), _sign(a, b) * second_order)
    return fc2


def compute_fc3(potential: PairPotential, crystal: Crystal) -> FloatArray:
    """Third derivatives of the cell's energy, (n_atoms, n_atoms, n_atoms, 3, 3, 3) eV/Å³."""
    _, third_order, sites = _tensors_of(potential, crystal)
    fc3 = np.zeros((len(crystal),) * 3 + (3, 3, 3))
    for a, b, c in product((0, 1), repeat=3):
        np.add.at(fc3, (sites[a], sites[b], sites[c]), _sign(a, b, c) * third_order)
    return fc3


def _tensors_of(
    potential: PairPotential, crystal: Crystal
) -> tuple[FloatArray, FloatArray, tuple[IntArray, IntArray]]:
    """Tensors of all pairs of a crystal, with their two sites."""
    pairs = find_pairs(crystal, potential.cutoff_of(crystal))
    first, second = crystal.numbers[pairs.first], crystal.numbers[pairs.second]
    tensors = pair_tensors(potential, first, second, pairs.vectors)
    return (*tensors, (pairs.first, pairs.second))


def _times(values: FloatArray, tensors: FloatArray) -> FloatArray:
    """Scale each pair's tensor."""
    return values.reshape((-1,) + (1,) * (tensors.ndim - 1)) * tensors


def _sign(*sites: int) -> float:
    """Return −1 for each derivative by the pair's first atom (0), +1 by its second (1)."""
    return float((-1) ** sites.count(0))
