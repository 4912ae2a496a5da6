"""A smooth pair potential: energy, forces, stress, and exact derivatives up to third order.

Each pair of elements interacts by a generalised Morse potential (Girifalco and Weizer, Phys. Rev.
114, 687, 1959) times a switch with four continuous derivatives::

    V(r) = [P exp(−p (r − s)) − Q exp(−q (r − s))] · S((r − r_on) / (r_cut − r_on))
    S(x) = 1 − x⁵ (126 − 420 x + 540 x² − 315 x³ + 70 x⁴)
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import comb

import numpy as np

from screen.core.crystal import Crystal, FloatArray, IntArray

SWITCH_ON = 0.75  # of the cutoff


@dataclass(frozen=True, eq=False)
class PairPotential:
    """Parameters for every pair of atomic numbers; symmetric (119, 119) tables."""

    repulsion: FloatArray  # P, eV
    repulsion_decay: FloatArray  # p, 1/Å
    attraction: FloatArray  # Q, eV
    attraction_decay: FloatArray  # q, 1/Å
    size: FloatArray  # s, Å
    cutoffs: FloatArray  # r_cut, Å; 0: the pair does not interact

    def cutoff_of(self, crystal: Crystal) -> float:
        """Longest cutoff among the elements of a crystal, Å."""
        present = np.unique(crystal.numbers)
        return float(self.cutoffs[np.ix_(present, present)].max())


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of neighbours, each once, periodic images apart."""

    first: IntArray  # (n_pairs,) index i
    second: IntArray  # (n_pairs,) index j >= i
    vectors: FloatArray  # (n_pairs, 3) Å, from i to the image of j
    distances: FloatArray  # (n_pairs,) Å


def find_pairs(crystal: Crystal, cutoff: float) -> Pairs:
    """Return all pairs closer than ``cutoff`` (Å), for cells of any shape and size.

    An image is looked at only where its distance along every lattice plane's normal, a lower
    bound of the distance, is below the cutoff; in cells wider than twice the cutoff that is
    the minimum image. An atom pairs with one of each two opposite images of itself.
    """
    first, second = np.triu_indices(len(crystal))
    distinct = first != second
    reach = cutoff * np.linalg.norm(np.linalg.inv(crystal.lattice), axis=0)  # in lattice planes
    difference = (crystal.fractional[second] - crystal.fractional[first]).T
    difference = difference - np.round(difference)
    spans = [range(-count, count + 1) for count in np.ceil(reach - 0.5).astype(int)]
    near = [
        {n: np.abs(difference[axis] + n) < reach[axis] for n in spans[axis]} for axis in range(3)
    ]
    found, fractional = [], []
    for image in product(*spans):
        close = near[0][image[0]] & near[1][image[1]] & near[2][image[2]]
        index = np.flatnonzero(close if image > (0, 0, 0) else close & distinct)
        found.append(index)
        fractional.append(difference[:, index].T + image)
    index = np.concatenate(found)
    vectors = np.concatenate(fractional) @ crystal.lattice
    distances = np.sqrt(np.einsum("na,na->n", vectors, vectors))
    kept = np.flatnonzero(distances < cutoff)
    index = index[kept]
    return Pairs(first[index], second[index], vectors[kept], distances[kept])


def derivatives(
    potential: PairPotential, first: IntArray, second: IntArray, r: FloatArray, order: int
) -> FloatArray:
    """V and its derivatives by r, (order + 1, n_pairs) eV/Åᵏ, for atomic numbers of the pairs."""
    well = _well(potential, first, second, r, order)
    switch = _switch(r, potential.cutoffs[first, second], order)
    return np.array(
        [
            sum(comb(n, k) * well[k] * switch[n - k] for k in range(n + 1))  # Leibniz
            for n in range(order + 1)
        ]
    )


def evaluate_pairs(
    potential: PairPotential, crystal: Crystal
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Energy (1,) eV, forces (n_atoms, 3) eV/Å, stress (1, 3, 3) eV/Å³ positive under tension."""
    pairs = find_pairs(crystal, potential.cutoff_of(crystal))
    first, second = crystal.numbers[pairs.first], crystal.numbers[pairs.second]
    value, slope = derivatives(potential, first, second, pairs.distances, order=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # two atoms at one place: NaN
        pull = (slope / pairs.distances)[:, None] * pairs.vectors  # force on i by j
    forces = np.zeros((len(crystal), 3))
    for axis in range(3):
        forces[:, axis] += np.bincount(pairs.first, pull[:, axis], minlength=len(crystal))
        forces[:, axis] -= np.bincount(pairs.second, pull[:, axis], minlength=len(crystal))
    stress = pairs.vectors.T @ pull / crystal.volume
    return value.sum(keepdims=True), forces, (stress + stress.T)[None] / 2.0


def _well(
    potential: PairPotential, first: IntArray, second: IntArray, r: FloatArray, order: int
) -> list[FloatArray]:
    """Generalised Morse potential and its derivatives by r."""
    p = potential.repulsion_decay[first, second]
    q = potential.attraction_decay[first, second]
    stretch = r - potential.size[first, second]
    repulsion = potential.repulsion[first, second] * np.exp(-p * stretch)
    attraction = potential.attraction[first, second] * np.exp(-q * stretch)
    return [(-p) ** k * repulsion - (-q) ** k * attraction for k in range(order + 1)]


def _switch(r: FloatArray, cutoffs: FloatArray, order: int) -> list[FloatArray]:
    """Switch function and its derivatives by r."""
    width = (1.0 - SWITCH_ON) * cutoffs
    x = np.clip((r - SWITCH_ON * cutoffs) / width, 0.0, 1.0)
    y = x * (1.0 - x)
    y2 = y * y
    terms = [
        1.0 - x * x * x * (x * x) * (126.0 + x * (-420.0 + x * (540.0 + x * (-315.0 + 70.0 * x)))),
        -630.0 / width * (y2 * y2),
    ]
    if order >= 2:
        slope = 1.0 - 2.0 * x  # dy/dx
        terms.append(-2520.0 / width**2 * (y2 * y * slope))
        terms.append((-7560.0 * y2 * slope**2 + 5040.0 * y2 * y) / width**3)
    return terms
