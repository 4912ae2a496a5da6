"""Shared neighbour lists give each crystal the neighbours that a list of its own would."""

from __future__ import annotations

import numpy as np
import pytest
from ase.neighborlist import primitive_neighbor_list

from screen.core.crystal import Crystal
from screen.models._topology import LARGEST_DISPLACEMENT, Graphs, copies_of, graphs_of
from tests.crystals import rocksalt, wurtzite

CUTOFF = 5.0  # Å


def moved(crystal: Crystal, distance: float, seed: int) -> Crystal:
    """Move each atom by ``distance`` (Å) in a random direction."""
    steps = np.random.default_rng(seed).standard_normal((len(crystal), 3))
    steps *= distance / np.linalg.norm(steps, axis=1)[:, None]
    inverse = np.linalg.inv(crystal.lattice)
    return Crystal(crystal.lattice, crystal.numbers, crystal.fractional + steps @ inverse)


CRYSTALS = {
    "smaller than the cutoff": moved(rocksalt(4.1), 0.05, 1),
    "hexagonal": moved(wurtzite(3.25, 5.2, 30, 8), 0.05, 2),
    "skewed": Crystal(
        np.array([[3.0, 0, 0], [6.0, 3.0, 0], [-7.0, 4.0, 3.1]]),
        np.array([3, 9]),
        np.array([[0.1, 0.2, 0.3], [0.7, 0.4, 0.9]]),
    ),
    "left-handed": Crystal(
        np.array([[0, 4.1, 0.2], [4.0, 0, 0], [0, 0.3, 4.3]]),
        np.array([3, 9]),
        np.array([[0.01, 0.02, 0.03], [0.52, 0.48, 0.51]]),
    ),
    "atoms outside of the cell": Crystal(
        np.diag([3.1, 4.2, 12.0]),
        np.array([3, 9, 9]),
        np.array([[-3.3, 2.7, 0.9], [5.01, -8.2, 0.1], [0.2, 0.3, 7.4]]),
    ),
    "free atom": Crystal(np.eye(3) * 40.0, np.array([8]), np.zeros((1, 3))),
}


def neighbours(edge_index: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Rows (i, j, x, y, z) in an order that depends on nothing but their values."""
    rows = np.column_stack((edge_index.T, vectors))
    return rows[np.lexsort(np.round(rows, 6).T[::-1])]


def expected(crystal: Crystal) -> np.ndarray:
    i, j, vectors = primitive_neighbor_list(
        "ijD", [True] * 3, crystal.lattice, crystal.positions, CUTOFF
    )
    return neighbours(np.array([i, j]), vectors)


def parts(graphs: Graphs) -> list[np.ndarray]:
    """Neighbours of each crystal, its atoms counted from 0."""
    owner = graphs.crystal_of[graphs.edge_index[0]]
    return [
        neighbours(graphs.edge_index[:, owner == k] - graphs.first[k], graphs.vectors[owner == k])
        for k in range(len(graphs.lattices))
    ]


def assert_graphs(crystals: list[Crystal]) -> None:
    graphs = graphs_of(list(copies_of(crystals, CUTOFF)), CUTOFF)
    np.testing.assert_array_equal(np.diff(graphs.first), [len(c) for c in crystals])
    np.testing.assert_array_equal(graphs.numbers, np.concatenate([c.numbers for c in crystals]))
    for crystal, part in zip(crystals, parts(graphs), strict=True):
        np.testing.assert_allclose(part, expected(crystal), rtol=0, atol=1e-12)
    i, j = graphs.edge_index
    assert (graphs.crystal_of[i] == graphs.crystal_of[j]).all()
    shifts = np.einsum("ea,eab->eb", graphs.shifts, graphs.lattices[graphs.crystal_of[i]])
    spanned = graphs.positions[j] - graphs.positions[i] + shifts
    np.testing.assert_allclose(spanned, graphs.vectors, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", CRYSTALS)
def test_neighbours_are_those_that_ase_finds(name: str) -> None:
    assert_graphs([CRYSTALS[name]])


def test_unequal_crystals_keep_their_own_neighbours() -> None:
    assert_graphs([*CRYSTALS.values(), rocksalt(), CRYSTALS["skewed"]])


@pytest.mark.parametrize("distance", [0.03, 0.4], ids=["phonons", "almost too far"])
def test_displaced_copies_share_a_list_and_keep_their_own_neighbours(distance: float) -> None:
    crystals = [moved(wurtzite(3.25, 5.2, 30, 8), distance / 2, seed) for seed in range(6)]
    copies = list(copies_of(crystals, CUTOFF))
    assert len({id(copy.topology) for copy in copies}) == 1
    assert_graphs(crystals)


def test_several_copies_of_several_crystals_keep_their_own_neighbours() -> None:
    crystals = [
        moved(CRYSTALS[name], 0.02, seed)
        for name in ("hexagonal", "skewed", "left-handed")
        for seed in range(3)
    ]
    assert_graphs(crystals)


def test_two_atoms_that_both_move_towards_each_other_are_neighbours() -> None:
    """1.5 d beyond the cutoff in the mean, 0.5 d within in one copy: each moves by d."""
    distance, box = 0.2, 40.0
    crystals = [
        Crystal(
            np.eye(3) * box,
            np.array([8, 8]),
            np.array([[sign * distance, 0, 0], [CUTOFF + (1.5 - sign) * distance, 0, 0]]) / box,
        )
        for sign in (1.0, -1.0)
    ]
    near, far = parts(graphs_of(list(copies_of(crystals, CUTOFF)), CUTOFF))
    assert (len(near), len(far)) == (2, 0)


def test_a_copy_whose_atoms_went_around_the_cell_shares_the_list() -> None:
    crystal = moved(rocksalt(), 0.03, 5)
    around = Crystal(crystal.lattice, crystal.numbers, crystal.fractional % 1.0 - [0, 2, 1])
    one, two = copies_of([rocksalt(), around], CUTOFF)
    assert one.topology is two.topology
    assert_graphs([rocksalt(), around])


def test_crystals_that_are_no_copies_have_lists_of_their_own() -> None:
    far = moved(rocksalt(), 1.2 * LARGEST_DISPLACEMENT, 3)
    others = [rocksalt(5.51), rocksalt(5.5, 11), far]
    crystals = [rocksalt(), *others, rocksalt()]
    copies = list(copies_of(crystals, CUTOFF))
    assert len({id(copy.topology) for copy in copies}) == len(crystals)
    assert_graphs(crystals)


def test_no_crystals_give_no_copies() -> None:
    assert list(copies_of([], CUTOFF)) == []


def test_atoms_at_one_place_are_neighbours_at_no_distance() -> None:
    """So that a potential gives no finite energy and the crystal is refused."""
    crystal = Crystal(np.eye(3) * 9.0, np.array([3, 3]), np.zeros((2, 3)))
    graphs = graphs_of(list(copies_of([crystal], CUTOFF)), CUTOFF)
    assert graphs.edge_index.tolist() == [[0, 1], [1, 0]]
    assert not graphs.vectors.any()
