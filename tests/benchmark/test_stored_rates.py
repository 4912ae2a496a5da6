"""Rates that phono3py stored, through our transport: what the solver finds, and the printed result.

La2Zr2O7: Simoncelli, Marzari, Mauri, Nat. Phys. 15, 809 (2019), phono3py's example Wigner-La2Zr2O7.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import pytest

from screen.benchmark.phono3py_results import read_harmonic, read_phono3py_gammas
from screen.benchmark.stored_rates import StoredRates, stored_rates_conductivity
from screen.benchmark.verdicts import carriers
from screen.core.errors import CatalogError, TransportError
from screen.core.records import Conductivity
from screen.core.registry import find
from screen.core.settings import ConductivitySettings
from screen.core.verdicts import Verdict
from tests.shared import dft_force_constants, shared_path

FOLDER = "dft/Wigner_La2Zr2O7_"
RATES = f"{FOLDER}kappa-m191919.hdf5"
MESH = (5, 5, 5)
BARE = ConductivitySettings(isotopes=False, boundary_mean_free_path=None)


@cache
def silicon() -> Conductivity:
    constants = dft_force_constants("Si-PBE")
    return find("solvers", "wigner").solve(constants, MESH, [300.0, 800.0], BARE)


def rates_of(record: Conductivity) -> StoredRates:
    return StoredRates(
        temperatures=record.temperatures,
        mesh=record.mesh,
        weights=record.weights,
        frequencies=record.frequencies,
        gamma=record.linewidths / 2,
    )


def test_the_rates_of_a_solution_give_its_conductivity_back_without_fc3() -> None:
    harmonic = replace(dft_force_constants("Si-PBE"), fc3=None)
    found = stored_rates_conductivity(harmonic, rates_of(silicon()), BARE)
    np.testing.assert_allclose(found.kappa_p, silicon().kappa_p, rtol=1e-12)
    np.testing.assert_allclose(found.kappa_c, silicon().kappa_c, rtol=1e-12)
    assert "stored" in found.solver


def test_isotopes_and_boundaries_are_added_to_stored_rates() -> None:
    harmonic = replace(dft_force_constants("Si-PBE"), fc3=None)
    found = stored_rates_conductivity(harmonic, rates_of(silicon()))
    assert found.isotope_linewidths is not None
    assert found.boundary_linewidths is not None
    added = found.isotope_linewidths + found.boundary_linewidths
    np.testing.assert_allclose(
        found.linewidths - silicon().linewidths, added[None] + 0 * found.linewidths, atol=1e-15
    )
    assert found.kappa_p[0, 0, 0] < silicon().kappa_p[0, 0, 0]


def test_rates_of_other_phonons_are_refused() -> None:
    harmonic = replace(dft_force_constants("Si-PBE"), fc3=None)
    given = rates_of(silicon())
    with pytest.raises(TransportError, match=r"differ by up to 0\.1 THz"):
        stored_rates_conductivity(harmonic, replace(given, frequencies=given.frequencies + 0.1))
    with pytest.raises(TransportError, match="multiplicities"):
        stored_rates_conductivity(harmonic, replace(given, weights=given.weights[::-1]))
    with pytest.raises(TransportError, match="same primitive cell and mesh"):
        stored_rates_conductivity(harmonic, replace(given, mesh=np.array([7, 7, 7])))


# ------------------------------------------------------------------------------ files


def write_rates(path: Path, rates: StoredRates) -> None:
    """The data sets of phono3py's own file."""
    with h5py.File(path, "w") as file:
        file["temperature"], file["mesh"] = rates.temperatures, rates.mesh
        file["weight"], file["frequency"] = rates.weights, rates.frequencies
        file["gamma"] = rates.gamma


def test_rates_are_read_as_phono3py_writes_them() -> None:
    found = read_phono3py_gammas(shared_path(RATES))
    assert found.temperatures.tolist() == [300.0, 1000.0]
    assert found.mesh.tolist() == [19, 19, 19]
    assert found.weights.sum() == 19**3
    assert found.gamma.shape == (2, 220, 66)
    assert found.frequencies.max() == pytest.approx(22.187, abs=1e-3)  # THz


def test_files_that_hold_no_rates_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="is no file of phono3py"):
        read_phono3py_gammas(tmp_path / "absent.hdf5")
    (tmp_path / "text.hdf5").write_text("no HDF5", encoding="utf-8")
    with pytest.raises(CatalogError, match="is no file of phono3py"):
        read_phono3py_gammas(tmp_path / "text.hdf5")
    rates = rates_of(silicon())
    write_rates(tmp_path / "kappa.hdf5", replace(rates, gamma=rates.gamma[:, 0]))
    with pytest.raises(CatalogError, match="temperatures × q-points × bands"):
        read_phono3py_gammas(tmp_path / "kappa.hdf5")
    with h5py.File(tmp_path / "kappa.hdf5", "a") as file:
        del file["gamma"]
    with pytest.raises(CatalogError, match="has no gamma"):
        read_phono3py_gammas(tmp_path / "kappa.hdf5")


def test_force_constants_of_another_supercell_are_refused(tmp_path: Path) -> None:
    poscar, fc2 = shared_path(f"{FOLDER}POSCAR"), shared_path(f"{FOLDER}fc2.hdf5")
    with pytest.raises(CatalogError, match="has 22; give the supercell of fc2"):
        read_harmonic(poscar, fc2, (1, 1, 1))
    with pytest.raises(CatalogError, match="absent does not exist"):
        read_harmonic(poscar, tmp_path / "absent", (1, 1, 1))
    shutil.copy(poscar, tmp_path / "fc2.hdf5")
    with pytest.raises(CatalogError, match="cannot be read"):
        read_harmonic(poscar, tmp_path / "fc2.hdf5", (1, 1, 1))


# ------------------------------------------------------------------------------ La2Zr2O7


@cache
def pyrochlore() -> Conductivity:
    constants = read_harmonic(
        shared_path(f"{FOLDER}POSCAR"),
        shared_path(f"{FOLDER}fc2.hdf5"),
        (4, 4, 4),
        shared_path(f"{FOLDER}BORN"),
    )
    return stored_rates_conductivity(constants, read_phono3py_gammas(shared_path(RATES)))


@pytest.mark.slow  # a minute of one core for 6859 phonons of 66 bands
def test_lanthanum_zirconate_has_the_printed_conductivities() -> None:
    """phono3py 2.3.1's output (tc_La2Zr2O7.out): isotopes, boundary 1 m; to the printed 0.001 W/m/K.

    Ours: κ_P = 1.91385, 0.57144; κ_C = 0.53298, 0.74310 at 300 and 1000 K.
    """
    found = pyrochlore()
    for tensors, printed in ((found.kappa_p, (1.914, 0.571)), (found.kappa_c, (0.533, 0.743))):
        for tensor, value in zip(tensors, printed, strict=True):
            np.testing.assert_allclose(tensor, value * np.eye(3), atol=5e-4)


@pytest.mark.slow
def test_lanthanum_zirconate_turns_from_mixed_to_wave_like() -> None:
    """κ_C/κ = 0.533/2.447 and 0.743/1.314 as printed; ±5e-4 W/m/K of κ_C and κ are 5e-4 of it.

    Where κ_C exceeds κ_P, modes beyond the Wigner limit carry most heat (ours: 13 and 69 %), and all
    are quasiparticles still.
    """
    found = carriers(pyrochlore())
    np.testing.assert_allclose(found.coherence_share, [0.533 / 2.447, 0.743 / 1.314], atol=5e-4)
    assert found.verdicts == (Verdict.MIXED, Verdict.WAVE_LIKE)
    assert found.wave_like[0] < 0.5 < found.wave_like[1]
    assert found.beyond_wigner[0] < found.beyond_wigner[1]
    assert found.beyond_ioffe_regel.tolist() == [0.0, 0.0]
