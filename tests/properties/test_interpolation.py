"""Conductivities between grid points."""

import numpy as np
import pytest

from screen.properties._rows import at_temperature, conductivity_at

GRID = np.array([200.0, 400.0])


def test_a_conductivity_that_falls_as_one_over_temperature_is_interpolated_exactly() -> None:
    assert conductivity_at(GRID, 3000 / GRID, 300.0) == pytest.approx(10.0)


def test_a_vanishing_coherence_part_stays_zero() -> None:
    assert conductivity_at(GRID, np.zeros(2), 300.0) == pytest.approx(0.0, abs=1e-300)


def test_nothing_is_said_outside_the_grid() -> None:
    assert conductivity_at(GRID, 3000 / GRID, 100.0) is None
    assert at_temperature(GRID, GRID, 500.0) is None
