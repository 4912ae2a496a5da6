"""Phonons of springs against a dynamical matrix summed by hand, and the verdict on stability."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import constants

from screen.core.crystal import Crystal, FloatArray
from screen.core.records import ForceConstants, Phonons
from screen.core.settings import StabilitySettings
from screen.models._pair_tensors import pair_tensors
from screen.physics.phonons import acoustic_at_gamma, phonons_on_mesh
from tests.crystals import fcc, rocksalt
from tests.physics.analytic import SHORT, SPRINGS, exact_force_constants, without_stress

COPPER = 29
MASS = 63.546  # amu, IUPAC
A = float(without_stress(lambda a: fcc(a, COPPER), 3.4, 3.9, SHORT).lattice[0, 0])
FACES = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
PRIMITIVE = Crystal(A * FACES, [COPPER], [[0, 0, 0]])
# √(eV/Å²/amu) as an ordinary frequency in THz (CODATA through SciPy)
THZ = np.sqrt(constants.e * 1e20 / constants.atomic_mass) / (2 * np.pi * 1e12)


def shells() -> tuple[FloatArray, FloatArray]:
    """Lattice vectors within the cutoff and their second derivatives."""
    steps = np.array([n for n in product(range(-4, 5), repeat=3) if any(n)])
    vectors = steps @ PRIMITIVE.lattice
    cutoff = SHORT.potential.cutoff_of(PRIMITIVE)
    vectors = vectors[np.linalg.norm(vectors, axis=1) < cutoff]
    copper = np.full(len(vectors), COPPER)
    return vectors, pair_tensors(SHORT.potential, copper, copper, vectors)[0]


def dynamical_matrix(k: FloatArray) -> FloatArray:
    """D(k) = Σ_R φ(R) (1 − cos 2πk·R) / m for one atom per cell; k in 1/Å without 2π."""
    vectors, tensors = shells()
    weights = 1 - np.cos(2 * np.pi * vectors @ k)
    return np.einsum("r,rab->ab", weights, tensors) / MASS


def by_hand(q: FloatArray) -> FloatArray:
    """Frequencies (3,) THz at a fractional q-point of the primitive cell."""
    squares = np.linalg.eigvalsh(dynamical_matrix(q @ np.linalg.inv(PRIMITIVE.lattice).T))
    return np.sign(squares) * np.sqrt(np.abs(squares)) * THZ


def on_mesh(n: int, settings: StabilitySettings | None = None) -> Phonons:
    return phonons_on_mesh(exact(PRIMITIVE), (n, n, n), settings or StabilitySettings())


def exact(crystal: Crystal, n: int = 4) -> ForceConstants:
    """fc2 of n×n×n cells, wider than two cutoffs."""
    return exact_force_constants(crystal, (n, n, n), third_order=False, model=SHORT)


@pytest.fixture(scope="module")
def even() -> Phonons:
    return on_mesh(4)


@pytest.fixture(scope="module")
def odd() -> Phonons:
    return on_mesh(5)


def test_frequencies_equal_those_of_the_dynamical_matrix(even: Phonons, odd: Phonons) -> None:
    """Every point of two meshes; the units of phonopy and CODATA agree to 1e-7."""
    for phonons in (even, odd):
        for q, frequencies in zip(phonons.q, phonons.frequencies, strict=True):
            np.testing.assert_allclose(frequencies, by_hand(q), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize(("label", "k"), [("X", [1, 0, 0]), ("L", [0.5, 0.5, 0.5])])
def test_transverse_branches_are_degenerate_at_the_zone_border(
    label: str, k: list[float], even: Phonons
) -> None:
    """X and L in units of 1/a; on the mesh and at the label of the path."""
    squares = np.linalg.eigvalsh(dynamical_matrix(np.array(k) / A))
    expected = np.sqrt(squares) * THZ
    assert expected[0] == pytest.approx(expected[1])
    assert expected[2] > 1.2 * expected[0]
    position = even.bands.label_positions[even.bands.labels.index(label)]
    on_path = even.bands.frequencies[np.abs(even.bands.distances - position).argmin()]
    np.testing.assert_allclose(on_path, expected, rtol=1e-6)
    assert np.linalg.norm(even.frequencies - expected, axis=1).min() < 1e-5


def test_weights_count_every_point_of_the_mesh(even: Phonons, odd: Phonons) -> None:
    assert (even.weights.sum(), odd.weights.sum()) == (64, 125)
    assert even.mesh.tolist() == [4, 4, 4]


def test_acoustic_frequencies_vanish_at_gamma(even: Phonons) -> None:
    """Exact force constants: rounding of the squares, 1e-12 of 100 THz², gives 1e-5 THz."""
    assert np.linalg.norm(even.q[0]) == 0
    np.testing.assert_allclose(even.frequencies[0], 0, atol=1e-5)
    assert even.min_acoustic_gamma == even.frequencies[0].min()
    assert even.min_frequency == even.frequencies[1:].min()


def test_group_velocities_are_the_gradient_of_the_frequencies(odd: Phonons) -> None:
    """Central differences of the matrix by hand, 1e-5 1/Å; modes that cross are left out.

    The mesh of 5 has points without symmetry. Velocities are some 10 THz·Å; tolerance 1e-4.
    """
    step, compared = 1e-5, 0
    reciprocal = np.linalg.inv(PRIMITIVE.lattice).T
    for q, frequencies, velocities in zip(odd.q, odd.frequencies, odd.velocities, strict=True):
        if np.diff(frequencies).min() < 1e-3:
            continue
        compared += 1
        for axis in range(3):
            shift = step * np.linalg.solve(reciprocal.T, np.eye(3)[axis])
            slope = (by_hand(q + shift) - by_hand(q - shift)) / (2 * step)
            np.testing.assert_allclose(velocities[:, axis], slope, atol=1e-4)
    assert compared >= 2
    assert np.abs(odd.velocities).max() > 10


def test_the_path_of_an_fcc_crystal_is_the_standard_one(even: Phonons) -> None:
    """Setyawan and Curtarolo, Comput. Mater. Sci. 49, 299 (2010), as in seekpath."""
    bands = even.bands
    assert bands.labels == ("Γ", "X", "U|K", "Γ", "L", "W", "X")
    assert len(bands.labels) == len(bands.label_positions)
    assert bands.label_positions[0] == bands.distances[0] == 0
    assert bands.label_positions[-1] == bands.distances[-1]
    assert (np.diff(bands.distances) >= 0).all()
    at = dict(zip(bands.labels[:2], bands.label_positions[:2], strict=True))
    assert at["X"] == pytest.approx(1 / A)  # |ΓX| = 1/a, without 2π
    for q, frequencies in zip(bands.q[::17], bands.frequencies[::17], strict=True):
        np.testing.assert_allclose(frequencies, by_hand(q), rtol=1e-6, atol=1e-5)


def test_the_frequencies_do_not_depend_on_the_choice_of_the_cell(even: Phonons) -> None:
    """Conventional cell 3×3×3 against primitive cell 4×4×4: the same crystal."""
    phonons = phonons_on_mesh(exact(fcc(A, COPPER), 3), (4, 4, 4), StabilitySettings())
    np.testing.assert_allclose(
        np.sort(phonons.frequencies.ravel()),
        np.sort(even.frequencies.ravel()),
        rtol=1e-6,
        atol=1e-5,
    )


def test_a_stable_crystal_is_not_imaginary(even: Phonons, odd: Phonons) -> None:
    assert not even.imaginary
    assert not odd.imaginary


def test_simple_cubic_copper_is_imaginary_beyond_the_tolerance() -> None:
    """The plain springs, whose cutoff of 6.3 Å asks for 6×6×6 cells of 2.4 Å."""
    simple = without_stress(lambda a: Crystal(np.eye(3) * a, [COPPER], [[0, 0, 0]]), 2.2, 2.7)
    constants = exact_force_constants(simple, (6, 6, 6), third_order=False)
    phonons = phonons_on_mesh(constants, (2, 2, 2), StabilitySettings(tolerance=0.9))
    lowest = phonons.min_frequency
    assert phonons.imaginary
    assert lowest < -1
    assert abs(phonons.min_acoustic_gamma) < 1e-5  # the modes at Γ are still translations
    tolerated = StabilitySettings(tolerance=-lowest + 0.01)
    assert not phonons_on_mesh(constants, (2, 2, 2), tolerated).imaginary


def test_a_broken_sum_rule_shows_at_gamma() -> None:
    """Force constants without translational invariance: the uniform shift costs energy."""
    whole = exact(PRIMITIVE)
    fc2 = whole.fc2.copy()
    fc2[0, 0] -= 1e-3 * np.eye(3)  # eV/Å²
    broken = replace(whole, fc2=fc2)
    shift = -np.sqrt(1e-3 / MASS) * THZ
    phonons = phonons_on_mesh(broken, (2, 2, 2), StabilitySettings())
    assert phonons.min_acoustic_gamma == pytest.approx(shift, rel=1e-6)
    assert phonons.imaginary
    lenient = StabilitySettings(gamma_tolerance=-1.01 * shift)
    assert not phonons_on_mesh(broken, (2, 2, 2), lenient).imaginary


def test_acoustic_modes_at_gamma_are_the_smallest_in_size_not_in_value() -> None:
    """A soft optical mode below the acoustic ones must count as imaginary."""
    frequencies = np.array([[-3.0, -1e-4, 1e-4, 2e-4, 5.0, 6.0], [1.0, 2, 3, 4, 5, 6]])
    mask = acoustic_at_gamma(np.array([[0.0, 0, 0], [0.5, 0, 0]]), frequencies)
    assert mask[0].tolist() == [False, True, True, True, False, False]
    assert not mask[1].any()
    assert not acoustic_at_gamma(np.array([[0.1, 0, 0]]), frequencies[1:]).any()


def test_rocksalt_has_three_optical_branches_of_opposite_motion() -> None:
    """At Γ the optical frequency is √(K/μ), K the restoring force of one sublattice."""
    crystal = without_stress(lambda a: rocksalt(a, 37, 53), 7.0, 7.8)
    constants = exact_force_constants(crystal, (2, 2, 2), third_order=False)
    phonons = phonons_on_mesh(constants, (2, 2, 2), StabilitySettings())
    step = 1e-4
    moved = np.array(crystal.fractional)
    moved[:4, 0] += step / crystal.lattice[0, 0]
    displaced = Crystal(crystal.lattice, crystal.numbers, moved)
    stiffness = -SPRINGS.evaluate([displaced]).forces[0][0, 0] / step
    reduced = 85.4678 * 126.90447 / (85.4678 + 126.90447)  # Rb, I, IUPAC
    expected = np.sqrt(stiffness / reduced) * THZ
    # masses to six digits; the force of a finite step is good to 1e-5
    np.testing.assert_allclose(phonons.frequencies[0, 3:], expected, rtol=2e-5)
