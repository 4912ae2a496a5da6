"""Irreducible points and triplets against phono3py; meshes that are refused."""

from __future__ import annotations

import numpy as np
import pytest

from screen.core.errors import TransportError
from screen.wigner.grid import build_grid, find_triplets
from tests.wigner.cases import prepared


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (7, 7, 7)), ("AlN-LDA", (6, 6, 5))])
def test_triplets_and_weights_are_those_of_phono3py(name: str, mesh: tuple[int, int, int]) -> None:
    phono3py = prepared(name, mesh)
    phono3py.init_phph_interaction()
    interaction = phono3py.phph_interaction
    grid = build_grid(interaction.bz_grid)
    for point in grid.irreducible:
        interaction.set_grid_point(grid.bz[point])
        triplets, weights, _, _ = interaction.get_triplets_at_q()
        expected = np.array(interaction.bz_grid.bzg2grg)[triplets]
        found = find_triplets(grid, point)
        np.testing.assert_array_equal(found.first, expected[:, 1])
        np.testing.assert_array_equal(found.second, expected[:, 2])
        np.testing.assert_array_equal(found.weights, weights)
        assert found.weights.sum() == grid.points


def test_triplets_conserve_momentum_and_begin_with_the_lowest_point() -> None:
    phono3py = prepared("Si-PBE", (7, 7, 7))
    phono3py.init_phph_interaction()
    grid = build_grid(phono3py.phph_interaction.bz_grid)
    for point in grid.irreducible:
        found = find_triplets(grid, point)
        total = grid.addresses[point] + grid.addresses[found.first] + grid.addresses[found.second]
        assert not (total % 7).any()
        # the engine's Fourier sums rely on it
        assert (np.diff(found.first) > 0).all()
        assert (found.first <= found.second).all()


def test_a_generalised_grid_is_refused_with_a_way_out() -> None:
    phono3py = prepared("Si-PBE", (3, 3, 3))
    phono3py.set_mesh_numbers(30.0, use_grg=True) if hasattr(phono3py, "set_mesh_numbers") else None
    from phonopy.phonon.grid import BZGrid

    bz_grid = BZGrid(
        [[-3, 3, 3], [3, -3, 3], [3, 3, -3]],
        lattice=phono3py.primitive.cell,
        symmetry_dataset=phono3py.primitive_symmetry.dataset,
        use_grg=True,
        force_SNF=True,
    )
    with pytest.raises(TransportError, match="phono3py") as caught:
        build_grid(bz_grid)
    assert caught.value.kind == "generalised_grid"
