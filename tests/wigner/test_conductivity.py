"""κ against phono3py, its symmetries, and the solver's errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from screen.core.errors import TransportError
from screen.core.pairs import degenerate_pairs
from screen.core.settings import ConductivitySettings
from screen.solvers import phono3py as reference_solver
from screen.solvers import wigner
from screen.wigner.engine import PHONO3PY
from screen.wigner.velocity import Operator
from tests.wigner.cases import (
    DIAGONALS,
    TEMPERATURES,
    by_phono3py,
    constants,
    prepared,
    relabelled,
    rotated,
    solved,
)

MESHES = [("Si-PBE", (9, 9, 9)), ("NaCl-rd", (7, 7, 7)), ("AlN-LDA", (7, 7, 5))]
SETTINGS = ConductivitySettings()


def diagonal(tensors: np.ndarray) -> np.ndarray:
    return tensors[:, DIAGONALS[0], DIAGONALS[1]]


@pytest.mark.parametrize(("name", "mesh"), MESHES)
def test_conductivity_equals_the_reference_solver(name: str, mesh: tuple[int, int, int]) -> None:
    """With phono3py's conventions, phono3py as it is.

    1e-5: which eigenvectors phono3py takes inside degenerate sets on the zone's surface; its own C
    and Rust backends differ by 6e-6 (Si 19×19×19).
    """
    theirs = reference_solver.solve(constants(name), mesh, TEMPERATURES, SETTINGS)
    found = solved(name, mesh, PHONO3PY)
    transport = found.transport
    np.testing.assert_allclose(diagonal(transport.kappa_p), diagonal(theirs.kappa_p), rtol=1e-5)
    np.testing.assert_allclose(diagonal(transport.kappa_c), diagonal(theirs.kappa_c), rtol=1e-5)
    np.testing.assert_array_equal(found.grid.weights, theirs.weights)
    np.testing.assert_allclose(found.grid.q[found.grid.irreducible], theirs.q, atol=1e-12)
    np.testing.assert_allclose(found.frequencies, theirs.frequencies, atol=1e-9)
    scale = theirs.mode_kappa.max()
    np.testing.assert_allclose(transport.mode_kappa, theirs.mode_kappa, atol=1e-4 * scale)


@pytest.mark.parametrize(("name", "mesh"), [*MESHES, ("NaCl-rd:wang", (7, 7, 7))])
def test_the_smm19_variant_is_that_of_phono3py(name: str, mesh: tuple[int, int, int]) -> None:
    # 1e-8: from the same phonons at all images of q nothing but rounding remains
    theirs = by_phono3py(prepared(name, mesh), independent=False)
    assert_as_phono3py(theirs, name, mesh, "smm19", 1e-8)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (19, 19, 19)), ("AlN-LDA", (19, 19, 15))])
def test_conductivity_is_that_of_phono3py_on_benchmark_meshes(
    name: str, mesh: tuple[int, int, int]
) -> None:
    """phono3py as it is takes 2.5 and 10.5 minutes of one core."""
    theirs = by_phono3py(prepared(name, mesh), independent=False, shared=False)
    for operator in ("smm19", "wigner"):
        assert_as_phono3py(theirs, name, mesh, operator, 1e-5)


def assert_as_phono3py(
    theirs: Any, name: str, mesh: tuple[int, int, int], operator: Operator, tolerance: float
) -> None:
    """κ_P and κ_C each; their pairs of bands are SMM19's."""
    f = np.array(theirs.frequencies)
    pairs = np.array(theirs.mode_kappa_matrix[0])[..., :3] / np.prod(mesh)
    if operator == "wigner":
        pairs *= reference_solver.wigner_factor(f)[..., None]
    populations = degenerate_pairs(f)
    ours = solved(name, mesh, replace(PHONO3PY, operator=operator)).transport
    for found, chosen in ((ours.kappa_p, populations), (ours.kappa_c, ~populations)):
        np.testing.assert_allclose(
            diagonal(found), pairs[:, chosen].sum(axis=1), rtol=tolerance, err_msg=operator
        )


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (5, 5, 5)), ("AlN-LDA", (5, 5, 4))])
def test_conductivity_is_symmetric_and_positive(name: str, mesh: tuple[int, int, int]) -> None:
    found = wigner.solve(constants(name), mesh, TEMPERATURES, SETTINGS)
    for kappa in (*found.kappa_p, *found.kappa_c):
        np.testing.assert_array_equal(kappa, kappa.T)
        assert np.linalg.eigvalsh(kappa).min() > -1e-10
    total = diagonal(found.kappa_p + found.kappa_c).mean(axis=1)
    share = found.mode_kappa.sum(axis=(1, 2)) / found.weights.sum()
    np.testing.assert_allclose(share, total, rtol=1e-10)


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (5, 5, 5)), ("AlN-LDA", (4, 4, 3))])
def test_a_turned_crystal_has_the_turned_conductivity(
    name: str, mesh: tuple[int, int, int]
) -> None:
    turn = Rotation.from_rotvec([0.3, -0.7, 0.4]).as_matrix()
    given = solved(name, mesh).transport
    found = solved(rotated(constants(name), turn), mesh).transport
    for before, after in ((given.kappa_p, found.kappa_p), (given.kappa_c, found.kappa_c)):
        scale = np.abs(before).max(axis=(1, 2), keepdims=True)
        expected = np.einsum("ax,by,txy->tab", turn, turn, before)
        np.testing.assert_allclose(after / scale, expected / scale, atol=1e-6)


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (5, 5, 5)), ("AlN-LDA", (4, 4, 3))])
def test_the_order_of_atoms_does_not_matter(name: str, mesh: tuple[int, int, int]) -> None:
    given = constants(name)
    order = np.random.default_rng(5).permutation(len(given.unitcell.numbers))
    assert_same(solved(name, mesh), solved(relabelled(given, order, np.eye(3)), mesh))


def test_the_choice_of_the_primitive_cell_does_not_matter() -> None:
    # b₁..b₃ and −(b₁+b₂+b₃) are equivalent in fcc: any three of them span the lattice
    basis = np.linalg.inv(np.array([[0.0, 1, -1], [1, 0, -1], [0, 0, -1]])).T
    given = constants("Si-PBE")
    order = np.arange(len(given.unitcell.numbers))
    assert_same(solved("Si-PBE", (5, 5, 5)), solved(relabelled(given, order, basis), (5, 5, 5)))


def assert_same(one: object, other: object) -> None:
    for part in ("kappa_p", "kappa_c"):
        before, after = getattr(one.transport, part), getattr(other.transport, part)  # type: ignore[attr-defined]
        np.testing.assert_allclose(diagonal(after), diagonal(before), rtol=1e-6)


def test_a_harmonic_crystal_is_refused() -> None:
    given = constants("Si-PBE")
    harmonic = replace(given, fc3=np.zeros_like(given.fc3))
    with pytest.raises(TransportError, match="harmonic") as caught:
        wigner.solve(harmonic, (3, 3, 3), (300.0,), SETTINGS)
    assert caught.value.kind == "harmonic"


def test_missing_third_order_force_constants_are_refused() -> None:
    with pytest.raises(TransportError, match="fc3 is missing"):
        wigner.solve(replace(constants("Si-PBE"), fc3=None), (3, 3, 3), (300.0,), SETTINGS)


def test_the_record_says_who_made_it() -> None:
    found = wigner.solve(constants("NaCl-rd"), (3, 3, 3), (300.0,), SETTINGS)
    assert (found.solver, found.nac, found.isotopes) == ("wigner", True, True)
    assert found.linewidths.shape == (1, len(found.weights), 6)
