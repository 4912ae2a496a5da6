"""Expansion where it is known in closed form.

Nearest neighbours of an fcc crystal at the minimum of a Morse potential (depth D, decay a): with
φ' = 0, k = φ'' = 2 D a² and g = r φ'''/φ'' = −3 a r, n along the twelve bonds R = r n and
s = 1 − cos q·R,

    M D_ij(q) = k Σ s n_i n_j,
    M ∂D_ij/∂u_kl = k Σ s [(g − 3) n_i n_j n_k + δ_ij n_k + δ_ik n_j + δ_jk n_i] n_l.

For u = ε 1 that is (g − 1) M D + k Σ s 1: the modes stay, tr D = k Σ s/M, and every mode has

    tr γ_qs/3 = −(g − 1 + Σ_s' ω²_qs'/ω²_qs)/6,    Σ_s ω² (tr γ/3) / Σ_s ω² = −(g + 2)/6.

The second is −r φ'''/6φ'' of a single bond less 1/3 from its two transverse directions, whose
stiffness φ'/r is 0 at rest and φ'' ε under strain. C11 = 2 C12 = 2 C44 = √2 k/r, B = 2 √2 k/3 r.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest

from screen.core.crystal import Crystal, FloatArray
from screen.core.records import ElasticCells, ForceConstants
from screen.core.settings import RelaxationSettings
from screen.core.voigt import from_voigt, to_voigt
from screen.models._pair_potential import PairPotential
from screen.models.springs import Springs
from screen.physics.elasticity import (
    ENGINEERING,
    Elasticity,
    distinct_strains,
    fit_elasticity,
    strained_cells,
)
from screen.physics.expansion import linear_expansion, mode_heat_capacity, thermal_expansion
from screen.physics.gruneisen import (
    StrainDerivative,
    compact,
    internal_strain,
    mode_gruneisen,
    projected,
    third_order_derivative,
)
from screen.physics.phonons import harmonic_lattice
from screen.physics.relax import relax
from screen.physics.symmetry import point_group
from tests.crystals import fcc, rocksalt, wurtzite
from tests.physics.analytic import SPRINGS, exact_force_constants
from tests.physics.test_expansion_against_strained_cells import cubic
from tests.physics.test_gruneisen import of_one_supercell

# CODATA 2018; phonopy's constants differ by less than 1e-6
KB = 8.617333262e-5  # eV/K
H = 4.135667696e-3  # eV/THz
GPA = 160.2176634  # per eV/Å³
THZ = np.sqrt(1.602176634e-19 / 1.66053906660e-27) / (2 * np.pi) / 100  # per √(eV/Å²/amu)
CONSTANTS = 2e-6

# The fcc crystal: springs' copper, cut off before the second neighbours (4.05 Å), switched on
# beyond the first
DEPTH, DECAY, BOND, MASS = 0.3429, 1.359, 2.866, 63.546  # eV, 1/Å, Å, amu
NEAREST = replace(
    SPRINGS, potential=replace(SPRINGS.potential, cutoffs=0.7 * SPRINGS.potential.cutoffs)
)
COPPER = fcc(BOND * np.sqrt(2), 29)
K = 2 * DEPTH * DECAY**2  # eV/Å²
G = -3 * DECAY * BOND
VOLUME = BOND**3 / np.sqrt(2)  # Å³
BULK = 2 * np.sqrt(2) * K / (3 * BOND)  # eV/Å³
C44 = K / np.sqrt(2) / BOND * GPA
STIFFNESS = cubic(2 * C44, C44, C44)
BONDS = np.array([n for n in product((-1, 0, 1), repeat=3) if np.dot(n, n) == 2]) / np.sqrt(2)
GENERIC = np.array([[0.1, 0.2, 0.3], [0.25, 0.1, 0], [0.02, -0.3, 0.4]])
X_AND_L = np.array([[0.5, 0.5, 0], [0.5, 0, 0]])


@cache
def copper() -> ForceConstants:
    return exact_force_constants(COPPER, (2, 2, 2), model=NEAREST)


def weights_of_bonds(q: FloatArray) -> FloatArray:
    """1 − cos q·R, (nq, 12), for q in the basis of phonopy's primitive cell."""
    primitive = harmonic_lattice(copper()).primitive
    waves = 2 * np.pi * q @ np.linalg.inv(primitive.cell).T
    return 1 - np.cos(waves @ (BOND * BONDS).T)


def dynamical_matrices(q: FloatArray) -> FloatArray:
    """D(q) in THz², (nq, 3, 3)."""
    return K / MASS * THZ**2 * np.einsum("qb,bi,bj->qij", weights_of_bonds(q), BONDS, BONDS)


def change_of_dynamical_matrices(q: FloatArray) -> FloatArray:
    """∂D/∂u in THz², (nq, 3, 3, 3, 3)."""
    one, n = np.eye(3), BONDS
    third = (G - 3) * np.einsum("bi,bj,bk->bijk", n, n, n)
    third += np.einsum("ij,bk->bijk", one, n) + np.einsum("ik,bj->bijk", one, n)
    third += np.einsum("jk,bi->bijk", one, n)
    return K / MASS * THZ**2 * np.einsum("qb,bijk,bl->qijkl", weights_of_bonds(q), third, n)


def einstein(frequency: FloatArray, temperature: float) -> FloatArray:
    """Heat capacity of an oscillator, eV/K (Einstein, Ann. Phys. 327, 180, 1907)."""
    x = H * frequency / (KB * temperature)
    return KB * x**2 * np.exp(-x) / (1 - np.exp(-x)) ** 2


def full_mesh(n: int) -> FloatArray:
    """All points of a Γ-centred mesh but Γ, whose acoustic modes have no γ."""
    return np.array(list(product(range(n), repeat=3)))[1:] / n


def test_every_mode_of_nearest_neighbours_has_its_gruneisen_parameter() -> None:
    """Closed form above, degenerate modes at X and L included; frequencies and γ to 2e-6."""
    q = np.concatenate([GENERIC, X_AND_L])
    w, tensors = mode_gruneisen(copper(), harmonic_lattice(copper()), q)
    squares = np.linalg.eigvalsh(dynamical_matrices(q))
    np.testing.assert_allclose(w**2, squares, rtol=CONSTANTS)
    traces = np.trace(tensors, axis1=2, axis2=3) / 3
    expected = -(G - 1 + squares.sum(axis=1, keepdims=True) / squares) / 6
    np.testing.assert_allclose(traces, expected, rtol=1e-9)
    averages = (w**2 * traces).sum(axis=1) / (w**2).sum(axis=1)
    np.testing.assert_allclose(averages, -(G + 2) / 6, rtol=1e-9)


def test_zone_boundary_modes_have_the_parameters_of_one_bond() -> None:
    """X: ω² = 8, 4, 4 k/M, so that −6 tr γ/3 = g + 1, g + 3, g + 3 (rel. 1e-9)."""
    w, tensors = mode_gruneisen(copper(), harmonic_lattice(copper()), X_AND_L[:1])
    np.testing.assert_allclose(w[0] ** 2, np.array([4, 4, 8]) * K / MASS * THZ**2, rtol=CONSTANTS)
    traces = np.trace(tensors[0], axis1=1, axis2=2) / 3
    np.testing.assert_allclose(-6 * traces, [G + 3, G + 3, G + 1], rtol=1e-9)


def test_all_nine_components_of_nondegenerate_modes() -> None:
    """−⟨e| ∂D/∂u_kl |e⟩/2ω² with the closed forms above; 1e-9 of the largest component."""
    _, tensors = mode_gruneisen(copper(), harmonic_lattice(copper()), GENERIC)
    squares, modes = np.linalg.eigh(dynamical_matrices(GENERIC))
    changes = change_of_dynamical_matrices(GENERIC)
    shifts = np.einsum("qis,qijkl,qjs->qskl", modes, changes, modes)
    expected = -shifts / (2 * squares[..., None, None])
    assert np.diff(squares).min() > 1e-2
    np.testing.assert_allclose(tensors, expected, atol=1e-9 * np.abs(expected).max())


def test_elastic_constants_of_nearest_neighbours() -> None:
    """C11 = 2 C12 = 2 C44 = √2 k/r; strains ±δ are off by δ²: extrapolated to zero, 1e-10."""
    coarse, fine = (
        fit_elasticity(strained_cells(COPPER, NEAREST, strain, RelaxationSettings()), COPPER)
        for strain in (0.001, 0.0005)
    )
    expected = STIFFNESS.stiffness
    tolerance = 1e-10 * expected.max()
    extrapolated = (4 * fine.stiffness - coarse.stiffness) / 3
    np.testing.assert_allclose(extrapolated, expected, atol=tolerance)
    assert np.abs(coarse.stiffness - expected).max() == pytest.approx(
        4 * np.abs(fine.stiffness - expected).max(), rel=1e-3
    )


@pytest.mark.parametrize("temperature", [20.0, 100.0, 300.0, 1000.0])
def test_expansion_of_nearest_neighbours(temperature: float) -> None:
    """α_V = Σ c γ/(N V B), every factor in closed form, over the full mesh: 1e-5 (constants)."""
    found = thermal_expansion(copper(), (6, 6, 6), [temperature], STIFFNESS)
    squares = np.linalg.eigvalsh(dynamical_matrices(full_mesh(6)))
    gamma = -(G - 1 + squares.sum(axis=1, keepdims=True) / squares) / 6
    heat = einstein(np.sqrt(squares), temperature) / 6**3
    expected = (heat * gamma).sum() / (VOLUME * BULK)
    assert found.alpha_volume[0] == pytest.approx(expected, rel=1e-5)
    assert found.heat_capacity[0] == pytest.approx(heat.sum(), rel=1e-5)
    assert found.gruneisen[0] == pytest.approx((heat * gamma).sum() / heat.sum(), rel=1e-6)


def test_expansion_at_high_temperature() -> None:
    """k_B Σ γ/(N V B), Σ_s γ = −(3 (g − 1) + tr D tr D⁻¹)/6: at 1e5 K c is k_B (1 − 1e-6); 1e-5.

    The whole route, elastic constants from strains of 0.05 % (off by 1e-6): the same.
    """
    matrices = dynamical_matrices(full_mesh(6))
    inverse = np.trace(np.linalg.inv(matrices), axis1=1, axis2=2)
    sums = -(3 * (G - 1) + np.trace(matrices, axis1=1, axis2=2) * inverse) / 6
    expected = KB * sums.sum() / 6**3 / (VOLUME * BULK)
    found = thermal_expansion(copper(), (6, 6, 6), [1e5], STIFFNESS)
    assert found.alpha_volume[0] == pytest.approx(expected, rel=1e-5)
    cells = strained_cells(COPPER, NEAREST, 0.0005, RelaxationSettings())
    measured = thermal_expansion(copper(), (6, 6, 6), [1e5], fit_elasticity(cells, COPPER))
    assert measured.alpha_volume[0] == pytest.approx(expected, rel=1e-5)


# An Einstein crystal: a light atom in a rocksalt cage of heavy ones, Morse potentials between
# light and heavy (r) and between heavy neighbours (√2 r), which keep the cage stable
LIGHT, HEAVY = 3, 35
CAGE_BOND = 2.6  # Å
CAGE_DEPTH, CAGE_DECAY = 0.8, 1.5  # eV, 1/Å
EINSTEIN_K = 2 * CAGE_DEPTH * CAGE_DECAY**2
EINSTEIN_GAMMA = (3 * CAGE_DECAY * CAGE_BOND - 2) / 6  # −(g + 2)/6
CAGE_VOLUME = 2 * CAGE_BOND**3
CAGE_BULK = 6 * EINSTEIN_K * (CAGE_BOND**2 + 2 * CAGE_BOND**2) / (9 * CAGE_VOLUME)


@cache
def caged() -> ForceConstants:
    """Force constants; the switches (from 0.75 of the cutoffs) start beyond the bonds."""
    tables = np.ones((6, 119, 119))
    tables[[0, 2]] = 0  # light atoms do not see each other
    for one, two, distance, cutoff in (
        (LIGHT, HEAVY, 1.0, 1.4),  # times the bond; the next are at √3
        (HEAVY, HEAVY, np.sqrt(2), 1.95),  # and at 2
    ):
        well = (CAGE_DEPTH, 2 * CAGE_DECAY, 2 * CAGE_DEPTH, CAGE_DECAY)
        values = (*well, distance * CAGE_BOND, cutoff * CAGE_BOND)
        tables[:, one, two] = tables[:, two, one] = values
    model = Springs("cage", PairPotential(*tables), frozenset({"Li", "Br"}))
    crystal = rocksalt(2 * CAGE_BOND, LIGHT, HEAVY)
    assert np.abs(model.evaluate([crystal]).stresses).max() < 1e-12
    return exact_force_constants(crystal, (2, 2, 2), model=model)


def test_a_caged_atom_is_an_einstein_oscillator() -> None:
    """At L the waves of the neighbours cancel (cos π/2): ω² = 2k/m, tr γ/3 = −(g + 2)/6.

    The same γ at Γ, where the sublattices move as two rigid ones: ω² = 2k/μ. Rel. 1e-9.
    """
    points = np.array([[0.5, 0, 0], [0, 0, 0]])
    w, tensors = mode_gruneisen(caged(), harmonic_lattice(caged()), points)
    traces = np.trace(tensors, axis1=2, axis2=3) / 3
    light, heavy = 6.941, 79.904  # amu
    for modes, index, mass in (
        (slice(3, 6), 0, light),
        (slice(3, 6), 1, 1 / (1 / light + 1 / heavy)),
    ):
        expected = np.sqrt(2 * EINSTEIN_K / mass) * THZ
        np.testing.assert_allclose(w[index, modes], expected, rtol=1e-3)  # masses by phonopy
        np.testing.assert_allclose(traces[index, modes], EINSTEIN_GAMMA, rtol=1e-9)


@pytest.mark.parametrize("temperature", [50.0, 300.0, 1000.0])
def test_expansion_of_an_einstein_crystal(temperature: float) -> None:
    """Infinitely heavy cage: α_V = 3 γ c_E(T)/(V B) with ω² = 2k/m at every q; 1e-5 (constants).

    Heavy atoms are 1e14 times heavier, which leaves 1e-7 of the frequency to their modes.
    """
    phonopy = harmonic_lattice(caged())
    derivative = third_order_derivative(caged(), internal_strain(phonopy))
    light = 6.941
    masses = np.where(phonopy.primitive.numbers == LIGHT, light, 1e14 * light)
    phonopy.masses = derivative.primitive.masses = masses
    found = linear_expansion(
        phonopy,
        [derivative],
        point_group(caged().unitcell),
        (4, 4, 4),
        [temperature],
        cubic(1.2 * CAGE_BULK * GPA, 0.9 * CAGE_BULK * GPA, 0.3 * CAGE_BULK * GPA),
    )
    frequency = np.sqrt(2 * EINSTEIN_K / light) * THZ
    np.testing.assert_allclose(found.frequencies[:, 3:], frequency, rtol=CONSTANTS)
    np.testing.assert_allclose(found.mode_gruneisen[:, 3:, :3].mean(axis=2), EINSTEIN_GAMMA)
    heat = einstein(np.array(frequency), temperature)
    expected = 3 * EINSTEIN_GAMMA * heat / (CAGE_VOLUME * CAGE_BULK)
    assert found.alpha_volume[0] == pytest.approx(expected, rel=1e-5)


ONE_GAMMA = np.array([[2.0, 0.3, -0.1], [0.3, 1.2, 0.2], [-0.1, 0.2, 0.7]])


def of_one_gamma(mesh: tuple[int, int, int], temperatures: list[float]) -> tuple[FloatArray, ...]:
    """α/(S γ/V) and C_V of copper with ∂Φ₂/∂u_kl = −2 γ_kl Φ₂, so that γ is that of every mode."""
    phonopy = harmonic_lattice(copper())
    values = -2 * compact(copper().fc2, phonopy.primitive)[..., None, None] * ONE_GAMMA
    derivative = StrainDerivative(values, phonopy.primitive, np.eye(9))
    unturned = np.eye(3)[None]
    found = linear_expansion(phonopy, [derivative], unturned, mesh, temperatures, STIFFNESS)
    moving = found.frequencies > 0.01
    np.testing.assert_allclose(
        found.mode_gruneisen[moving], np.tile(to_voigt(ONE_GAMMA), (moving.sum(), 1)), atol=1e-9
    )
    strain = np.linalg.inv(STIFFNESS.stiffness / GPA) @ to_voigt(ONE_GAMMA) / VOLUME / ENGINEERING
    return found.alpha / strain, found.heat_capacity


def test_one_parameter_for_all_modes_gives_an_expansion_as_the_heat_capacity() -> None:
    """V α = S γ C_V(T) in all six components (Grüneisen 1912); rel. 1e-6 (eV/Å³ in GPa)."""
    temperatures = [5.0, 20.0, 80.0, 300.0, 1000.0]
    expansion, heat_capacity = of_one_gamma((6, 6, 6), temperatures)
    expected = np.tile(heat_capacity[:, None], 6)
    np.testing.assert_allclose(expansion, expected, rtol=1e-6)
    squares = np.linalg.eigvalsh(dynamical_matrices(full_mesh(6)))
    heat = [einstein(np.sqrt(squares), T).sum() / 6**3 for T in temperatures]
    np.testing.assert_allclose(heat_capacity, heat, rtol=1e-5)


def debye_coefficient() -> float:
    """C_V/T³ of the long waves, eV/K⁴ per cell: (2π²/15) k_B (k_B/ħ)³ V Σ_s ⟨v_s⁻³⟩.

    Debye, Ann. Phys. 344, 789 (1912); v by direction from D(q) to second order in q, the mean by
    Gauss's rule over cos θ and the trapezoidal one over φ.
    """
    cosines, weights = np.polynomial.legendre.leggauss(64)
    angles = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    c, phi = np.meshgrid(cosines, angles, indexing="ij")
    s = np.sqrt(1 - c**2)
    along = np.stack([s * np.cos(phi), s * np.sin(phi), c], axis=-1) @ BONDS.T
    matrices = K / MASS * np.einsum("xyb,bi,bj->xyij", (BOND * along) ** 2 / 2, BONDS, BONDS)
    speeds = 2 * np.pi * THZ * np.sqrt(np.linalg.eigvalsh(matrices))  # Å THz
    mean = (weights[:, None] * (speeds**-3).sum(axis=-1)).sum() / (2 * len(angles))
    return 2 * np.pi**2 / 15 * KB * (2 * np.pi * KB / H) ** 3 * VOLUME * mean


def test_expansion_grows_with_the_cube_of_a_low_temperature() -> None:
    """V α/(S γ T³) tends to Debye's constant: 6 K is θ/60.

    A cubic in T² through 6 to 12 K, where α/T³ is 2 to 10 % larger, is off by 8e-4. The acoustic modes at Γ,
    left out on a mesh, would each add k_B/N: 0.7 % at 6 K on 64³ points.
    """
    n, temperatures = 64, [6.0, 7.5, 9.0, 10.5, 12.0]
    expansion, _ = of_one_gamma((n, n, n), temperatures)
    squares = np.square(temperatures)
    ratios = (expansion.mean(axis=1) + 3 * KB / n**3) / squares**1.5
    limit = np.polynomial.polynomial.polyfit(squares, ratios, 3)[0]
    assert limit == pytest.approx(debye_coefficient(), rel=1e-3)


# Wurtzite with relaxed ions
INSB = relax(
    wurtzite(4.8, 7.8, 49, 51), SPRINGS, RelaxationSettings(fmax=1e-8, max_steps=3000)
).crystal
TURN = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
HEXAGONAL = Elasticity(
    np.array(
        [
            [80.0, 40, 20, 0, 0, 0],
            [40, 80, 20, 0, 0, 0],
            [20, 20, 50, 0, 0, 0],
            [0, 0, 0, 18, 0, 0],
            [0, 0, 0, 0, 18, 0],
            [0, 0, 0, 0, 0, 20],
        ]
    ),
    0.0,
)


def stiffness_tensor(elasticity: Elasticity) -> FloatArray:
    """C_ijkl, (3, 3, 3, 3) GPa."""
    return np.moveaxis(
        from_voigt(np.moveaxis(from_voigt(elasticity.stiffness), 0, -1)), [2, 3], [0, 1]
    )


def turned(tensors: FloatArray, rank: int) -> FloatArray:
    """Turn the last ``rank`` axes by ``TURN``."""
    for axis in range(-rank, 0):
        tensors = np.moveaxis(np.tensordot(TURN, tensors, axes=(1, axis)), 0, axis)
    return tensors


def fitted(crystal: Crystal, tensor: FloatArray) -> Elasticity:
    """Fit to the stresses of a linear crystal under its distinct strains."""
    strains = distinct_strains(crystal, 0.005)
    stresses = np.einsum("ijkl,nkl->nij", tensor, strains) / GPA
    return fit_elasticity(ElasticCells(strains, stresses), crystal)


def test_a_turned_crystal_has_the_turned_tensors() -> None:
    """C, γ of nondegenerate modes and α of a wurtzite crystal in any orientation: 1e-8."""
    crystal = INSB.with_lattice(INSB.lattice @ TURN.T)
    tensor = stiffness_tensor(HEXAGONAL)
    elasticity = fitted(crystal, turned(tensor, 4))
    np.testing.assert_allclose(
        stiffness_tensor(elasticity), turned(tensor, 4), atol=1e-8 * tensor.max()
    )
    assert np.abs(elasticity.stiffness - HEXAGONAL.stiffness).max() > 1

    one, other = (exact_force_constants(cell, (3, 3, 2)) for cell in (INSB, crystal))
    lattices = [harmonic_lattice(constants) for constants in (one, other)]
    k = GENERIC @ np.linalg.inv(lattices[0].primitive.cell).T  # 1/Å
    # spglib may choose other primitive vectors for the turned crystal
    q = k @ TURN.T @ lattices[1].primitive.cell.T
    w, before = mode_gruneisen(one, lattices[0], GENERIC)
    _, after = mode_gruneisen(other, lattices[1], q)
    assert np.diff(w).min() > 1e-3
    np.testing.assert_allclose(after, turned(before, 2), atol=1e-8 * np.abs(before).max())

    mesh, temperatures = (4, 4, 3), [5.0, 50.0, 300.0]
    here = thermal_expansion(one, mesh, temperatures, HEXAGONAL)
    there = thermal_expansion(other, mesh, temperatures, elasticity)
    expected = turned(from_voigt(here.alpha), 2)
    np.testing.assert_allclose(
        from_voigt(there.alpha), expected, atol=1e-8 * np.abs(expected).max()
    )
    np.testing.assert_allclose(there.gruneisen, here.gruneisen, rtol=1e-8)
    assert np.abs(from_voigt(here.alpha) - expected).max() > 0.01 * np.abs(expected).max()


def unaveraged(constants: ForceConstants, mesh: tuple[int, int, int]) -> FloatArray:
    """Σ c γ over every point of the mesh at 300 K, symmetry not used, (3, 3) eV/K."""
    phonopy = harmonic_lattice(constants)
    phonopy.run_mesh(mesh, is_gamma_center=True, is_mesh_symmetry=False, is_time_reversal=False)
    q = np.array(phonopy.mesh.qpoints)
    assert len(q) == np.prod(mesh)
    derivative = third_order_derivative(constants, internal_strain(phonopy))
    frequencies, tensors = projected([derivative], phonopy, q)
    heat = mode_heat_capacity(q, frequencies, np.array([300.0]))[0]
    return np.einsum("qs,qskl->kl", heat, tensors) / len(q)


@cache
def rubidium_iodide() -> ForceConstants:
    crystal = relax(rocksalt(7.3, 37, 53), SPRINGS, RelaxationSettings(fmax=1e-8)).crystal
    return exact_force_constants(crystal, (2, 2, 2))


CUBIC: dict[str, Callable[[], ForceConstants]] = {
    "copper": copper,
    "rubidium iodide": rubidium_iodide,
    "silicon": lambda: of_one_supercell("Si-PBE"),
    "sodium chloride": lambda: of_one_supercell("NaCl-rd"),
}


@pytest.mark.parametrize("name", CUBIC)
def test_expansion_of_a_cubic_crystal_is_isotropic_before_any_averaging(name: str) -> None:
    """The full sum to 1e-6 of its trace, α after the averaging to 1e-12."""
    constants = CUBIC[name]()
    raw = unaveraged(constants, (5, 5, 5))
    np.testing.assert_allclose(raw / np.trace(raw) * 3, np.eye(3), atol=1e-6)
    alpha = thermal_expansion(constants, (5, 5, 5), [300.0], STIFFNESS).alpha[0]
    isotropic = np.array([1, 1, 1, 0, 0, 0]) * alpha[:3].mean()
    np.testing.assert_allclose(alpha, isotropic, atol=1e-12 * alpha[0])


def test_expansion_of_a_uniaxial_crystal_has_an_axis_before_any_averaging() -> None:
    """Wurtzite AlN: xx = yy, off-diagonals 0, zz another; 1e-6 of the trace, α to 1e-12."""
    constants = of_one_supercell("AlN-LDA")
    raw = unaveraged(constants, (4, 4, 3))
    raw = raw / np.trace(raw)
    np.testing.assert_allclose(raw, np.diag([raw[0, 0], raw[0, 0], raw[2, 2]]), atol=1e-6)
    assert abs(raw[2, 2] / raw[0, 0] - 1) > 0.01
    alpha = thermal_expansion(constants, (4, 4, 3), [300.0], HEXAGONAL).alpha[0]
    expected = [alpha[0], alpha[0], alpha[2], 0, 0, 0]
    np.testing.assert_allclose(alpha, expected, atol=1e-12 * alpha[0])
