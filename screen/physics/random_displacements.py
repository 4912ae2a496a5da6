"""Supercells with all atoms displaced at random, in pairs of opposite displacements.

Half the sum of the forces at u and −u holds the even orders of the forces alone,

    F_even = −½ Φ₃ u u + O(u⁴),

so that neither the harmonic forces nor those of fourth order, of order u³, reach the fit of Φ₃.
Without pairs the fourth order leaks into it: at 0.03 Å the error of Φ₃ is then 10 to 17 times
larger from as many supercells (see docs/random_displacements.md).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from screen.core.crystal import Crystal, FloatArray
from screen.core.settings import DisplacementSettings
from screen.physics.convert import from_phonopy
from screen.physics.fit_basis import basis_of_fit

MIN_PAIRS = 4
"""A fit to all but the held-out pair must still be overdetermined."""


def count_pairs(phono3py: Any, settings: DisplacementSettings) -> int:
    """Count the pairs of supercells that ``oversampling`` asks for.

    They are rounded as phono3py does: 16, 32 and 144 cells for rocksalt, zincblende and wurtzite
    of the benchmark.
    """
    basis = basis_of_fit(phono3py, settings)
    return pairs_for(basis.unknowns, len(phono3py.supercell), settings)


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
