"""The whole post-processing on other codes' forces, against what they stored and published.

MACE-MP-0b (k_SRME's "MACE-agnesi-medium"): forces and results of Póta et al., arXiv 2408.00755, by
phono3py 3. The cell in which they were computed was not recorded; that of DFT stands in for it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from screen.benchmark.conformance import (
    Conformance,
    compare_modes,
    run_conformance,
    solve_force_set,
)
from screen.benchmark.conformance_table import COLUMNS, conformance_row, conformance_table
from screen.benchmark.force_sets import ForceSet, StoredResult, read_force_set
from screen.benchmark.references import ModeReference, read_references
from screen.benchmark.stored_results import (
    compare_with_stored,
    conforms,
    frequency_difference,
    implied_stretch,
)
from screen.core.published import PublishedScore, published_of
from screen.core.records import Conductivity
from screen.core.settings import ConductivitySettings, Protocol, protocol_named
from screen.core.voigt import to_voigt
from screen.solvers import wigner
from tests.benchmark.springs_forces import copper_arrays, write_arrays
from tests.shared import dft_force_constants, shared_path

MESH = np.array([3, 3, 3])
PROTOCOL = protocol_named("ksrme-2024")
BARE = ConductivitySettings(isotopes=False, boundary_mean_free_path=None)
MODEL = "MACE-agnesi-medium"
COMPOUNDS = ("GaAs-zb", "RbF-rs", "LiBr-rs", "MgO-rs", "SiC-zb", "BeTe-zb", "BeO-wz", "ZnO-wz")
LOST_TIES = "BeTe-zb"  # see tests/physics/test_stored_forces.py
LOST_KAPPA = (1.46 - 0.33) / 58.4  # of its κ, in one star of modes, from there too


def solve(found: ForceSet) -> Conductivity:
    """Conductivity of a force set that is stable."""
    conductivity = solve_force_set(found, PROTOCOL).conductivity
    assert conductivity is not None
    return conductivity


def published() -> dict[str, PublishedScore]:
    return {score.compound: score for score in published_of(MODEL)}


@cache
def references(nac: bool) -> dict[str, ModeReference]:
    """DFT modes of all compounds."""
    return read_references(shared_path("phonondb"), nac)


def check_alone(compound: str, folder: Path) -> Conformance:
    """Run one compound of MACE-MP-0b as the command does."""
    shutil.copy(shared_path(f"mace_mp_0b_forces/{compound}.npz"), folder)
    (found,) = run_conformance(
        folder, nac=True, references=references(nac=True), published=published()
    )
    print(json.dumps(conformance_row(found), ensure_ascii=False))  # pytest -s shows the figures
    return found


@pytest.mark.slow
@pytest.mark.parametrize("compound", COMPOUNDS)
def test_stored_forces_of_mace_give_the_stored_and_the_published_results(
    compound: str, tmp_path: Path
) -> None:
    """Frequencies, split of κ, modes, and SRME against DFT with NAC.

    GaAs: κ 0.04 % off, SRME 0.4780 instead of 0.4779. A per cent of the lattice parameter is one of
    κ, hence up to 0.01 of SRE and of SRME; the other tolerances are for isotopes in phono3py 3.
    """
    found = check_alone(compound, tmp_path)
    assert found.status == "complete"
    stored, score = found.stored, found.published
    assert score is not None
    # stored κ is the published one, to its four digits
    assert stored.kappa_300 == pytest.approx(score.kappa_300, abs=6e-5)
    assert stored.frequency_difference is not None
    assert stored.frequency_difference < 1e-6  # THz
    lost = LOST_KAPPA if compound == LOST_TIES else 0.0
    assert stored.kappa_p_ratio == pytest.approx(1 - lost, abs=0.02)
    assert stored.conforms is (compound != LOST_TIES)
    at_our_kappa, at_stored_kappa = (0.03, 0.03) if compound == LOST_TIES else (0.02, 0.005)
    assert found.srme_300 == pytest.approx(score.srme, abs=at_our_kappa)
    assert srme_at_stored_kappa(found) == pytest.approx(score.srme, abs=at_stored_kappa)


def srme_at_stored_kappa(found: Conformance) -> float | None:
    """SRME against DFT as if in the cell of the forces, which scales all modes alike."""
    assert found.solved is not None
    ours = found.solved.conductivity
    assert ours is not None
    assert found.stored.kappa_300 is not None
    assert found.solved.kappa_300 is not None
    factor = found.stored.kappa_300 / found.solved.kappa_300
    scaled = replace(ours, mode_kappa=factor * ours.mode_kappa)
    return compare_modes(scaled, references(nac=True)[found.compound])


@pytest.mark.parametrize("compound", COMPOUNDS)
def test_stored_modes_give_the_published_srme_against_dft_with_nac(compound: str) -> None:
    """To the published four digits; without NAC it is up to 0.033 off (BeTe)."""
    found = read_force_set(shared_path(f"mace_mp_0b_forces/{compound}.npz"))
    modes, score = found.stored.mode_kappa, published()[compound]
    assert modes is not None
    with_nac, without = (references(nac)[compound] for nac in (True, False))
    errors = [
        2 * np.abs(modes - other.mode_kappa).sum() / (modes + other.mode_kappa).sum()
        for other in (with_nac, without)
    ]
    assert errors[0] == pytest.approx(score.srme, abs=6e-5)
    assert abs(errors[1] - score.srme) > 5e-4


# ---------------------------------------------------------------- small crystals, any code's files


def test_a_result_stored_with_its_cell_conforms(tmp_path: Path) -> None:
    """What we store of springs is what we find, and an altered κ_P, mode or frequency is not."""
    path = write_arrays(tmp_path / "Cu.npz", mesh=MESH)
    ours = solve(read_force_set(path))
    results = {
        "frequencies": ours.frequencies[:, ::-1],
        "kappa_P_RTA": to_voigt(ours.kappa_p[0]),
        "kappa_C": to_voigt(ours.kappa_c[0]),
        "mode_kappa_TOT": np.repeat(ours.mode_kappa[..., None], 6, axis=-1),
    }
    shifted = results["mode_kappa_TOT"].copy()
    shifted[0, :, 0] *= 1.5
    cases = [
        ({}, True),
        ({"kappa_P_RTA": 1.02 * results["kappa_P_RTA"]}, False),
        ({"frequencies": results["frequencies"] + 1e-5}, False),
        ({"mode_kappa_TOT": shifted}, False),
    ]
    for changed, expected in cases:
        write_arrays(path, mesh=MESH, **{**results, **changed})
        (found,) = run_conformance(tmp_path)
        assert found.status == "complete"
        assert found.stored.conforms is expected
        assert found.stored.stretch is None  # the file has its cell


def test_nothing_stored_is_nothing_to_conform_to(tmp_path: Path) -> None:
    write_arrays(tmp_path / "Cu.npz", mesh=MESH)
    (found,) = run_conformance(tmp_path)
    assert found.stored.conforms is None
    assert found.srd_300 is None  # copper is no benchmark compound
    assert found.srme_300 is None
    assert found.cpu_s > 0


@pytest.mark.parametrize("solver", ["wigner", "phono3py"])
def test_either_solver_serves(solver: str, tmp_path: Path) -> None:
    """Copper: phono3py's SMM19 counts half of the pairs of degenerate modes, 0.5 % of κ here.

    Tolerance 1 %; see tests/contract/test_solvers.py.
    """
    write_arrays(tmp_path / "Cu.npz", mesh=MESH)
    settings = PROTOCOL.conductivity.model_copy(update={"solver": solver})
    protocol = PROTOCOL.model_copy(update={"conductivity": settings})
    (found,) = run_conformance(tmp_path, protocol)
    assert found.solved is not None
    assert found.solved.conductivity is not None
    assert found.solved.conductivity.solver == solver
    expected = solve(read_force_set(tmp_path / "Cu.npz"))
    ours = np.trace(expected.kappa_p[0] + expected.kappa_c[0]) / 3
    assert found.solved.kappa_300 == pytest.approx(ours, rel=0.01)


def test_one_bad_file_does_not_stop_the_others_and_an_unstable_crystal_scores_two(
    tmp_path: Path,
) -> None:
    forces = copper_arrays()["fc2_forces"]
    write_arrays(tmp_path / "a-bad.npz", fc3_forces=None)
    write_arrays(tmp_path / "b-short.npz", fc3_forces=np.zeros((3, 32, 3)))
    write_arrays(tmp_path / "c-unstable.npz", fc2_forces=-forces, mesh=MESH)
    write_arrays(tmp_path / "d-good.npz", mesh=MESH)
    reference = references_of_itself(tmp_path / "d-good.npz", "c-unstable")
    results = list(run_conformance(tmp_path, references={"c-unstable": reference}))
    assert [result.status for result in results] == ["failed", "failed", "unstable", "complete"]
    kinds = [result.failure and result.failure.kind for result in results]
    assert kinds == ["force_set", "force_set", "imaginary_modes", None]
    unstable = results[2]
    assert (unstable.srd_300, unstable.srme_300) == (-2, 2)
    table = conformance_table(results)
    assert table.column_names == [column.name for column in COLUMNS]
    rows = table.to_pylist()
    assert rows[0]["message"].startswith(str(tmp_path / "a-bad.npz"))
    assert [row["kappa_300"] is None for row in rows] == [True, True, True, False]
    assert (rows[2]["sre_300"], rows[2]["srme_300"], rows[2]["stable"]) == (2, 2, False)
    json.dumps([conformance_row(result) for result in results], allow_nan=False)


def references_of_itself(path: Path, compound: str) -> ModeReference:
    """Reference that is exactly our own result."""
    ours = solve(read_force_set(path))
    return ModeReference(compound, ours.q, ours.weights, ours.frequencies, ours.mode_kappa[0])


def test_modes_are_compared_on_the_same_points_only(tmp_path: Path) -> None:
    """SRME against ourselves is 0; by hand where half of the reference is missing: 2/3."""
    path = write_arrays(tmp_path / "Cu.npz", mesh=MESH)
    ours, reference = solve(read_force_set(path)), references_of_itself(path, "Cu")
    assert compare_modes(ours, reference) == pytest.approx(0, abs=1e-12)
    half = replace(reference, mode_kappa=reference.mode_kappa / 2)
    assert compare_modes(ours, half) == pytest.approx(2 * 0.5 / 1.5)
    assert compare_modes(None, reference) == 2
    assert compare_modes(ours, replace(reference, q=reference.q + 0.01)) is None
    assert compare_modes(ours, replace(reference, q=reference.q[1:])) is None


def test_frequencies_are_compared_in_any_order_of_bands_and_on_whole_grids() -> None:
    ours = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert frequency_difference(ours, ours[:, ::-1]) == 0
    assert frequency_difference(ours, ours + 1e-3) == pytest.approx(1e-3)
    grid = ours[[0, 1, 1, 0, 1]]
    assert frequency_difference(ours, grid) == 0
    grid[2, 0] += 0.1  # a point of the grid that no irreducible point has
    assert frequency_difference(ours, grid) == pytest.approx(0.1)
    assert frequency_difference(ours, np.ones((2, 3))) == np.inf


def test_the_cell_that_was_not_recorded_follows_from_the_conductivity() -> None:
    """AlN, DFT: the same force constants in a cell of −1 % in a and +1 % in c.

    κ_ii ∝ s_i²/(s_x s_y s_z). Tolerance 1e-6; a uniform stretch of 2 % is 2 % in κ, not 6 %.
    """
    constants = dft_force_constants("AlN-LDA")
    constants = replace(constants, nac=None)
    mesh = (3, 3, 2)

    def kappa(stretch: np.ndarray) -> Conductivity:
        cell = constants.unitcell
        stretched = cell.with_lattice(cell.lattice * stretch)
        return wigner.solve(replace(constants, unitcell=stretched), mesh, [300.0], BARE)

    reference = kappa(np.ones(3))
    for stretch in (np.array([0.99, 0.99, 1.01]), np.full(3, 1.02)):
        changed = kappa(stretch)
        found = implied_stretch(np.diagonal(reference.kappa_p[0]), np.diagonal(changed.kappa_p[0]))
        np.testing.assert_allclose(found, stretch, rtol=1e-6)
        np.testing.assert_allclose(changed.linewidths, reference.linewidths, rtol=1e-6, atol=1e-12)
    ratio = np.trace(changed.kappa_p[0]) / np.trace(reference.kappa_p[0])
    assert ratio == pytest.approx(1 / 1.02)


def test_without_the_cell_only_the_split_of_kappa_counts() -> None:
    assert conforms(1e-8, 0.98, 0.981, 0.001, own_cell=False) is True
    assert conforms(1e-8, 0.98, 0.981, 0.001, own_cell=True) is False
    assert conforms(1e-8, 1.0, 1.02, 0.001, own_cell=False) is False
    assert conforms(None, 1.0, None, None, own_cell=False) is None


def test_an_unstable_crystal_does_not_conform_to_a_stored_conductivity(tmp_path: Path) -> None:
    forces = copper_arrays()["fc2_forces"]
    path = write_arrays(tmp_path / "Cu.npz", fc2_forces=-forces, mesh=MESH)
    found = read_force_set(path)
    solved = solve_force_set(found, PROTOCOL)
    assert compare_with_stored(found, solved.phonons, None).conforms is None
    stored = replace(found, stored=StoredResult(kappa_p=np.ones(3)))
    assert compare_with_stored(stored, solved.phonons, None).conforms is False


# ------------------------------------------------------------------------------------- DFT forces


def silicon(folder: Path) -> ForceSet:
    """Si, PBE: FORCES_FC3 of phono3py's example."""
    (folder / "Si").mkdir()
    for name in ("FORCES_FC3", "phono3py_disp.yaml"):
        shutil.copy(shared_path(f"dft/Si-PBE_{name}"), folder / "Si" / name)
    return read_force_set(folder / "Si")


def bare(protocol: Protocol = PROTOCOL) -> Protocol:
    """Three-phonon scattering alone, as in phono3py's examples."""
    return protocol.model_copy(update={"conductivity": BARE})


def test_forces_of_dft_give_the_published_conductivity_of_silicon(tmp_path: Path) -> None:
    """Phono3py's example Si-PBE, 300 K, 11×11×11, BTE without isotopes: 119.5 W/m/K.

    The Wigner equation also counts pairs of degenerate modes and coherences, 0.4 % here; it is
    never below. The example's fc3 is not symmetrised by turns as ours: tolerance 1 %.
    """
    found = replace(silicon(tmp_path), mesh=np.full(3, 11))
    assert solve_force_set(found, bare()).kappa_300 == pytest.approx(119.5, rel=0.01)


@pytest.mark.slow
def test_forces_of_dft_give_the_conductivity_of_silicon_that_phono3py_computes(
    tmp_path: Path,
) -> None:
    """19×19×19, 300 K: phono3py 4.10's own way from the same files gives 133.71 W/m/K, we 134.42.

    Tolerance 1 %, as above. 130.1, which is told of this example and mesh, is 3 % below both.
    """
    import phono3py

    found = silicon(tmp_path)
    theirs = phono3py.load(
        tmp_path / "Si" / "phono3py_disp.yaml",
        forces_fc3_filename=tmp_path / "Si" / "FORCES_FC3",
        log_level=0,
    )
    theirs.mesh_numbers = [19, 19, 19]
    theirs.init_phph_interaction()
    theirs.run_thermal_conductivity(temperatures=[300.0], transport_type=None, log_level=0)
    expected = theirs.thermal_conductivity.kappa[0, 0, :3].mean()
    ours = solve_force_set(replace(found, mesh=np.full(3, 19)), bare()).kappa_300
    print(expected, ours)
    assert ours == pytest.approx(expected, rel=0.01)


@pytest.mark.slow
def test_random_displacements_of_dft_give_the_published_conductivity_of_sodium_chloride() -> None:
    """Phono3py's example NaCl-rd: 8.3 W/m/K at 300 K, --mesh 50, symfc, with Born charges.

    The published figure is of the Boltzmann equation, hence κ_P; κ_C is 1.2 % of it. Two digits are
    published: tolerance 1 %.
    """
    found = read_force_set(shared_path("dft/NaCl-rd_phono3py_params_NaCl.yaml.xz"))
    solved = solve_force_set(found, bare(), nac=True)
    print(solved.phonons.mesh, solved.kappa_p_300, solved.kappa_c_300)
    assert solved.kappa_p_300 == pytest.approx(8.3, rel=0.01)
