"""Integration weights: exact cases, and phonopy's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from phonopy.phonon.tetrahedron_method import TetrahedronMethod

from screen.wigner.grid import Grid, build_grid
from screen.wigner.tetrahedron import vertex_weights
from tests.wigner.cases import prepared


@pytest.fixture(scope="module")
def grid() -> Grid:
    phono3py = prepared("Si-PBE", (6, 6, 6))
    phono3py.init_phph_interaction()
    return build_grid(phono3py.phph_interaction.bz_grid)


def weights(grid: Grid, values: np.ndarray, omega: float) -> torch.Tensor:
    around = torch.tensor(values[grid.neighbours(1)].T.copy())
    target = torch.full((grid.points,), omega, dtype=torch.float64)
    return vertex_weights(target, around, torch.tensor(grid.tetrahedra))


def test_a_cell_has_24_tetrahedra_with_15_vertices(grid: Grid) -> None:
    assert grid.tetrahedra.shape == (24, 3)
    assert grid.vertices.shape == (15, 3)
    assert not grid.vertices[0].any()


def test_the_density_of_states_integrates_to_one(grid: Grid) -> None:
    values = np.random.default_rng(1).uniform(1.0, 2.0, grid.points)
    omegas, step = np.linspace(0.95, 2.05, 2201, retstep=True)
    total = sum(float(weights(grid, values, omega).sum()) for omega in omegas) * step
    # 5e-4: trapezoidal rule on a piecewise quadratic with corners
    assert total / grid.points == pytest.approx(1, abs=5e-4)


def test_the_mean_of_a_linear_function_over_a_plane_is_exact(grid: Grid) -> None:
    # one tetrahedron star of a function linear in the address has density 1/|slope| inside
    slope = np.array([0.3, -0.2, 0.5])
    vertices = torch.tensor(grid.vertices @ slope).reshape(-1, 1)
    inside, step = np.linspace(-1.2, 1.2, 24001, retstep=True)
    star = vertex_weights(
        torch.tensor(inside), vertices.expand(-1, len(inside)), torch.tensor(grid.tetrahedra)
    )
    # the hat function around the centre has integral 1 and mean value 0
    assert float(star.sum()) * step == pytest.approx(1, abs=1e-6)
    assert float((star * torch.tensor(inside)).sum()) * step == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_weights_equal_those_of_phonopy(grid: Grid, ties: bool) -> None:
    rng = np.random.default_rng(2)
    reciprocal = np.linalg.inv(prepared("Si-PBE", (6, 6, 6)).primitive.cell)
    method = TetrahedronMethod(reciprocal)
    relative = method.tetrahedra  # (24, 4, 3), the centre among the four
    for _ in range(20):
        values = rng.uniform(0, 1, (5, 5, 5))
        if ties:
            values = np.round(values * 4) / 4
        method.set_tetrahedra_omegas(values[tuple((relative + 2).transpose(2, 0, 1))])
        around = torch.tensor(values[tuple((grid.vertices + 2).T)]).reshape(-1, 1)
        for omega in rng.choice(np.linspace(0, 1, 9), 4):
            method.run(np.array([omega]))
            ours = vertex_weights(torch.tensor([omega]), around, torch.tensor(grid.tetrahedra))
            expected = float(np.ravel(method.get_integration_weight())[0])
            assert float(ours[0]) == pytest.approx(expected, rel=1e-12, abs=1e-12)


def test_compiled_weights_equal_eager_ones(grid: Grid) -> None:
    kernels = pytest.importorskip("screen.wigner.kernels")
    rng = np.random.default_rng(3)
    values = np.round(rng.uniform(0, 1, (15, 128)) * 8) / 8 + rng.choice([0, 0.1], (15, 128))
    targets = rng.choice(np.linspace(0, 1, 9), 128)
    found = np.empty(128)
    kernels.weigh(128, targets, values, grid.tetrahedra, found)
    expected = vertex_weights(
        torch.tensor(targets), torch.tensor(values), torch.tensor(grid.tetrahedra)
    )
    np.testing.assert_allclose(found, expected.numpy(), rtol=1e-12, atol=1e-13)
