"""Values between grid points."""

import numpy as np
import pytest

from screen.properties._rows import around, at_temperature, by_powers

GRID = np.array([200.0, 400.0])


def test_a_conductivity_that_falls_as_one_over_temperature_is_interpolated_exactly() -> None:
    assert by_powers(GRID, 3000 / GRID, 300.0) == pytest.approx(10.0)


def test_a_vanishing_coherence_part_stays_zero() -> None:
    assert by_powers(GRID, np.zeros(2), 300.0) == pytest.approx(0.0, abs=1e-300)


def test_nothing_is_said_outside_the_grid() -> None:
    assert by_powers(GRID, 3000 / GRID, 100.0) is None
    assert at_temperature(GRID, GRID, 500.0) is None
    assert by_powers(np.array([]), np.array([]), 300.0) is None


def test_neighbours_of_a_temperature_are_what_interpolation_needs() -> None:
    grid = np.array([100.0, 200.0, 300.0])
    assert around(grid, 200.0) == [1]
    assert around(grid, 250.0) == [1, 2]
    assert around(grid, 50.0) == around(grid, 400.0) == []
    assert around(grid[:1], 100.0) == [0]
