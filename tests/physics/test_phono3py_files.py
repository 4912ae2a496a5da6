"""Exported files, read back by phono3py itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import phono3py
import pytest

from screen.core.records import ForceConstants
from screen.core.settings import StabilitySettings
from screen.physics.phono3py_files import write_phono3py_files
from screen.physics.phonons import phonons_on_mesh
from tests.crystals import fcc, rocksalt
from tests.physics.analytic import exact_force_constants
from tests.shared import dft_force_constants

Q = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.1, 0.2, 0.3]])


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> phono3py.Phono3py:
    """What ``phono3py-load`` in that folder would work with."""
    monkeypatch.chdir(folder)
    return phono3py.load("phono3py_params.yaml", log_level=0)


def frequencies(constants: ForceConstants, lattice: phono3py.Phono3py) -> np.ndarray:
    """Frequencies by phono3py on our mesh points."""
    phonons = phonons_on_mesh(constants, (3, 3, 3), StabilitySettings())
    lattice.mesh_numbers = [3, 3, 3]
    lattice.init_phph_interaction()
    lattice.run_phonon_solver()
    theirs, _, points = lattice.get_phonon_data()
    addresses = lattice.grid.addresses / 3
    found = []
    for q in phonons.q:
        difference = addresses - q
        index = np.abs(difference - np.rint(difference)).max(axis=1).argmin()
        found.append(theirs[index])
    np.testing.assert_allclose(found, phonons.frequencies, atol=1e-6)
    return np.array(found)


@pytest.mark.parametrize("third_order", [True, False])
def test_force_constants_survive_the_way_through_the_files(
    third_order: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = exact_force_constants(rocksalt(5.9), (2, 2, 2), third_order)
    written = write_phono3py_files(constants, tmp_path / "LiBr")
    names = ["phono3py_params.yaml", "fc2.hdf5", "fc3.hdf5"]
    assert [path.name for path in written] == names[: 3 if third_order else 2]
    lattice = loaded(tmp_path / "LiBr", monkeypatch)
    np.testing.assert_array_equal(lattice.fc2, constants.fc2)
    if third_order:
        np.testing.assert_array_equal(lattice.fc3, constants.fc3)
    else:
        assert lattice.fc3 is None
    np.testing.assert_allclose(lattice.primitive_matrix, constants.primitive_matrix, atol=1e-12)
    frequencies(constants, lattice)


def test_two_supercells_keep_their_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    larger = exact_force_constants(fcc(3.65, 29), (3, 3, 3), third_order=False)
    smaller = exact_force_constants(fcc(3.65, 29), (2, 2, 2))
    constants = ForceConstants(
        unitcell=larger.unitcell,
        primitive_matrix=larger.primitive_matrix,
        fc3_supercell=smaller.fc3_supercell,
        fc2_supercell=larger.fc2_supercell,
        fc2=larger.fc2,
        fc3=smaller.fc3,
    )
    write_phono3py_files(constants, tmp_path)
    lattice = loaded(tmp_path, monkeypatch)
    assert (len(lattice.phonon_supercell), len(lattice.supercell)) == (108, 32)
    np.testing.assert_array_equal(lattice.fc2, larger.fc2)
    np.testing.assert_array_equal(lattice.fc3, smaller.fc3)
    assert frequencies(constants, lattice).max() > 5


def test_born_charges_are_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NaCl (DFT, phono3py example): with NAC the optical modes split near Γ by some THz."""
    constants = dft_force_constants("NaCl-rd")
    assert constants.nac is not None
    write_phono3py_files(constants, tmp_path)
    lattice = loaded(tmp_path, monkeypatch)
    np.testing.assert_allclose(lattice.nac_params["born"], constants.nac.born, atol=1e-9)
    np.testing.assert_allclose(
        lattice.nac_params["dielectric"], constants.nac.dielectric, atol=1e-9
    )
    assert lattice.nac_params["factor"] == pytest.approx(constants.nac.factor)
    np.testing.assert_array_equal(lattice.fc3, constants.fc3)
    frequencies(constants, lattice)
