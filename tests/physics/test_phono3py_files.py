"""Exported files, read back by phono3py itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import phono3py
import pytest
from phonopy.harmonic.dynamical_matrix import get_dynamical_matrix

from screen.core.records import ForceConstants, Nac
from screen.physics.phono3py_files import write_phono3py_files
from screen.physics.phonons import harmonic_lattice
from tests.crystals import fcc, rocksalt
from tests.physics.analytic import exact_force_constants

Q = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.1, 0.2, 0.3]])


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> phono3py.Phono3py:
    """What ``phono3py-load`` in that folder would work with."""
    monkeypatch.chdir(folder)
    return phono3py.load("phono3py_params.yaml", log_level=0)


def frequencies(constants: ForceConstants, lattice: phono3py.Phono3py) -> np.ndarray:
    """Frequencies at Q of what was loaded, which must be ours."""
    matrix = get_dynamical_matrix(
        lattice.fc2, lattice.phonon_supercell, lattice.phonon_primitive, lattice.nac_params
    )
    ours = harmonic_lattice(constants)
    ours.run_qpoints(Q)
    squares = []
    for q in Q:
        matrix.run(q)
        squares.append(np.linalg.eigvalsh(matrix.dynamical_matrix))
    found = np.sign(squares) * np.sqrt(np.abs(squares)) * ours.unit_conversion_factor
    np.testing.assert_allclose(found, ours.qpoints.frequencies, atol=1e-5)
    return found


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
    """Charges of ±1 and ε = 2.5: without them the frequencies at q ≠ 0 would differ."""
    born = np.array([np.eye(3), -np.eye(3)])
    plain = exact_force_constants(rocksalt(5.9), (2, 2, 2))
    constants = replace(plain, nac=Nac(born, 2.5 * np.eye(3)))
    assert constants.nac is not None
    write_phono3py_files(constants, tmp_path)
    lattice = loaded(tmp_path, monkeypatch)
    np.testing.assert_allclose(lattice.nac_params["born"], constants.nac.born, atol=1e-9)
    np.testing.assert_allclose(
        lattice.nac_params["dielectric"], constants.nac.dielectric, atol=1e-9
    )
    assert lattice.nac_params["factor"] == pytest.approx(constants.nac.factor)
    with_charges = frequencies(constants, lattice)
    lattice.nac_params = None
    assert np.abs(with_charges - frequencies(plain, lattice)).max() > 0.1
