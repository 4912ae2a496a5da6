"""Least squares without the matrix, against NumPy's with it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse.linalg import aslinearoperator

from screen.core.crystal import FloatArray
from screen.physics.least_squares import conjugate_gradients

RANDOM = np.random.default_rng(0)
VECTOR = RANDOM.standard_normal(80)


def matrix_of_condition(condition: float) -> FloatArray:
    """80 × 30, singular values in geometric progression."""
    left, right = (np.linalg.qr(RANDOM.standard_normal((n, 30)))[0] for n in (80, 30))
    return left * np.geomspace(1, 1 / condition, 30) @ right.T


@pytest.mark.parametrize("condition", [2.0, 30.0, 1000.0])
def test_solution_and_condition_are_those_of_the_singular_value_decomposition(
    condition: float,
) -> None:
    """Relative error of the solution 1e-5; the condition is approached from below, within 5 %."""
    matrix = matrix_of_condition(condition)
    found = conjugate_gradients(aslinearoperator(matrix), VECTOR)
    assert found is not None
    exact = np.linalg.lstsq(matrix, VECTOR)[0]
    np.testing.assert_allclose(found.solution, exact, atol=1e-5 * np.abs(exact).max())
    assert 0.95 * condition < found.condition < 1.001 * condition


def test_a_start_changes_neither_solution_nor_condition() -> None:
    """As above, from 2 % beside the solution, where a fit begins that knows 90 % of the data."""
    matrix = matrix_of_condition(30.0)
    exact = np.linalg.lstsq(matrix, VECTOR)[0]
    start = exact * (1 + 0.02 * RANDOM.standard_normal(30))
    found = conjugate_gradients(aslinearoperator(matrix), VECTOR, start)
    assert found is not None
    np.testing.assert_allclose(found.solution, exact, atol=1e-5 * np.abs(exact).max())
    assert 0.95 * 30 < found.condition < 1.001 * 30


def test_a_matrix_too_ill_conditioned_for_the_iterations_has_no_solution() -> None:
    matrix = aslinearoperator(matrix_of_condition(1e3))
    assert conjugate_gradients(matrix, VECTOR, max_iterations=20) is None


def test_no_forces_have_no_force_constants() -> None:
    found = conjugate_gradients(aslinearoperator(matrix_of_condition(2.0)), np.zeros(80))
    assert found is not None
    np.testing.assert_array_equal(found.solution, np.zeros(30))
