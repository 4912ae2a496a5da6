"""Division of the irreducible q-points into parts that workers compute apart."""

from __future__ import annotations

import math

PART_S = 900.0  # CPU seconds that a part should take
PER_SQUARE, PER_FOURTH = 0.2e-6, 1e-9  # s per triplet and nb², nb⁴; Si, AlN, 22 atoms


def estimate_seconds(n_points: int, n_irreducible: int, n_bands: int) -> float:
    """CPU seconds of the three-phonon rates on one core, within a factor of two or so.

    Every irreducible point has at most half as many triplets as the mesh has points. Energy
    conservation costs nb² or nb³, rotations to bands nb⁴ a triplet.
    """
    triplets = n_irreducible * n_points / 2
    return triplets * (PER_SQUARE * n_bands**2 + PER_FOURTH * n_bands**4)


def number_of_parts(n_points: int, n_irreducible: int, n_bands: int) -> int:
    """Parts of about ``PART_S``; 1 where the whole takes less than two of them."""
    wanted = estimate_seconds(n_points, n_irreducible, n_bands) / PART_S
    return 1 if wanted < 2 else min(math.ceil(wanted), n_irreducible)


def members_of(part: int, parts: int, n_irreducible: int) -> range:
    """Irreducible points of a part: every ``parts``-th, so that costly points spread evenly."""
    return range(part, n_irreducible, parts)
