"""Mode Grüneisen parameters against phono3py's own, on DFT force constants."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from phono3py.phonon3.gruneisen import Gruneisen
from phonopy.harmonic.dynamical_matrix import get_dynamical_matrix

from screen.core.crystal import FloatArray, IntArray
from screen.core.errors import ExpansionError
from screen.core.records import ForceConstants
from screen.physics.convert import to_nac_params
from screen.physics.displacements import restored
from screen.physics.expansion import mode_heat_capacity, thermal_expansion
from screen.physics.gruneisen import (
    compact,
    internal_strain,
    mode_gruneisen,
    projected,
    third_order_derivative,
)
from screen.physics.phonons import harmonic_lattice
from tests.physics.test_expansion_against_strained_cells import cubic
from tests.shared import dft_force_constants

GAMMA = [0.0, 0, 0]
HIGH_SYMMETRY = [[0.5, 0, 0], [0.5, 0.5, 0], [0, 0, 0.5], [1 / 3, 1 / 3, 0]]
GENERIC = [[0.1, 0.2, 0.3], [0.25, 0.1, 0]]
NEAR_GAMMA = [[0.01, 0, 0], [0, 0, 0.01], [0.01, 0.004, 0.007]]
Q = np.array([GAMMA, *HIGH_SYMMETRY, *GENERIC, *NEAR_GAMMA])


@cache
def dft(name: str) -> ForceConstants:
    return dft_force_constants(name)


@cache
def of_one_supercell(name: str) -> ForceConstants:
    """fc2 summed over the images of the fc3 supercell: phono3py's class has one supercell."""
    constants = dft(name)
    if np.array_equal(constants.fc2_supercell, constants.fc3_supercell):
        return constants
    phono3py = restored(constants)
    large, small = phono3py.phonon_supercell, phono3py.supercell
    starts = (phono3py.phonon_primitive.p2s_map, phono3py.primitive.p2s_map)
    rows = compact(constants.fc2, phono3py.phonon_primitive)
    fc2 = np.zeros((len(rows), len(small), 3, 3))
    for row, (there, here) in enumerate(zip(*starts, strict=True)):
        moved = large.positions - large.positions[there] + small.positions[here]
        apart = (moved[:, None] - small.positions) @ np.linalg.inv(small.cell)
        distances = np.linalg.norm((apart - np.round(apart)) @ small.cell, axis=2)
        assert distances.min(axis=1).max() < 1e-4
        np.add.at(fc2[row], distances.argmin(axis=1), rows[row])
    return replace(constants, fc2=fc2, fc2_supercell=constants.fc3_supercell)


def without_nac(constants: ForceConstants) -> ForceConstants:
    return replace(constants, nac=None)


def of_phono3py(constants: ForceConstants, clamped: bool) -> Gruneisen:
    """Both force constants of one supercell; without a direction NAC is left out at Γ, as ours."""
    phono3py = restored(constants)
    nac = None if constants.nac is None else to_nac_params(constants.nac)
    return Gruneisen(
        constants.fc2,
        constants.fc3,
        phono3py.supercell,
        phono3py.primitive,
        nac_params=nac,
        ion_clamped=clamped,
    )


def of_ours(constants: ForceConstants, clamped: bool) -> tuple[FloatArray, FloatArray]:
    phonopy = harmonic_lattice(constants)
    response = internal_strain(phonopy)
    if clamped:
        response = np.zeros_like(response)
    return projected([third_order_derivative(constants, response)], phonopy, Q)


def degenerate_sets(frequencies: FloatArray, q: FloatArray) -> Iterator[IntArray]:
    """Modes closer than 1e-4 THz; the acoustic modes at Γ have no γ."""
    start = 3 if np.abs(q).max() == 0 else 0
    borders = np.flatnonzero(np.diff(frequencies[start:]) > 1e-4) + 1
    yield from np.split(np.arange(start, len(frequencies)), borders)


def assert_equal_those_of(theirs: Gruneisen, frequencies: FloatArray, ours: FloatArray) -> None:
    """Compare each mode, of a degenerate set the sum: inside it the eigenvectors are arbitrary.

    phono3py 4.10; same formula, other sums: at most 4e-10 of the largest component was seen (AlN
    near Γ with NAC), tolerance 1e-8. Frequencies to 1e-10 THz.
    """
    theirs.set_qpoints(Q)
    theirs.run()
    for index, q in enumerate(Q):
        for members in degenerate_sets(frequencies[index], q):
            np.testing.assert_allclose(
                frequencies[index, members], theirs.frequencies[index, members], atol=1e-10
            )
            expected = theirs.gruneisen_parameters[index, members].sum(axis=0)
            found = ours[index, members].sum(axis=0)
            assert np.abs(found - expected).max() < 1e-8 * np.abs(expected).max()


@pytest.mark.parametrize("clamped", [False, True], ids=["relaxed", "clamped"])
@pytest.mark.parametrize(
    ("name", "nac"),
    [
        ("Si-PBE", False),
        ("NaCl-rd", False),
        ("NaCl-rd", True),
        ("AlN-LDA", False),
        ("AlN-LDA", True),
    ],
)
def test_tensors_of_every_mode_equal_those_of_phono3py(name: str, nac: bool, clamped: bool) -> None:
    """All nine components at Γ, high-symmetry, generic and near-Γ points."""
    constants = of_one_supercell(name)
    if not nac:
        constants = without_nac(constants)
    assert_equal_those_of(of_phono3py(constants, clamped), *of_ours(constants, clamped))


@pytest.mark.slow
def test_harmonic_force_constants_may_have_a_larger_supercell() -> None:
    """NaCl as it is distributed: fc2 of 512 atoms, fc3 of 64, for which phono3py has no route.

    Its class gets the dynamical matrix of the large supercell; its ions need no response.
    """
    constants = dft("NaCl-rd")
    phonopy = harmonic_lattice(constants)
    theirs = of_phono3py(of_one_supercell("NaCl-rd"), clamped=True)
    theirs._dm = get_dynamical_matrix(
        phonopy.force_constants, phonopy.supercell, phonopy.primitive, nac_params=phonopy.nac_params
    )
    assert_equal_those_of(theirs, *of_ours(constants, clamped=False))


def test_relaxed_ions_matter_where_symmetry_leaves_them_free() -> None:
    """tr γ/3 of a mode changes by 0.75 in wurtzite AlN; diamond responds to shear only, NaCl not.

    Where symmetry forbids a response, it is that of the last digits of fc2: below 1e-10 Å.
    """
    responses = {
        name: internal_strain(harmonic_lattice(of_one_supercell(name)))
        for name in ("Si-PBE", "NaCl-rd")
    }
    under_pressure = np.trace(responses["Si-PBE"], axis1=2, axis2=3)
    assert np.abs(responses["Si-PBE"]).max() > 0.1
    assert np.abs(under_pressure).max() < 1e-10
    assert np.abs(responses["NaCl-rd"]).max() < 1e-10
    (_, relaxed), (_, clamped) = (of_ours(dft("AlN-LDA"), ions) for ions in (False, True))
    assert np.abs(np.trace(relaxed - clamped, axis1=2, axis2=3) / 3).max() > 0.5


def test_a_longitudinal_optical_mode_has_the_transverse_perturbation_near_gamma() -> None:
    """ω_LO² γ_LO = ω_TO² γ_TO for q → 0: NAC is in ω and e, not in ∂D/∂u (as in phono3py).

    At q = 0.001 the rest is of order q²: 1e-5.
    """
    constants = of_one_supercell("NaCl-rd")
    w, tensors = mode_gruneisen(constants, harmonic_lattice(constants), np.array([[0.001, 0, 0]]))
    change = w[0] ** 2 * np.trace(tensors[0], axis1=1, axis2=2)
    assert w[0, 5] - w[0, 3] > 2  # THz
    assert change[5] == pytest.approx(change[3], rel=1e-5)


def test_missing_third_order_constants_are_named() -> None:
    constants = replace(dft("Si-PBE"), fc3=None)
    with pytest.raises(ExpansionError, match="fc3 is missing") as caught:
        thermal_expansion(constants, (2, 2, 2), [300], cubic(153.0, 57.0, 75.0))
    assert caught.value.kind == "expansion"


def test_vanishing_third_order_constants_are_harmonic() -> None:
    constants = dft("Si-PBE")
    harmonic = replace(constants, fc3=np.zeros_like(constants.fc3))
    with pytest.raises(ExpansionError, match="fc3_minimum_image") as caught:
        thermal_expansion(harmonic, (2, 2, 2), [300], cubic(153.0, 57.0, 75.0))
    assert caught.value.kind == "harmonic"


def test_silicon_contracts_at_low_temperature_and_expands_at_room_temperature() -> None:
    """Experiment: α_L(300 K) = 2.62e-6 1/K (Okada, Tokumaru, J. Appl. Phys. 56, 314, 1984).

    Negative below 120 K. PBE force constants and elastic constants, B = 89 GPa; tolerance 10 %.
    """
    elasticity = cubic(153.0, 57.0, 75.0)
    expansion = thermal_expansion(dft("Si-PBE"), (10, 10, 10), [80, 300], elasticity)
    assert expansion.alpha_linear[0] < 0
    assert expansion.alpha_linear[1] == pytest.approx(2.62e-6, rel=0.10)


def test_heat_capacity_of_an_einstein_crystal() -> None:
    """C = k_B (θ/T)² e^(θ/T) / (e^(θ/T) − 1)² (Einstein, Ann. Phys. 327, 180, 1907)."""
    q = np.array([[0.0, 0, 0], [0.5, 0, 0]])
    frequencies = np.array([[0, 0, 0, 5.0], [5.0, 5, 5, 5]])
    heat = mode_heat_capacity(q, frequencies, np.array([300.0]))
    x = 5.0 * 0.004135667696 / (8.617333262e-5 * 300)
    exact = 8.617333262e-5 * x**2 * np.exp(x) / (np.exp(x) - 1) ** 2
    assert heat[0, 0, :3].tolist() == [0, 0, 0]
    np.testing.assert_allclose(heat[0, 0, 3], exact, rtol=1e-9)
    np.testing.assert_allclose(heat[0, 1], exact, rtol=1e-9)


def test_heat_capacity_reaches_dulong_and_petit() -> None:
    heat = mode_heat_capacity(np.array([[0.5, 0, 0]]), np.array([[1.0, 2, 3]]), np.array([5000.0]))
    np.testing.assert_allclose(heat, 8.617333262e-5, rtol=1e-3)
