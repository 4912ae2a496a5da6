"""Bonds, pairs of bonds, and forces from the gradient by edges."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from screen.core.crystal import Crystal
from screen.core.settings import ModelSettings
from screen.models import springs
from screen.models._edges import bonds_of, pairs_of_edges, result_of
from screen.models._topology import Graphs, copies_of, graphs_of
from tests.crystals import rocksalt, wurtzite

CUTOFF = 5.0


def graphs() -> Graphs:
    """Two crystals: one in which atoms are neighbours of their own images, one that is not."""
    rng = np.random.default_rng(4)
    small, large = wurtzite(3.9, 6.3, 30, 16), rocksalt(5.6)
    moved = [
        Crystal(c.lattice, c.numbers, c.fractional + 0.01 * rng.standard_normal((len(c), 3)))
        for c in (small, large)
    ]
    return graphs_of(list(copies_of(moved, CUTOFF)), CUTOFF)


def test_a_bond_is_an_edge_and_the_one_back() -> None:
    two = graphs()
    bond, first = bonds_of(two.edge_index, two.shifts)
    assert len(first) == bond.max() + 1 == len(bond) / 2
    np.testing.assert_array_equal(bond[first], np.arange(len(first)))
    for edges in (np.flatnonzero(bond == number) for number in range(len(first))):
        there, back = edges
        np.testing.assert_array_equal(two.edge_index[:, there], two.edge_index[::-1, back])
        np.testing.assert_array_equal(two.shifts[there], -two.shifts[back])
        np.testing.assert_array_equal(two.vectors[there], -two.vectors[back])


def test_pairs_of_edges_are_all_ordered_pairs_at_each_atom() -> None:
    two = graphs()
    kept = np.flatnonzero(np.linalg.norm(two.vectors, axis=1) < 3.0)
    centers = two.edge_index[0]
    expected = {
        pair for atom in np.unique(centers) for pair in permutations(kept[centers[kept] == atom], 2)
    }
    left, right = pairs_of_edges(centers, kept)
    assert len(left) == len(expected) > 0
    assert set(zip(left, right, strict=True)) == expected
    assert np.all(np.diff(left) >= 0)


def test_no_edges_have_no_bonds_and_no_pairs() -> None:
    empty = np.zeros((2, 0), dtype=np.int64)
    bond, first = bonds_of(empty, np.zeros((0, 3)))
    assert len(bond) == len(first) == 0
    assert [len(side) for side in pairs_of_edges(empty[0], empty[0])] == [0, 0]


def test_the_gradient_by_edges_gives_forces_and_stress() -> None:
    """Springs written in torch against ``springs``, copper: tolerance is float64's rounding."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    positions = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    lattice = 3.6 * (np.eye(3) + 0.02 * rng.standard_normal((3, 3)))
    copper = Crystal(lattice, np.full(4, 29), positions + 0.02 * rng.standard_normal((4, 3)))
    force_field = springs.load(ModelSettings(family="springs"))
    cutoff = force_field.potential.cutoff_of(copper)
    joined = graphs_of(list(copies_of([copper, copper], cutoff)), cutoff)
    edges = {
        "vectors": torch.tensor(joined.vectors, requires_grad=True),
        "edge_index": torch.tensor(joined.edge_index),
        "crystal_of": torch.tensor(joined.crystal_of),
    }
    table = {
        name: float(getattr(force_field.potential, name)[29, 29])
        for name in ("repulsion", "repulsion_decay", "attraction", "attraction_decay", "size")
    }
    r = edges["vectors"].norm(dim=1)
    stretch = r - table["size"]
    well = table["repulsion"] * torch.exp(-table["repulsion_decay"] * stretch)
    well = well - table["attraction"] * torch.exp(-table["attraction_decay"] * stretch)
    x = ((r / cutoff - 0.75) / 0.25).clamp(min=0.0)
    switch = 1 - x**5 * (126 - 420 * x + 540 * x**2 - 315 * x**3 + 70 * x**4)
    owners = edges["crystal_of"][edges["edge_index"][0]]
    energies = torch.zeros(2, dtype=torch.float64).index_add(0, owners, well * switch / 2)
    result = result_of(joined, edges, energies)
    expected = force_field.evaluate([copper, copper])
    np.testing.assert_allclose(result[0], expected.energies, rtol=0, atol=1e-10)
    np.testing.assert_allclose(result[1], np.concatenate(expected.forces), rtol=0, atol=1e-10)
    np.testing.assert_allclose(result[2], expected.stresses, rtol=0, atol=1e-10)
