"""The springs: force constants and neighbours are exact, crystals are as stable as promised."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase.data import atomic_numbers
from scipy.optimize import brentq

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import EvaluationError, ModelUnavailableError
from screen.core.settings import ModelSettings
from screen.models import springs
from screen.models._pair_potential import PairPotential, derivatives, evaluate_pairs, find_pairs
from screen.models._pair_tensors import compute_fc2, compute_fc3, pair_tensors
from tests.crystals import FCC, fcc, rocksalt, wurtzite

POTENTIAL = springs.load(ModelSettings(family="springs")).potential


def at_equilibrium(make: Callable[[float], Crystal], guess: float) -> Crystal:
    """Return the cell without stress whose lattice constant is within 12 % of ``guess``."""

    def tension(a: float) -> float:
        return float(np.trace(evaluate_pairs(POTENTIAL, make(a))[2][0]))

    return make(brentq(tension, 0.88 * guess, 1.12 * guess, xtol=1e-12))


def zincblende(a: float, cation: int, anion: int) -> Crystal:
    positions = np.concatenate([FCC, FCC + 0.25])
    return Crystal(np.eye(3) * a, np.array([cation] * 4 + [anion] * 4), positions)


def supercell(crystal: Crystal, n: int) -> Crystal:
    offsets = np.array(list(product(range(n), repeat=3)))
    fractional = (crystal.fractional[None] + offsets[:, None]).reshape(-1, 3) / n
    return Crystal(crystal.lattice * n, np.tile(crystal.numbers, n**3), fractional)


def lowest_and_fourth_curvature(crystal: Crystal) -> tuple[float, float]:
    """Lowest and fourth eigenvalue of the second derivatives, eV/Å² (three are translations)."""
    n = len(crystal)
    hessian = compute_fc2(POTENTIAL, crystal).transpose(0, 2, 1, 3).reshape(3 * n, 3 * n)
    eigenvalues = np.linalg.eigvalsh(hessian)
    return eigenvalues[0], eigenvalues[3]


STABLE = {
    "fcc Ar": (lambda a: fcc(a, 18), 5.31),
    "fcc Cu": (lambda a: fcc(a, 29), 3.65),
    "rocksalt LiBr": (rocksalt, 5.89),
    "rocksalt MgO": (lambda a: rocksalt(a, 12, 8), 4.52),
    "zincblende ZnS": (lambda a: zincblende(a, 30, 16), 6.14),
    "zincblende GaAs": (lambda a: zincblende(a, 31, 33), 6.67),
}


@pytest.mark.parametrize(("make", "guess"), STABLE.values(), ids=STABLE)
def test_stable_crystals_are_stable(make: Callable[[float], Crystal], guess: float) -> None:
    crystal = at_equilibrium(make, guess)
    lowest, fourth = lowest_and_fourth_curvature(supercell(crystal, 2))
    assert lowest > -1e-9
    assert fourth > 1e-3


def test_simple_cubic_copper_is_unstable() -> None:
    crystal = at_equilibrium(lambda a: Crystal(np.eye(3) * a, [29], [[0, 0, 0]]), 2.38)
    lowest, _ = lowest_and_fourth_curvature(supercell(crystal, 3))
    assert lowest < -0.1


def test_two_atoms_follow_the_morse_potential() -> None:
    """V(s) = −D and V''(s) = 2 D α² below the switch (Girifalco and Weizer 1959)."""
    one = np.array([29])
    s, D, alpha = 2 * 1.433, 0.3429, 1.359
    value, slope, curvature, third = derivatives(POTENTIAL, one, one, np.array([s]), order=3)
    assert value[0] == pytest.approx(-D)
    assert slope[0] == pytest.approx(0.0, abs=1e-14)
    assert curvature[0] == pytest.approx(2 * D * alpha**2)
    assert third[0] == pytest.approx(-6 * D * alpha**3)


def test_radial_derivatives_are_consistent_and_smooth_through_the_cutoff() -> None:
    cutoff = 2.2 * 2 * 1.433
    r = np.linspace(2.0, 1.05 * cutoff, 4001)
    copper = np.full(len(r), 29)
    exact = derivatives(POTENTIAL, copper, copper, r, order=3)
    for order in range(3):
        numeric = np.gradient(exact[order], r, edge_order=2)
        np.testing.assert_allclose(numeric[1:-1], exact[order + 1][1:-1], atol=3e-4)
    np.testing.assert_array_equal(exact[:, r > cutoff], 0.0)


def test_pairs_equal_a_search_over_all_images() -> None:
    rng = np.random.default_rng(5)
    lattice = np.array([[3.1, 0.2, 0.0], [-1.4, 2.9, 0.3], [0.8, 1.1, 5.3]])
    crystal = Crystal(lattice, np.array([3, 35, 3]), rng.uniform(-2, 2, (3, 3)))
    cutoff = 5.0
    images = np.array(list(product(range(-8, 9), repeat=3))) @ lattice
    separation = crystal.positions[None] - crystal.positions[:, None]
    distances = np.linalg.norm(separation[:, :, None] + images, axis=-1).ravel()
    expected = np.sort(distances[(distances < cutoff) & (distances > 1e-9)])
    pairs = find_pairs(crystal, cutoff)
    np.testing.assert_allclose(np.sort(np.repeat(pairs.distances, 2)), expected, atol=1e-12)


def _crowded() -> Crystal:
    """A small, low-symmetry cell in which atoms interact with many images of one another."""
    rng = np.random.default_rng(2)
    crystal = wurtzite(3.9, 6.3, 30, 16)
    shifted = crystal.fractional + 0.02 * rng.standard_normal((4, 3))
    return Crystal(crystal.lattice, crystal.numbers, shifted)


def _moved(crystal: Crystal, atom: int, axis: int, step: float) -> Crystal:
    positions = np.array(crystal.positions)
    positions[atom, axis] += step
    return Crystal(crystal.lattice, crystal.numbers, positions @ np.linalg.inv(crystal.lattice))


def _central(function: Callable[[Crystal], FloatArray], crystal: Crystal) -> FloatArray:
    """Derivative of ``function`` by all positions, (n_atoms, 3, ...), error O(step⁴)."""
    h = 2e-3
    rows = []
    for atom, axis in product(range(len(crystal)), range(3)):
        near, far = (
            function(_moved(crystal, atom, axis, k * h))
            - function(_moved(crystal, atom, axis, -k * h))
            for k in (1, 2)
        )
        rows.append((8 * near - far) / (12 * h))
    return np.array(rows).reshape((len(crystal), 3, *rows[0].shape))


def test_fc2_is_the_derivative_of_the_forces() -> None:
    crystal = _crowded()
    numeric = -_central(lambda cell: evaluate_pairs(POTENTIAL, cell)[1], crystal)  # (i, a, j, b)
    exact = compute_fc2(POTENTIAL, crystal)
    np.testing.assert_allclose(numeric.transpose(0, 2, 1, 3), exact, atol=1e-8)


def test_fc3_is_the_derivative_of_fc2() -> None:
    crystal = _crowded()
    numeric = _central(lambda cell: compute_fc2(POTENTIAL, cell), crystal)  # (i, a, j, k, b, c)
    exact = compute_fc3(POTENTIAL, crystal)
    np.testing.assert_allclose(numeric.transpose(0, 2, 3, 1, 4, 5), exact, atol=1e-7)


def test_force_constants_obey_the_acoustic_sum_rule() -> None:
    crystal = _crowded()
    np.testing.assert_allclose(compute_fc2(POTENTIAL, crystal).sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(compute_fc3(POTENTIAL, crystal).sum(axis=2), 0.0, atol=1e-11)


def test_pair_tensors_point_along_the_bond_for_a_relaxed_spring() -> None:
    """At V' = 0 the second derivative is V'' n⊗n, without transverse part."""
    s = 2 * 1.433
    copper = np.array([29])
    second, _ = pair_tensors(POTENTIAL, copper, copper, np.array([[s, 0.0, 0.0]]))
    expected = np.zeros((3, 3))
    expected[0, 0] = 2 * 0.3429 * 1.359**2
    np.testing.assert_allclose(second[0], expected, atol=1e-12)


def test_two_atoms_at_one_place_are_an_evaluation_error() -> None:
    force_field = springs.load(ModelSettings(family="springs"))
    crystal = Crystal(np.eye(3) * 5, np.array([3, 35]), np.zeros((2, 3)))
    with pytest.raises(EvaluationError, match=r"not finite for LiBr \(2 atoms"):
        force_field.evaluate([crystal])


def test_soft_springs_scale_all_energies() -> None:
    soft = springs.load(ModelSettings(family="springs", name="springs-soft"))
    ordinary = springs.load(ModelSettings(family="springs"))
    crystal = _crowded()
    np.testing.assert_allclose(
        soft.evaluate([crystal]).forces[0], 0.7 * ordinary.evaluate([crystal]).forces[0]
    )


def _write(path: Path, content: dict[str, object]) -> ModelSettings:
    path.write_text(json.dumps(content), encoding="utf-8")
    return ModelSettings(family="springs", weights=path)


def test_parameters_come_from_a_json_file(tmp_path: Path) -> None:
    settings = _write(tmp_path / "argon.json", {"species": {"Ar": {"radius": 1.91}}})
    assert springs.load(settings).elements == {"Ar"}
    identity = springs.identify(settings)
    assert identity.name == "argon"
    other = _write(tmp_path / "argon.json", {"species": {"Ar": {"radius": 1.92}}})
    assert springs.identify(other).weights_digest != identity.weights_digest


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"species": {}}, "at least 1 item"),
        ({"species": {"Ar": {"radius": -1}}}, "greater than 0"),
        ({"species": {"Ar": {"radius": 1, "colour": 2}}}, "colour"),
        ({"species": {"Qq": {"radius": 1}}}, "no such elements: Qq"),
    ],
    ids=["empty", "negative", "unknown key", "unknown element"],
)
def test_wrong_parameters_are_explained(
    tmp_path: Path, content: dict[str, object], complaint: str
) -> None:
    settings = _write(tmp_path / "wrong.json", content)
    with pytest.raises(ModelUnavailableError, match=rf"wrong\.json(.|\n)*{complaint}"):
        springs.load(settings)


def test_every_pair_of_elements_has_symmetric_parameters() -> None:
    numbers = [atomic_numbers[s] for s in springs.load(ModelSettings(family="springs")).elements]
    assert isinstance(POTENTIAL, PairPotential)
    for table in (POTENTIAL.repulsion, POTENTIAL.attraction, POTENTIAL.size, POTENTIAL.cutoffs):
        np.testing.assert_array_equal(table, table.T)
    assert POTENTIAL.cutoffs[np.ix_(numbers, numbers)].min() > 0
