"""Mode Grüneisen parameters against phono3py's own, on DFT force constants."""

import numpy as np
import pytest
from phono3py.phonon3.gruneisen import Gruneisen

from screen.core.records import ForceConstants
from screen.physics.displacements import restored
from screen.physics.expansion import mode_heat_capacity, thermal_expansion
from screen.physics.gruneisen import mode_gruneisen
from screen.physics.phonons import harmonic_lattice
from tests.physics.test_expansion_against_strained_cells import cubic
from tests.shared import dft_force_constants

Q = np.array([[0, 0, 0], [0.1, 0.2, 0.3], [0.5, 0, 0], [0.25, 0.1, 0], [1 / 3, 1 / 3, 0]])


def without_nac(constants: ForceConstants) -> ForceConstants:
    values = {name: getattr(constants, name) for name in constants.__dataclass_fields__}
    return ForceConstants(**{**values, "nac": None})


@pytest.mark.parametrize("name", ["Si-PBE", "AlN-LDA"])
def test_relaxed_ion_tensors_equal_those_of_phono3py(name: str) -> None:
    """phono3py 4.10 ``Gruneisen(ion_clamped=False)``; same formula, tolerance 1e-6 of γ ~ 1.

    Traces over degenerate sets are compared: inside a set the eigenvectors are arbitrary.
    """
    constants = without_nac(dft_force_constants(name))
    _, ours = mode_gruneisen(constants, harmonic_lattice(constants), Q)
    phono3py = restored(constants)
    theirs = Gruneisen(constants.fc2, constants.fc3, phono3py.supercell, phono3py.primitive)
    theirs.set_qpoints(Q)
    theirs.run()
    frequencies = theirs.frequencies
    for index in range(len(Q)):
        start = 3 if index == 0 else 0  # acoustic modes at Γ have no γ
        sets = np.split(
            np.arange(start, frequencies.shape[1]),
            np.flatnonzero(np.diff(frequencies[index, start:]) > 1e-4) + 1,
        )
        for degenerate in sets:
            np.testing.assert_allclose(
                ours[index, degenerate].sum(axis=0),
                theirs.gruneisen_parameters[index, degenerate].sum(axis=0),
                atol=1e-6,
            )


def test_silicon_contracts_at_low_temperature_and_expands_at_room_temperature() -> None:
    """Experiment: α_L(300 K) = 2.62e-6 1/K (Okada, Tokumaru, J. Appl. Phys. 56, 314, 1984).

    Negative below 120 K. PBE force constants and elastic constants, B = 89 GPa; tolerance 10 %.
    """
    elasticity = cubic(153.0, 57.0, 75.0)
    expansion = thermal_expansion(
        dft_force_constants("Si-PBE"), (10, 10, 10), [80, 300], elasticity
    )
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
