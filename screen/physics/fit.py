"""Third-order force constants fitted to forces of randomly displaced supercells.

symfc (Seko and Togo, Phys. Rev. B 110, 214302, 2024) gives the basis of all fc3 that the space
group, the permutations of atoms and the acoustic sum rule allow; see ``random_displacements`` for
why only fc3 is in the fit. Its normal equations, which symfc solves, cost (unknowns)² for each
component of the forces; conjugate gradients need some 60 applications of the linear map and no
matrix: a tenth of the time for wurtzite.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screen.core.crystal import FloatArray
from screen.core.records import FitQuality
from screen.core.settings import DisplacementSettings
from screen.physics.anharmonic_forces import AnharmonicForces
from screen.physics.fit_basis import basis_of_fit
from screen.physics.least_squares import LeastSquares, conjugate_gradients
from screen.physics.random_displacements import random_displacements

HELD_OUT = 0.1  # of the pairs, at least one, judge a fit to the others
TRIAL_TOLERANCE = 1e-4  # of the fit to the others: its forces are within some 1e-3
MAX_GROWTH = 4  # of the number of supercells when a fit is poor


def fit_third_order(
    phono3py: Any, forces: FloatArray, settings: DisplacementSettings
) -> tuple[FloatArray | None, FitQuality]:
    """Fit fc3 to forces (2 · pairs, n_atoms, 3) eV/Å of the first pairs of random displacements.

    All pairs are in the fit. For its quality the last tenth is predicted by a fit to the others,
    at whose solution the fit to all begins.

    Returns
    -------
    Compact fc3 (n_primitive, n_atoms, n_atoms, 3, 3, 3) eV/Å³, None where the pairs do not
    determine it, and the quality.

    Raises
    ------
    ForceConstantsError
        Symmetry leaves nothing to fit.
    """
    pairs = len(forces) // 2
    n_atoms = len(phono3py.supercell)
    displacements = random_displacements(n_atoms, settings, range(pairs))[::2]
    even = (forces[::2] + forces[1::2]) / 2
    within = basis_of_fit(phono3py, settings)
    basis = within.made()
    kept = pairs - max(1, round(HELD_OUT * pairs))
    trial = _fitted(AnharmonicForces(basis, displacements[:kept]), even[:kept], TRIAL_TOLERANCE)
    others = AnharmonicForces(basis, displacements[kept:])
    error, scale = _error_and_scale(trial, others, even[kept:])
    whole = AnharmonicForces(basis, displacements)
    found = _fitted(whole, even, start=None if trial is None else trial.solution)
    quality = FitQuality(
        supercells=2 * pairs,
        unknowns=whole.shape[1],
        force_components=even.size,
        condition=math.inf if found is None else found.condition,
        held_out_error=error,
        held_out_relative=error / scale if scale > 0 else 0.0,
        cutoff=within.cutoff,
    )
    if found is None:
        return None, quality
    return _rows_of(phono3py, basis, whole.compact_fc3(found.solution)), quality


def is_poor(quality: FitQuality, settings: DisplacementSettings) -> bool:
    """Say whether more supercells are worth their cost."""
    return (
        quality.held_out_relative > settings.max_fit_error
        or quality.condition > settings.max_fit_condition
    )


def more_pairs(quality: FitQuality, settings: DisplacementSettings) -> range:
    """Numbers of the pairs that a poor fit lacks; none for a good one.

    The error of a fit falls as the square root of the number of supercells: two to four times as
    many, as the error asks for, and no more than ``max_supercells``.
    """
    first = quality.supercells // 2
    if not is_poor(quality, settings):
        return range(first, first)
    wanted = (quality.held_out_relative / settings.max_fit_error) ** 2
    total = math.ceil(first * min(max(wanted, 2), MAX_GROWTH))
    if settings.max_supercells is not None:
        total = min(total, settings.max_supercells // 2)
    return range(first, max(first, total))


def _fitted(
    matrix: AnharmonicForces,
    forces: FloatArray,
    tolerance: float = 1e-8,
    start: FloatArray | None = None,
) -> LeastSquares | None:
    """Fit to forces (pairs, n_atoms, 3); None where they do not determine all coefficients.

    The forces of a pair sum to zero: three of them follow from the others.
    """
    independent = forces.size - 3 * len(forces)
    if independent < matrix.shape[1]:
        return None
    return conjugate_gradients(matrix, matrix.flattened(forces), start, tolerance)


def _error_and_scale(
    trial: LeastSquares | None, others: AnharmonicForces, forces: FloatArray
) -> tuple[float, float]:
    """Root mean squares: of what a fit leaves of the forces on other pairs, and of these."""
    scale = math.sqrt(float(np.mean(forces**2)))
    if trial is None:
        return math.inf, scale
    left = others.flattened(forces) - others.matvec(trial.solution)
    return math.sqrt(float(np.mean(left**2))), scale


def _rows_of(phono3py: Any, basis: Any, fc3: FloatArray) -> FloatArray:
    """Return the rows of the primitive cell's atoms; symfc may find a smaller primitive cell."""
    rows, found = phono3py.primitive.p2s_map, list(basis.p2s_map)
    if np.array_equal(found, rows):
        return fc3
    return np.stack([_row_of(atom, found, basis.translation_permutations, fc3) for atom in rows])


def _row_of(
    atom: int, found: list[int], translations: NDArray[np.integer[Any]], fc3: FloatArray
) -> FloatArray:
    """Return Φ(atom, j, k) = Φ(i, j', k') of the translation that takes i to the atom."""
    to_atom = next(each for each in translations if atom in each[found])
    back = np.argsort(to_atom)
    row: FloatArray = fc3[found.index(back[atom])]
    return row[np.ix_(back, back)]
