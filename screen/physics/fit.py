"""Third-order force constants fitted to forces of randomly displaced supercells.

symfc (Seko and Togo, Phys. Rev. B 110, 214302, 2024) gives the basis of all fc3 that the space
group, the permutations of atoms and the acoustic sum rule allow, and the normal equations of the
linear regression; see ``random_displacements`` for why only fc3 is in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray
from screen.core.errors import ForceConstantsError
from screen.core.records import FitQuality
from screen.core.settings import DisplacementSettings
from screen.physics.random_displacements import (
    cutoff_of_fit,
    random_displacements,
    symfc_solver,
)

HELD_OUT = 0.1  # of the pairs, at least one, judge a fit to the others
BATCH_BYTES = 4e8  # of the design matrix that is held at a time
SMALL = 500  # unknowns up to which all eigenvalues are cheap
MAX_GROWTH = 4  # of the number of supercells when a fit is poor


@dataclass
class _Normal:
    """Normal equations A c = b of some pairs, and the sum of squares of their even forces."""

    matrix: FloatArray  # (unknowns, unknowns)
    vector: FloatArray  # (unknowns,)
    squares: float
    components: int

    def residual(self, coefficients: FloatArray) -> float:
        """Sum of squares that these coefficients leave, not below what rounding leaves."""
        explained = coefficients @ (2 * self.vector - self.matrix @ coefficients)
        return max(self.squares - float(explained), np.finfo(float).eps * self.squares)

    def add(self, other: _Normal) -> None:
        """Take in more pairs."""
        self.matrix += other.matrix
        self.vector += other.vector
        self.squares += other.squares
        self.components += other.components


@dataclass(frozen=True)
class _Solution:
    """What solves normal equations."""

    coefficients: FloatArray  # (unknowns,)
    factor: Any  # Cholesky factor of the matrix, as scipy.linalg.cho_factor gives it


def fit_third_order(
    phono3py: Any, forces: FloatArray, settings: DisplacementSettings
) -> tuple[FloatArray | None, FitQuality]:
    """Fit fc3 to forces (2 · pairs, n_atoms, 3) eV/Å of the first pairs of random displacements.

    All pairs are in the fit. For its quality the last tenth is predicted by a fit to the others.

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
    cutoff = cutoff_of_fit(phono3py, settings)
    solver = symfc_solver(phono3py, cutoff)
    basis = _basis(solver)
    kept = pairs - max(1, round(HELD_OUT * pairs))
    equations = _normal_equations(basis, displacements[:kept], even[:kept])
    held_out = _normal_equations(basis, displacements[kept:], even[kept:])
    trial = _solved(equations.matrix, equations.vector)
    left = math.inf if trial is None else held_out.residual(trial.coefficients)
    error = math.sqrt(left / held_out.components)
    scale = math.sqrt(held_out.squares / held_out.components)
    equations.add(held_out)
    solution = _solved(equations.matrix, equations.vector)
    quality = FitQuality(
        supercells=2 * pairs,
        unknowns=len(equations.vector),
        force_components=equations.components,
        condition=math.inf if solution is None else _condition(equations.matrix, solution.factor),
        held_out_error=error,
        held_out_relative=error / scale if scale > 0 else 0.0,
        cutoff=cutoff,
    )
    if solution is None:
        return None, quality
    return _compact_fc3(phono3py, solver, basis, solution.coefficients), quality


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


def _basis(solver: Any) -> Any:
    """Make symfc's basis, which asserts that symmetry leaves a parameter."""
    try:
        return solver.compute_basis_set(orders=[3])[3]
    except AssertionError as error:
        raise ForceConstantsError(
            "symfc finds no third-order force constant that symmetry allows in this supercell; "
            "raise fc3_minimum_image"
        ) from error


def _normal_equations(basis: Any, displacements: FloatArray, forces: FloatArray) -> _Normal:
    """Sum the normal equations of pairs (pairs, n_atoms, 3) in batches of bounded memory."""
    from symfc.solvers.solver_O3 import (  # type: ignore[import-untyped]
        prepare_normal_equation_O3,
    )

    compression = basis.compact_compression_matrix
    pairs, components = len(forces), forces[0].size
    matrix, vector = prepare_normal_equation_O3(
        displacements.reshape(pairs, components),
        forces.reshape(pairs, components),
        compression,
        basis.blocked_basis_set,
        basis.atomic_decompr_idx,
        batch_size=max(1, int(BATCH_BYTES / (8 * components * compression.shape[1]))),
    )
    return _Normal(matrix, vector, float(np.sum(forces**2)), forces.size)


def _solved(matrix: FloatArray, vector: FloatArray) -> _Solution | None:
    """Solve normal equations; None where they are singular."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    try:
        factor = cho_factor(matrix, lower=True)
    except LinAlgError:
        return None
    return _Solution(cho_solve(factor, vector), factor)


def _condition(matrix: FloatArray, factor: Any) -> float:
    """Ratio of the extreme singular values of the design matrix.

    It is √ of that of the eigenvalues of the normal matrix. symfc's basis is orthonormal in the
    space of fc3: the ratio does not depend on how it chose among degenerate vectors.
    """
    from scipy.linalg import cho_solve, eigvalsh
    from scipy.sparse.linalg import LinearOperator, eigsh

    size = len(matrix)
    if size <= SMALL:
        values = eigvalsh(matrix)
        return math.sqrt(values[-1] / values[0])
    inverse = LinearOperator(
        matrix.shape, lambda vector: cho_solve(factor, vector, check_finite=False), dtype=float
    )
    options = {"k": 1, "which": "LA", "tol": 1e-2, "return_eigenvectors": False}
    start = np.ones(size)  # not random: the same matrix gives the same digits
    largest, of_inverse = (eigsh(a, v0=start, **options)[0] for a in (matrix, inverse))
    return math.sqrt(largest * of_inverse)


def _compact_fc3(phono3py: Any, solver: Any, basis: Any, coefficients: FloatArray) -> FloatArray:
    """Expand coefficients to rows of the primitive cell's atoms."""
    rows = phono3py.primitive.p2s_map
    n_atoms = len(phono3py.supercell)
    compressed = basis.blocked_basis_set @ coefficients
    shape = (-1, n_atoms, n_atoms, 3, 3, 3)
    if np.array_equal(solver.p2s_map, rows):
        return np.asarray((basis.compact_compression_matrix @ compressed).reshape(shape))
    # symfc finds a smaller primitive cell than the one given
    return np.asarray((basis.compression_matrix @ compressed).reshape(shape)[rows])
