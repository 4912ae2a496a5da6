"""Supercells with all atoms displaced at random, in pairs of opposite displacements.

Half the sum of the forces at u and −u holds the even orders of the forces alone,

    F_even = −½ Φ₃ u u + O(u⁴),

so that neither the harmonic forces nor those of fourth order, of order u³, reach the fit of Φ₃.
Without pairs the fourth order leaks into it: at 0.03 Å the error of Φ₃ is then 10 to 17 times
larger from as many supercells (see docs/random_displacements.md).
"""

from __future__ import annotations

import math
from bisect import bisect_right
from typing import Any

import numpy as np

from screen.core.crystal import Crystal, FloatArray
from screen.core.settings import DisplacementSettings
from screen.physics.convert import from_phonopy

MIN_PAIRS = 4
"""A fit to all but the held-out pair must still be overdetermined."""

MAX_UNKNOWNS = 10_000
"""Of a fit without a cutoff: 208 supercells of 64 atoms at the default oversampling."""


def symfc_solver(phono3py: Any, cutoff: float | None) -> Any:
    """Return phonopy's interface to symfc for the fc3 supercell; the basis is not made yet."""
    from phonopy.interface.symfc import SymfcFCSolver

    options = None if cutoff is None else {"cutoff": {3: cutoff}}
    return SymfcFCSolver(phono3py.supercell, symmetry=phono3py.symmetry, options=options)


def cutoff_of_fit(phono3py: Any, settings: DisplacementSettings) -> float | None:
    """Return the distance in Å beyond which fc3 is not fitted; None where all of it is.

    It is ``fc3_cutoff``. Without, and where the supercell has more unknowns than a fit may have,
    as crystals of low symmetry have, it is the largest that leaves no more than these.
    """
    largest = max_unknowns(len(phono3py.supercell), settings)
    if settings.fc3_cutoff is not None or _unknowns(phono3py, None) <= largest:
        return settings.fc3_cutoff
    primitive = phono3py.primitive
    distances = np.linalg.norm(primitive.get_smallest_vectors()[0] @ primitive.cell, axis=-1)
    shells = np.unique(distances.round(1))[1:] + 0.05  # without the atom itself
    fitting = bisect_right(
        range(1, len(shells)),
        largest,
        key=lambda shell: _unknowns(phono3py, float(shells[shell])),
    )
    return float(shells[fitting])


def max_unknowns(n_atoms: int, settings: DisplacementSettings) -> int:
    """Return how many unknowns a fit in a supercell of ``n_atoms`` may have.

    Memory bounds them, and ``fc3_max_atoms``: that many atoms are in so many pairs of supercells.
    """
    if settings.fc3_max_atoms is None:
        return MAX_UNKNOWNS
    cells = 2 * (settings.fc3_max_atoms // (2 * n_atoms))
    return min(MAX_UNKNOWNS, 3 * n_atoms * int(cells / settings.oversampling))


def _unknowns(phono3py: Any, cutoff: float | None) -> int:
    """Estimate the number of independent fc3, as symfc does."""
    return int(symfc_solver(phono3py, cutoff).estimate_basis_size(orders=[3])[3])


def count_pairs(phono3py: Any, settings: DisplacementSettings) -> int:
    """Count the pairs of supercells that ``oversampling`` asks for.

    They are rounded as phono3py does: 16, 32 and 144 cells for rocksalt, zincblende and wurtzite
    of the benchmark.
    """
    unknowns = _unknowns(phono3py, cutoff_of_fit(phono3py, settings))
    return pairs_for(unknowns, len(phono3py.supercell), settings)


def pairs_for(unknowns: int, n_atoms: int, settings: DisplacementSettings) -> int:
    """Pairs of supercells of ``n_atoms`` that determine so many unknowns."""
    cells = settings.oversampling * math.ceil(unknowns / n_atoms / 3)
    return max(MIN_PAIRS, math.ceil(cells / 2))


def random_displacements(n_atoms: int, settings: DisplacementSettings, pairs: range) -> FloatArray:
    """Displacements of some pairs, those at +u and at −u in turn: (2 · pairs, n_atoms, 3) Å.

    Every atom moves by ``distance``. A pair depends on its number and the seed alone: more pairs
    go on where fewer ended. Forces and fit are computed in environments that may hold different
    versions of NumPy, which has frozen the numbers of ``RandomState`` alone (NEP 19).
    """
    found = np.empty((2 * len(pairs), n_atoms, 3))
    for place, pair in enumerate(pairs):
        directions = np.random.RandomState([settings.seed, pair]).standard_normal((n_atoms, 3))
        directions *= settings.distance / np.linalg.norm(directions, axis=1, keepdims=True)
        found[2 * place], found[2 * place + 1] = directions, -directions
    return found


def displace_at_random(
    phono3py: Any, settings: DisplacementSettings, pairs: range
) -> list[Crystal]:
    """Displace the fc3 supercell: two cells for each of ``pairs``, in turn."""
    start = from_phonopy(phono3py.supercell)
    to_fractional = np.linalg.inv(start.lattice)
    return [
        Crystal(start.lattice, start.numbers, start.fractional + moved @ to_fractional)
        for moved in random_displacements(len(start), settings, pairs)
    ]
