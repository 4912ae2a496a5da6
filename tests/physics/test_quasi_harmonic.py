"""Quasi-harmonic approximation of springs against thermodynamic identities and static minima."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from screen.core.crystal import Crystal
from screen.core.errors import ExpansionError
from screen.core.records import ForceConstants, QuasiHarmonic
from screen.core.settings import (
    DisplacementSettings,
    QhaSettings,
    RelaxationSettings,
    StabilitySettings,
)
from screen.physics.elasticity import Elasticity, fit_elasticity, strained_cells
from screen.physics.expansion import thermal_expansion
from screen.physics.quasi_harmonic import (
    is_uniaxial,
    measure_quasi_harmonic,
    quasi_harmonic,
    relaxed_at_shapes,
    relaxed_at_volumes,
)
from screen.physics.relax import relax
from tests.crystals import fcc, rocksalt, wurtzite
from tests.physics.analytic import SPRINGS, energy, exact_force_constants, without_stress
from tests.physics.test_expansion_against_strained_cells import cubic

EXACT = RelaxationSettings(fmax=1e-6, max_steps=2000)
FINE = DisplacementSettings(distance=0.01)
MESH = (5, 5, 5)
SETTINGS = QhaSettings(temperatures=tuple(float(T) for T in range(0, 331, 10)))
GPA = 160.21766208  # per eV/Å³
COPPER = without_stress(lambda a: fcc(a, 29), 3.4, 3.9)
RBI = without_stress(lambda a: rocksalt(a, 37, 53), 7.0, 7.8)


def approximated(constants: ForceConstants, settings: QhaSettings = SETTINGS) -> QuasiHarmonic:
    measured = measure_quasi_harmonic(constants, SPRINGS, settings, EXACT, FINE)
    return quasi_harmonic(constants, measured, MESH, settings, FINE, StabilitySettings())


def isotropic(bulk: float) -> Elasticity:
    return cubic(1.2 * bulk, 0.9 * bulk, 0.5 * bulk)


@cache
def of_rbi() -> QuasiHarmonic:
    return approximated(exact_force_constants(RBI, (2, 2, 2), third_order=False))


@pytest.mark.parametrize("temperature", [50.0, 100.0, 200.0])
def test_expansion_is_linear_gruneisen_at_the_expanded_volume(temperature: float) -> None:
    """α_V = γ C_V/(B_T V) holds exactly where γ and C_V are those at V(T) and B_T is isothermal.

    At 200 K RbI has expanded by 1.6 % and α is 39 % above its value at the static volume: nothing
    cancels. Tolerance 1 %, of the equation of state and the derivative over 10 K.
    """
    found = of_rbi()
    index = int(np.searchsorted(found.temperatures, temperature))
    conventional = 4 * found.volume[index]
    expanded = exact_force_constants(rocksalt(conventional ** (1 / 3), 37, 53), (2, 2, 2))
    b = found.bulk_modulus[index]
    linear = thermal_expansion(expanded, MESH, [temperature], isotropic(b))
    assert found.alpha_volume[index] == pytest.approx(linear.alpha_volume[0], rel=0.01)
    difference = found.alpha_volume[index] ** 2 * b / GPA * found.volume[index] * temperature
    assert found.heat_capacity[index] == pytest.approx(
        linear.heat_capacity[0] + difference, rel=2e-3
    )


@pytest.mark.slow
def test_a_stiff_crystal_expands_as_the_linear_relation_says() -> None:
    """Copper at 100 K, zero-point expansion 0.3 %: 4 %; B_T within 2 % of the static curvature."""
    constants = exact_force_constants(COPPER, (3, 3, 3))
    found = approximated(constants)
    v, h = COPPER.volume, 0.002 * COPPER.volume
    e = [energy(fcc((v + k * h) ** (1 / 3), 29)) for k in (-2, -1, 0, 1, 2)]
    static = v * (-e[0] + 16 * e[1] - 30 * e[2] + 16 * e[3] - e[4]) / (12 * h**2) * GPA
    linear = thermal_expansion(constants, MESH, [100.0], isotropic(static))
    index = int(np.searchsorted(found.temperatures, 100.0))
    assert found.alpha_volume[index] == pytest.approx(linear.alpha_volume[0], rel=0.04)
    assert found.bulk_modulus[index] == pytest.approx(static, rel=0.02)
    assert found.alpha_axes is not None
    np.testing.assert_allclose(found.alpha_axes.sum(axis=1), found.alpha_volume)


def test_a_uniaxial_crystal_expands_along_its_axes() -> None:
    """InSb wurtzite: 2 α_a + α_c is α_V of the isotropic route, which takes another fit (3 %).

    At 50 K α_c/α_a is that of the linear relation, 1.013, within 0.01.
    """
    crystal = relax(wurtzite(4.8, 7.8, 49, 51), SPRINGS, EXACT).crystal
    constants = exact_force_constants(crystal, (3, 3, 2))
    found = approximated(constants)
    assert found.alpha_axes is not None
    at = [int(np.searchsorted(found.temperatures, T)) for T in (50.0, 100.0, 200.0)]
    np.testing.assert_allclose(found.alpha_axes[at].sum(axis=1), found.alpha_volume[at], rtol=0.03)
    np.testing.assert_allclose(found.alpha_axes[:, 0], found.alpha_axes[:, 1])
    elasticity = fit_elasticity(strained_cells(crystal, SPRINGS, 0.002, EXACT), crystal)
    linear = thermal_expansion(constants, MESH, [50.0], elasticity).alpha_along(crystal.lattice)[0]
    ours = found.alpha_axes[at[0]]
    assert ours[2] / ours[0] == pytest.approx(linear[2] / linear[0], abs=0.01)


def test_cells_relax_their_shape_at_their_volume() -> None:
    """c/a and u by Brent's method, one inside the other; energies agree to 1e-6 eV."""
    settings = RelaxationSettings(max_steps=1000)
    crystal = relax(wurtzite(3.2, 5.2, 30, 8), SPRINGS, settings).crystal
    cells = relaxed_at_volumes(crystal, SPRINGS, (-0.02, 0.0, 0.02), settings)

    def lowest(volume: float) -> float:
        def best_u(ratio: float) -> float:
            a = (2 * volume / (np.sqrt(3) * ratio)) ** (1 / 3)
            return minimize_scalar(
                lambda u: energy(wurtzite(a, ratio * a, 30, 8, u=u)),
                bounds=(0.35, 0.40),
                options={"xatol": 1e-6},
            ).fun

        return minimize_scalar(best_u, bounds=(1.45, 1.75), options={"xatol": 1e-5}).fun

    for (cell, found), strain in zip(cells, (-0.02, 0.0, 0.02), strict=True):
        assert cell.volume / crystal.volume == pytest.approx(1 + strain, abs=1e-9)
        assert found == pytest.approx(lowest(cell.volume), abs=1e-6)
    homogeneous = energy(crystal.with_lattice(crystal.lattice * 1.02 ** (1 / 3)))
    assert cells[-1][1] < homogeneous - 1e-5  # the shape had something to gain


def test_stretched_shapes_keep_the_volume_and_cost_energy() -> None:
    crystal = relax(wurtzite(4.8, 7.8, 49, 51), SPRINGS, EXACT).crystal
    cells = relaxed_at_shapes(crystal, SPRINGS, (-0.01, 0.0, 0.01), EXACT)
    ratios = [
        np.linalg.norm(cell.lattice[2]) / np.linalg.norm(cell.lattice[0]) for cell, _ in cells
    ]
    np.testing.assert_allclose(np.log(np.array(ratios) / ratios[1]), [-0.01, 0, 0.01], atol=1e-12)
    for cell, found in cells:
        assert cell.volume == pytest.approx(crystal.volume, rel=1e-12)
        assert found == pytest.approx(energy(cell), abs=1e-9)
    assert cells[1][1] < min(cells[0][1], cells[2][1]) - 1e-5


@pytest.mark.parametrize(
    ("crystal", "uniaxial"),
    [
        (rocksalt(), False),
        (wurtzite(4.0, 6.4, 30, 8), True),
        (Crystal(np.diag([4.0, 4.0, 5.0]), [29], np.zeros((1, 3))), True),
        (Crystal(np.diag([5.0, 4.0, 4.0]), [29], np.zeros((1, 3))), False),  # its axis is a
        (Crystal(np.diag([4.0, 4.5, 5.0]), [29], np.zeros((1, 3))), False),
    ],
)
def test_uniaxial_is_a_crystal_with_one_axis_along_c(crystal: Crystal, uniaxial: bool) -> None:
    assert is_uniaxial(crystal) is uniaxial


def test_a_cell_with_imaginary_modes_is_a_failure() -> None:
    """Copper stretched by 60 % in volume."""
    settings = replace_strains((0.0, 0.05, 0.1, 0.3, 0.6))
    with pytest.raises(ExpansionError, match=r"imaginary modes down to -") as caught:
        approximated(exact_force_constants(COPPER, (3, 3, 3), third_order=False), settings)
    assert caught.value.kind == "imaginary_modes"


def test_an_equilibrium_outside_the_cells_is_a_failure() -> None:
    settings = replace_strains((-0.05, -0.04, -0.03, -0.02, -0.01))
    with pytest.raises(ExpansionError, match=r"widen qha.volume_strains") as caught:
        approximated(exact_force_constants(RBI, (2, 2, 2), third_order=False), settings)
    assert caught.value.kind == "equation_of_state"


def replace_strains(strains: tuple[float, ...]) -> QhaSettings:
    return SETTINGS.model_copy(update={"volume_strains": strains})


def test_energies_without_a_minimum_fit_no_equation_of_state() -> None:
    constants = exact_force_constants(RBI, (2, 2, 2), third_order=False)
    measured = measure_quasi_harmonic(constants, SPRINGS, SETTINGS, EXACT, FINE)
    zigzag = replace(measured, energies=np.resize([0.0, 50.0], len(measured.energies)))
    with pytest.raises(ExpansionError) as caught:
        quasi_harmonic(constants, zigzag, MESH, SETTINGS, FINE, StabilitySettings())
    assert caught.value.kind == "equation_of_state"


@pytest.mark.slow
def test_the_residual_tells_a_free_energy_that_is_not_smooth() -> None:
    """Forces 5 % larger in the two widest cells, as where a potential's cutoff meets a shell.

    ω² is 5 % larger there: a step of 3 N k_B T ln(1.05)/2 in F, about the width of F(V) itself.
    """
    constants = exact_force_constants(RBI, (2, 2, 2), third_order=False)
    measured = measure_quasi_harmonic(constants, SPRINGS, SETTINGS, EXACT, FINE)
    factors = np.where(np.arange(len(measured.forces)) < 4, 1.0, 1.05)
    stepped = replace(
        measured,
        forces=tuple(f * forces for f, forces in zip(factors, measured.forces, strict=True)),
    )
    found = quasi_harmonic(constants, stepped, MESH, SETTINGS, FINE, StabilitySettings())
    assert of_rbi().residual.max() < 0.02
    assert found.residual[-1] > 3 * of_rbi().residual.max()
    assert abs(found.alpha_volume[10] / of_rbi().alpha_volume[10] - 1) > 0.02


def test_temperatures_end_where_the_sampled_volumes_end() -> None:
    """RbI expands by 1 % before 150 K."""
    narrow = replace_strains((-0.01, -0.005, 0.0, 0.005, 0.01))
    found = approximated(exact_force_constants(RBI, (2, 2, 2), third_order=False), narrow)
    assert 100 < found.temperatures[-1] < 150
    assert found.volume[-1] <= 1.01 * RBI.volume / 4


def test_a_cell_that_does_not_relax_names_its_strain() -> None:
    start = wurtzite(3.1, 5.6, 30, 8)
    with pytest.raises(ExpansionError, match=r"strain -0\.010 .*max_steps") as caught:
        relaxed_at_volumes(start, SPRINGS, (-0.01, 0.0), RelaxationSettings(max_steps=2))
    assert caught.value.kind == "not_converged"
