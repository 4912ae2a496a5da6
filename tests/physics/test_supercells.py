"""Supercells by minimum image length."""

import numpy as np
import pytest

from screen.core.errors import DisplacementError
from screen.core.records import Hints
from screen.core.settings import DisplacementSettings, protocol_named
from screen.physics.supercells import diagonal_supercell, shortest_vector, supercell_matrices
from tests.crystals import rocksalt, wurtzite


def test_a_cube_takes_the_smallest_multiple_that_reaches_the_length() -> None:
    assert np.diag(diagonal_supercell(np.eye(3) * 5.5, 11.0)).tolist() == [2, 2, 2]
    assert np.diag(diagonal_supercell(np.eye(3) * 5.5, 11.1)).tolist() == [3, 3, 3]


def test_a_hexagonal_cell_is_not_enlarged_for_its_lower_height() -> None:
    """Heights across the basal axes are a √3/2, but the shortest vector is a itself."""
    lattice = wurtzite(3.2, 5.2, 31, 7).lattice
    assert np.diag(diagonal_supercell(lattice, 9.6)).tolist() == [3, 3, 2]


def test_equal_axes_get_equal_multiples_in_a_skewed_cell() -> None:
    rhombohedral = np.array([[4.0, 1.0, 1.0], [1.0, 4.0, 1.0], [1.0, 1.0, 4.0]])
    multiples = np.diag(diagonal_supercell(rhombohedral, 12.0))
    assert len(set(multiples.tolist())) == 1
    assert shortest_vector(multiples[:, None] * rhombohedral) >= 12.0


@pytest.mark.parametrize("seed", range(20))
def test_the_minimum_image_is_reached_and_no_axis_can_shrink(seed: int) -> None:
    lattice = np.random.default_rng(seed).normal(scale=3, size=(3, 3)) + 4 * np.eye(3)
    if abs(np.linalg.det(lattice)) < 20:
        pytest.skip("nearly flat random cell")
    multiples = np.diag(diagonal_supercell(lattice, 9.0))
    assert shortest_vector(multiples[:, None] * lattice) >= 9.0
    for axis in range(3):
        smaller = multiples - np.eye(3, dtype=int)[axis]
        if smaller.min() >= 1:
            assert shortest_vector(smaller[:, None] * lattice) < 9.0


def test_the_benchmark_protocol_refuses_a_crystal_without_supercells() -> None:
    with pytest.raises(DisplacementError, match="minimum_image"):
        supercell_matrices(rocksalt(), Hints(), protocol_named("ksrme-2024").displacements)


def test_hints_are_taken_as_they_are() -> None:
    hints = Hints(np.diag([4, 4, 4]), np.diag([2, 2, 2]))
    fc2, fc3 = supercell_matrices(rocksalt(), hints, DisplacementSettings(supercells="hints"))
    assert np.diag(fc2).tolist() == [4, 4, 4]
    assert np.diag(fc3).tolist() == [2, 2, 2]
