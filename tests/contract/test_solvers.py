"""Every transport solver, one contract: DFT force constants that others made, and springs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType

import numpy as np
import pytest
from phonopy.harmonic.derivative_dynmat import DerivativeOfDynamicalMatrix

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import TransportError
from screen.core.records import Conductivity, ForceConstants
from screen.core.registry import find, names
from screen.core.settings import ConductivitySettings
from screen.core.spectra import mode_conductivities, pair_conductivities, speeds
from screen.core.units import KELVIN_TO_EV, THZ_TO_EV
from screen.physics.displacements import restored
from screen.physics.phonons import harmonic_lattice
from screen.solvers import phono3py as phono3py_solver
from screen.solvers.phono3py import wigner_factor
from tests.crystals import rocksalt
from tests.physics.analytic import exact_force_constants, without_stress
from tests.shared import dft_force_constants

BARE = ConductivitySettings(isotopes=False, boundary_mean_free_path=None)
FULL = ConductivitySettings(boundary_mean_free_path=1.0)  # µm
SILICON_MESH = (11, 11, 11)  # of the published figure
WATTS = 1.602176634e-19 * 1e12 * 1e10  # eV/K · (THz·Å)² / THz / Å³ in W/m/K


@dataclass(frozen=True, eq=False)
class Solved:
    """A crystal and what a solver says about it."""

    constants: ForceConstants
    result: Conductivity
    settings: ConductivitySettings


@pytest.fixture(scope="module", params=names("solvers"))
def solver(request: pytest.FixtureRequest) -> ModuleType:
    try:
        return find("solvers", request.param)
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed in this environment")


@cache
def silicon() -> ForceConstants:
    return dft_force_constants("Si-PBE")


@cache
def springs() -> ForceConstants:
    """RbI of springs: small, and a fifth of its conductivity are coherences."""
    lattice = without_stress(lambda a: rocksalt(a, 37, 53), 7.0, 7.8).lattice
    faces = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    primitive = Crystal(lattice @ faces, np.array([37, 53]), np.array([[0.0] * 3, [0.5] * 3]))
    return exact_force_constants(primitive, (3, 3, 3))


@cache
def solve_silicon(solver: ModuleType) -> Solved:
    result = solver.solve(silicon(), SILICON_MESH, [300.0], BARE)
    return Solved(silicon(), result, BARE)


@cache
def solve_springs(solver: ModuleType) -> Solved:
    result = solver.solve(springs(), (5, 5, 5), [100.0, 300.0, 800.0], FULL)
    return Solved(springs(), result, FULL)


@cache
def solve_salt(solver: ModuleType) -> Solved:
    """NaCl with Born charges."""
    constants = dft_force_constants("NaCl-rd")
    return Solved(constants, solver.solve(constants, (3, 3, 3), [300.0], FULL), FULL)


@pytest.fixture(params=[solve_silicon, solve_springs, solve_salt], ids=["Si", "springs", "NaCl"])
def solved(request: pytest.FixtureRequest, solver: ModuleType) -> Solved:
    return request.param(solver)


def trace(tensors: FloatArray) -> FloatArray:
    return np.trace(tensors, axis1=1, axis2=2) / 3


def test_conductivities_are_symmetric_and_have_the_signs_of_physics(solved: Solved) -> None:
    """κ_P is a sum of v⊗v c τ: no negative eigenvalue; κ_C has no negative diagonal element."""
    for tensors in (solved.result.kappa_p, solved.result.kappa_c):
        np.testing.assert_allclose(tensors, tensors.transpose(0, 2, 1), atol=1e-12)
    assert np.linalg.eigvalsh(solved.result.kappa_p).min() > 0
    diagonal = np.diagonal(solved.result.kappa_c, axis1=1, axis2=2)
    assert diagonal.min() > 0  # several bands: something interferes


def test_cubic_crystals_conduct_alike_in_all_directions(solved: Solved) -> None:
    for tensors in (solved.result.kappa_p, solved.result.kappa_c):
        isotropic = trace(tensors)[:, None, None] * np.eye(3)
        np.testing.assert_allclose(tensors, isotropic, atol=1e-6 * tensors.max())


def test_populations_carry_less_in_the_heat_and_coherences_more(solver: ModuleType) -> None:
    """κ_P falls nearly as 1/T; κ_C grows while linewidths are below the distances of bands.

    Simoncelli, Marzari, Mauri, Nat. Phys. 15, 809 (2019). At 800 K linewidths of RbI reach
    0.4 THz and its κ_C levels off.
    """
    result = solve_springs(solver).result
    kappa_p, kappa_c = trace(result.kappa_p), trace(result.kappa_c)
    assert (np.diff(kappa_p) < 0).all()
    np.testing.assert_allclose(kappa_p[1] / kappa_p[2], 800 / 300, rtol=0.02)
    assert kappa_c[1] > 1.2 * kappa_c[0]
    assert kappa_c[2] == pytest.approx(kappa_c[1], rel=0.1)


def test_mode_conductivities_sum_to_the_conductivity(solved: Solved) -> None:
    result = solved.result
    summed = result.mode_kappa.sum(axis=(1, 2)) / result.weights.sum()
    np.testing.assert_allclose(summed, trace(result.kappa_p + result.kappa_c), rtol=1e-9)


def test_pairs_of_bands_sum_to_the_conductivity_at_every_temperature(solved: Solved) -> None:
    """From the record alone: frequencies, linewidths, pair velocities, volume."""
    result = solved.result
    for index in range(len(result.temperatures)):
        populations, coherences = pair_conductivities(result, index)
        for pairs in (populations, coherences):
            np.testing.assert_allclose(pairs, pairs.swapaxes(1, 2), rtol=1e-12, atol=1e-20)
        assert populations.sum() == pytest.approx(trace(result.kappa_p)[index], rel=1e-10)
        assert coherences.sum() == pytest.approx(trace(result.kappa_c)[index], rel=1e-10)
        modes = result.mode_kappa[index] / result.weights.sum()
        np.testing.assert_allclose(
            sum(mode_conductivities(result, index)), modes, rtol=1e-10, atol=1e-12 * modes.max()
        )


def test_pair_velocities_hold_the_group_velocities(solved: Solved) -> None:
    """phonopy's, of modes that are not degenerate; tolerance 1e-4: phonopy differentiates in steps."""
    result = solved.result
    expected = np.sqrt(velocities(solved.constants, result.q)[0])
    gaps = np.diff(result.frequencies, axis=1, prepend=-1, append=99)
    single = np.minimum(gaps[:, :-1], gaps[:, 1:]) > 1e-3
    single &= result.frequencies > 0.01
    assert single.sum() > 8
    found = speeds(result)
    np.testing.assert_allclose(found[single], expected[single], rtol=1e-4, atol=1e-3)
    assert result.volume == pytest.approx(restored(solved.constants).primitive.volume)


def test_linewidths_are_not_negative_and_vanish_for_no_moving_mode(solved: Solved) -> None:
    linewidths, frequencies = solved.result.linewidths, solved.result.frequencies
    assert (linewidths >= 0).all()
    assert (linewidths[:, frequencies > 0.01] > 0).all()


def test_grid_and_labels_belong_to_the_input(solved: Solved) -> None:
    result = solved.result
    assert result.weights.sum() == np.prod(result.mesh)
    assert result.linewidths.shape == result.mode_kappa.shape
    assert result.linewidths.shape == (len(result.temperatures), *result.frequencies.shape)
    assert result.isotopes is solved.settings.isotopes
    assert result.nac is (solved.constants.nac is not None)
    assert result.solver in names("solvers")
    assert result.solver_version


def test_frequencies_are_the_harmonic_ones(solved: Solved) -> None:
    """phonopy on the same force constants, NAC included; tolerance 1e-5 THz."""
    phonopy = harmonic_lattice(solved.constants)
    phonopy.run_qpoints(solved.result.q)
    frequencies = phonopy.qpoints.frequencies
    np.testing.assert_allclose(solved.result.frequencies, frequencies, rtol=0, atol=1e-5)


def velocities(constants: ForceConstants, q: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Squares of velocities as the BTE and as the Wigner equation see them, (THz·Å)².

    (nq, nb) of phonopy's group velocities, symmetrised by the little group of q, and
    (nq, nb, nb) |⟨e|∂D/∂q|e'⟩|² / (ω+ω')² of all pairs. On axes of symmetry they differ inside
    degenerate sets: symmetrisation drops what moves across the axis.
    """
    phonopy = harmonic_lattice(constants)
    phonopy.run_qpoints(q, with_group_velocities=True)
    plain = (np.array(phonopy.qpoints.group_velocities) ** 2).sum(axis=-1)
    derivative = DerivativeOfDynamicalMatrix(phonopy.dynamical_matrix)
    pairs = []
    for point, frequencies in zip(q, phonopy.qpoints.frequencies, strict=True):
        phonopy.dynamical_matrix.run(point)
        _, modes = np.linalg.eigh(phonopy.dynamical_matrix.dynamical_matrix)
        derivative.run(point)
        total = np.maximum(frequencies[:, None] + frequencies, 1e-2)
        scale = phonopy.unit_conversion_factor**2 / total
        elements = [modes.conj().T @ slope @ modes for slope in derivative.d_dynamical_matrix]
        pairs.append(sum(np.abs(element * scale) ** 2 for element in elements))
    return plain, np.array(pairs)


def populations(solved: Solved) -> tuple[FloatArray, FloatArray]:
    """κ of a solver's linewidths by the kinetic formula Σ c v² / (2πΓ) / (3 N V), (nT,) W/m/K.

    With the BTE's velocities, and with all pairs inside degenerate sets.
    """
    result = solved.result
    frequencies = result.frequencies
    plain, pairs = velocities(solved.constants, result.q)
    near = np.abs(frequencies[:, :, None] - frequencies[:, None, :]) < 1e-4  # THz
    whole = (pairs * near).sum(axis=2)
    moving = frequencies > 0.01
    volume = restored(solved.constants).primitive.volume
    kappa = []
    for temperature, linewidths in zip(result.temperatures, result.linewidths, strict=True):
        x = np.where(moving, frequencies, 1.0) * THZ_TO_EV / (KELVIN_TO_EV * temperature)
        heat = np.where(moving, KELVIN_TO_EV * (x / (2 * np.sinh(x / 2))) ** 2, 0.0)
        share = result.weights[:, None] * heat / (2 * np.pi * np.where(moving, linewidths, 1.0))
        kappa.append([(share * plain).sum(), (share * whole).sum()])
    bte, complete = np.transpose(kappa) * WATTS / (3 * result.weights.sum() * volume)
    return bte, complete


def test_silicon_conducts_as_published(solver: ModuleType) -> None:
    """119.5 W/m/K at 300 K: phono3py's example Si-PBE, 11×11×11, RTA without isotopes.

    The kinetic formula with the BTE's velocities and the solver's linewidths must give it: 0.1 %
    is the last digit. κ_P also holds the pairs of degenerate modes, of which phono3py's SMM19
    counts a half, 0.25 %; with κ_C it is 0.1 % more. Tolerance 1 %, and not less than the BTE.
    """
    published, solved = 119.5, solve_silicon(solver)
    bte, _ = populations(solved)
    assert bte[0] == pytest.approx(published, rel=1e-3)
    result = solved.result
    kappa_p, total = trace(result.kappa_p)[0], trace(result.kappa_p + result.kappa_c)[0]
    assert published < kappa_p < total < 1.01 * published


def test_populations_follow_from_the_linewidths(solver: ModuleType) -> None:
    """Linewidths hold isotopes and boundaries too, or κ_P would not follow from them.

    κ_P lies between the BTE and the full pairs of degenerate modes, which are 6 % here (5×5×5).
    Tolerance 1e-5: units to six digits.
    """
    solved = solve_springs(solver)
    bte, complete = populations(solved)
    kappa_p = trace(solved.result.kappa_p)
    assert (complete / bte < 1.07).all()
    assert (kappa_p > bte * (1 - 1e-5)).all()
    assert (kappa_p < complete * (1 + 1e-5)).all()


def test_isotopes_and_boundaries_resist(solver: ModuleType) -> None:
    """Boundary scattering adds v/(2πL) to each linewidth (Matthiessen), isotopes something."""
    mesh, temperatures = (3, 3, 3), [300.0]
    bare = solver.solve(springs(), mesh, temperatures, BARE)
    impure = ConductivitySettings(boundary_mean_free_path=None)
    isotopes = solver.solve(springs(), mesh, temperatures, impure)
    rough = ConductivitySettings(isotopes=False, boundary_mean_free_path=0.01)
    grains = solver.solve(springs(), mesh, temperatures, rough)
    assert (isotopes.linewidths >= bare.linewidths).all()
    assert np.median(isotopes.linewidths / np.maximum(bare.linewidths, 1e-12)) > 1.0001
    assert trace(isotopes.kappa_p)[0] < trace(bare.kappa_p)[0]
    assert trace(grains.kappa_p)[0] < trace(bare.kappa_p)[0]
    speed = np.sqrt(velocities(springs(), bare.q)[0])
    added = grains.linewidths[0] - bare.linewidths[0]
    gaps = np.diff(bare.frequencies, axis=1, prepend=-1, append=99)
    single = (
        np.minimum(gaps[:, :-1], gaps[:, 1:]) > 1e-3
    )  # the others have no velocity of their own
    assert single.sum() > 8
    expected = speed / (2 * np.pi * 100)  # 0.01 µm = 100 Å
    np.testing.assert_allclose(added[single], expected[single], rtol=1e-4, atol=1e-7)
    # what resists is also told apart
    assert bare.isotope_linewidths is bare.boundary_linewidths is None
    assert isotopes.boundary_linewidths is grains.isotope_linewidths is None
    for result, part in (
        (isotopes, isotopes.isotope_linewidths),
        (grains, grains.boundary_linewidths),
    ):
        assert part is not None
        difference = result.linewidths[0] - bare.linewidths[0]
        np.testing.assert_allclose(part, difference, rtol=1e-9, atol=1e-15)


def test_without_third_order_constants_there_is_no_conductivity(solver: ModuleType) -> None:
    with pytest.raises(TransportError, match="fc3 is missing") as missing:
        solver.solve(replace(silicon(), fc3=None), (2, 2, 2), [300.0], BARE)
    assert missing.value.kind == "transport"


def test_a_harmonic_crystal_is_said_to_be_one(solver: ModuleType) -> None:
    """Exactly harmonic, and with the noise of finite differences of a harmonic potential."""
    constants = silicon()
    assert constants.fc3 is not None
    noise = 1e-10 * np.random.default_rng(0).standard_normal(constants.fc3.shape)
    for fc3 in (np.zeros_like(constants.fc3), noise):
        with pytest.raises(TransportError, match="harmonic") as harmonic:
            solver.solve(replace(constants, fc3=fc3), (2, 2, 2), [300.0], BARE)
        assert harmonic.value.kind == "harmonic"


# ------------------------------------------------- phono3py's solver: what we add to its SMM19


def test_phono3pys_own_bte_gives_the_published_figure_and_our_linewidths() -> None:
    """Plain RTA (``transport_type=None``): 119.46, published 119.5 W/m/K (rounding: 0.05 %).

    Our run takes SMM19; both share the three-phonon rates, so that linewidths are equal.
    """
    theirs = restored(silicon())
    theirs.mesh_numbers = SILICON_MESH
    theirs.init_phph_interaction()
    theirs.run_thermal_conductivity(temperatures=[300.0], transport_type=None, log_level=0)
    plain = theirs.thermal_conductivity
    assert plain.kappa[0, 0, :3].mean() == pytest.approx(119.5, rel=5e-4)
    ours = solve_silicon(phono3py_solver)
    linewidths = ours.result.linewidths[0]
    np.testing.assert_allclose(linewidths, 2 * plain.gamma[0, 0], rtol=1e-6, atol=1e-12)
    bte = plain.kappa[0, 0, :3].mean()
    assert populations(ours)[0][0] == pytest.approx(bte, rel=1e-5)  # units: six digits


def test_the_wigner_factor_by_hand() -> None:
    """4ff'/(f+f')²: 1 for equal frequencies, 3/4 for 1 and 3, 0 where there is no phonon."""
    factor = wigner_factor(np.array([[1.0, 3.0, 3.0], [0.0, 2.0, -1.0]]))
    assert factor.shape == (2, 3, 3)
    np.testing.assert_allclose(factor[0], [[1, 0.75, 0.75], [0.75, 1, 1], [0.75, 1, 1]])
    np.testing.assert_array_equal(factor[1], [[0, 0, 0], [0, 1, 0], [0, 0, 0]])


def test_coherences_are_those_of_smm19_times_the_factor() -> None:
    """Σ over pairs written out as loops; phono3py alone would give more."""
    theirs = restored(springs())
    theirs.mesh_numbers = (3, 3, 3)
    theirs.init_phph_interaction()
    theirs.run_thermal_conductivity(temperatures=[300.0], transport_type="SMM19", log_level=0)
    pairs = theirs.thermal_conductivity.mode_kappa_matrix[0, 0, ..., 0]  # xx
    frequencies = theirs.thermal_conductivity.frequencies
    total = theirs.thermal_conductivity.grid_weights.sum()
    populations = coherences = uncorrected = 0.0
    for point, modes in zip(pairs, frequencies, strict=True):
        for s, f in enumerate(modes):
            for t, g in enumerate(modes):
                if f <= 0 or g <= 0:
                    continue
                if abs(f - g) < 1e-4:
                    populations += point[s, t] * 4 * f * g / (f + g) ** 2 / total
                else:
                    coherences += point[s, t] * 4 * f * g / (f + g) ** 2 / total
                    uncorrected += point[s, t] / total
    ours = phono3py_solver.solve(springs(), (3, 3, 3), [300.0], BARE)
    assert ours.kappa_p[0, 0, 0] == pytest.approx(populations, rel=1e-6)
    assert ours.kappa_c[0, 0, 0] == pytest.approx(coherences, rel=1e-6)
    assert uncorrected > 1.0005 * coherences  # else the factor could be 1
