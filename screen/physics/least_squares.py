"""Linear least squares without the matrix, and the condition number that comes with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from screen.core.crystal import FloatArray


@dataclass(frozen=True)
class LeastSquares:
    """Solution of min ‖A x − b‖."""

    solution: FloatArray  # (unknowns,)
    condition: float  # number of A; from below, see conjugate_gradients


def conjugate_gradients(
    matrix: Any,
    vector: FloatArray,
    start: FloatArray | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 1000,
) -> LeastSquares | None:
    """Solve min ‖A x − b‖ by conjugate gradients on the normal equations.

    Hestenes and Stiefel, J. Res. Natl. Bur. Stand. 49, 409 (1952), section 10; in the form of
    Björck, Numerical Methods for Least Squares Problems (1996), algorithm 7.4.1. Its coefficients
    are those of Lanczos' tridiagonal form of AᵀA (Golub and Meurant, Matrices, Moments and
    Quadrature with Applications, 2010, section 4.1), whose extreme eigenvalues approach those of
    AᵀA from within: √ of their ratio is within some percent of the condition number of A.

    Parameters
    ----------
    matrix
        A (equations, unknowns), a ``scipy.sparse.linalg.LinearOperator``.
    vector
        b (equations,).
    start
        First guess of the solution; zeros if None.
    tolerance
        Of ‖Aᵀ(A x − b)‖ over ‖Aᵀb‖.

    Returns
    -------
    None where ``max_iterations`` do not reach the tolerance: A is too ill-conditioned.
    """
    solution, residual = np.zeros(matrix.shape[1]), vector
    gradient = matrix.rmatvec(vector)
    target = tolerance * float(np.linalg.norm(gradient))
    if start is not None:
        solution, residual = start, vector - matrix.matvec(start)
        gradient = matrix.rmatvec(residual)
    direction, norm = gradient, float(np.linalg.norm(gradient))
    steps: list[float] = []
    ratios: list[float] = []
    while norm > target:
        if len(steps) == max_iterations:
            return None
        change = matrix.matvec(direction)
        steps.append(norm**2 / float(change @ change))
        solution = solution + steps[-1] * direction
        residual = residual - steps[-1] * change
        gradient = matrix.rmatvec(residual)
        before, norm = norm, float(np.linalg.norm(gradient))
        ratios.append((norm / before) ** 2)
        direction = gradient + ratios[-1] * direction
    return LeastSquares(solution, _condition(np.array(steps), np.array(ratios)))


def _condition(steps: FloatArray, ratios: FloatArray) -> float:
    """Return √ of the ratio of the extreme eigenvalues of Lanczos' tridiagonal matrix."""
    from scipy.linalg import eigvalsh_tridiagonal

    if not len(steps):
        return 1.0
    diagonal = 1 / steps
    diagonal[1:] += ratios[:-1] / steps[:-1]
    eigenvalues = eigvalsh_tridiagonal(diagonal, np.sqrt(ratios[:-1]) / steps[:-1])
    return float(np.sqrt(eigenvalues[-1] / eigenvalues[0]))
