"""Force sets in all layouts: the same forces give the same force constants, errors say what to do."""

from __future__ import annotations

import lzma
import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from ase.calculators.calculator import Calculator

from screen.benchmark.force_sets import (
    DisplacedForces,
    OrderedForces,
    find_force_sets,
    name_of,
    read_force_set,
)
from screen.benchmark.from_forces import force_constants_of, number_of_supercells
from screen.core.errors import ForceConstantsError, SettingsError
from screen.physics.convert import from_ase, to_ase
from screen.physics.displacements import lattice_dynamics
from tests.benchmark.springs_forces import (
    COPPER,
    DOUBLE,
    SETTINGS,
    displaced,
    forces_on,
    write_arrays,
    write_displacements_and_forces,
    write_params,
)
from tests.crystals import rocksalt
from tests.physics.analytic import SPRINGS, exact_force_constants, without_stress
from tests.shared import shared_path


def stored_arrays(n_fc2: int = 2) -> dict[str, Any]:
    """Arrays of LiBr under ksrme-2024 as the catalog has it, without cell."""
    return {"fc2_forces": np.zeros((n_fc2, 512, 3)), "fc3_forces": np.zeros((146, 64, 3))}


def test_files_and_folders_are_found_by_name(tmp_path: Path) -> None:
    for name in ("LiBr-rs.npz", "phono3py_params_MgO-rs.yaml.xz", "NaCl-rs.yaml", "notes.txt"):
        (tmp_path / name).touch()
    for folder, file in (("Si", "phono3py_disp.yaml"), ("Ge", "phono3py_params.yaml")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / file).touch()
    (tmp_path / "Si" / "FORCES_FC3").touch()
    (tmp_path / "empty").mkdir()
    names = [name_of(path) for path in find_force_sets(tmp_path)]
    assert sorted(names) == ["Ge", "LiBr-rs", "MgO-rs", "NaCl-rs", "Si"]


def test_a_folder_without_force_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no folder .*give the folder of the force sets"):
        find_force_sets(tmp_path / "absent")
    (tmp_path / "POSCAR").touch()
    with pytest.raises(SettingsError, match=r"holds no force set.*docs/conformance\.md"):
        find_force_sets(tmp_path)


def test_two_force_sets_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("LiBr-rs.npz", "LiBr-rs.yaml"):
        (tmp_path / name).touch()
    with pytest.raises(SettingsError, match=r"both called 'LiBr-rs': rename one"):
        find_force_sets(tmp_path)


def test_a_file_without_cell_takes_that_of_the_catalog(tmp_path: Path) -> None:
    """By the file's name, or by ``mp_id`` where the name says nothing."""
    for name, extra in (("LiBr-rs", {}), ("mine", {"mp_id": "mp-23259"})):
        path = tmp_path / f"{name}.npz"
        np.savez(path, **stored_arrays(), **extra)
        found = read_force_set(path)
        assert (found.compound, found.own_cell, len(found.unitcell)) == ("LiBr-rs", False, 8)
        assert np.diag(found.fc2_supercell).tolist() == [4, 4, 4]
        assert np.diag(found.fc3_supercell).tolist() == [2, 2, 2]
        assert found.mesh is not None
        assert found.mesh.tolist() == [19, 19, 19]


def test_a_file_may_bring_its_own_cell_and_name(tmp_path: Path) -> None:
    found = read_force_set(write_arrays(tmp_path / "Cu.npz", mesh=np.array([5, 5, 5])))
    assert (found.compound, found.own_cell, found.unitcell) == ("Cu", True, COPPER)
    assert found.mesh is not None
    assert found.mesh.tolist() == [5, 5, 5]
    assert number_of_supercells(found.forces) == 38


@pytest.mark.parametrize(
    ("changed", "message", "kind"),
    [
        (
            {"fc3_forces": None},
            "holds no fc3_forces; it holds fc2_forces, fc2_supercell",
            "force_set",
        ),
        (
            {"fc3_forces": np.full((37, 32, 3), np.nan)},
            r"fc3_forces of supercell 0 \(from 0\) is not finite, 37 of 37 in all",
            "force_set",
        ),
        (
            {"fc3_forces": np.zeros((37, 96))},
            r"fc3_forces must be of shape \(n, n_atoms, 3\)",
            "force_set",
        ),
        ({"lattice": None}, "'Cu' is no benchmark compound; name the file", "unknown_compound"),
        ({"fc2_supercell": None}, r"holds no fc2_supercell: .*\(3,\) or \(3, 3\)", "force_set"),
        ({"mesh": np.array([5, 0, 5])}, "mesh must be three positive numbers", "force_set"),
        ({"kappa_C": np.ones(3)}, "kappa_C must be xx, yy, zz, yz, xz, xy", "force_set"),
        (
            {"mode_kappa_TOT": np.ones((4, 2))},
            r"mode_kappa_TOT must be of shape \(1, nq, nb, 6\)",
            "force_set",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_why(
    changed: dict[str, Any], message: str, kind: str, tmp_path: Path
) -> None:
    path = write_arrays(tmp_path / "Cu.npz", **changed)
    with pytest.raises(ForceConstantsError, match=rf"Cu\.npz: {message}") as caught:
        read_force_set(path)
    assert caught.value.kind == kind


def test_a_file_that_contradicts_itself_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "LiBr-rs.npz", **stored_arrays(), mp_id="mp-1265")
    with pytest.raises(ForceConstantsError, match=r"mp-1265 is not that of LiBr-rs, mp-23259"):
        read_force_set(tmp_path / "LiBr-rs.npz")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "LiBr-rs.npz").write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(ForceConstantsError, match=r"LiBr-rs\.npz: cannot be read"):
        read_force_set(tmp_path / "LiBr-rs.npz")
    for text in ("[1, 2", "a: 1\n"):
        (tmp_path / "Si.yaml").write_text(text, "utf-8")
        with pytest.raises(ForceConstantsError, match=r"Si\.yaml: (is no file of|holds no unit)"):
            read_force_set(tmp_path / "Si.yaml")


@pytest.mark.parametrize(
    ("name", "forces", "expected"),
    [
        ("fc3_forces", np.zeros((36, 32, 3)), r"fc3 needs .* \(37, 32, 3\), got \(36, 32, 3\)"),
        ("fc2_forces", np.zeros((1, 31, 3)), r"fc2 needs .* \(1, 32, 3\), got \(1, 31, 3\)"),
    ],
)
def test_a_wrong_number_of_supercells_or_atoms_is_named(
    name: str, forces: np.ndarray, expected: str, tmp_path: Path
) -> None:
    found = read_force_set(write_arrays(tmp_path / "Cu.npz", **{name: forces}))
    with pytest.raises(ForceConstantsError, match=rf"Cu\.npz: {expected}.*phono3py at 0\.03 Å"):
        force_constants_of(found, SETTINGS)


def test_all_layouts_of_the_same_forces_give_the_same_force_constants(tmp_path: Path) -> None:
    """``.npz``, a params file, compressed, and FORCES_FC3, to the digits that the texts have."""
    write_arrays(tmp_path / "arrays.npz")
    params = write_params(tmp_path / "params.yaml", displaced())
    (tmp_path / "packed.yaml.xz").write_bytes(lzma.compress(params.read_bytes()))
    write_displacements_and_forces(tmp_path / "disp")
    found = {
        name_of(path): force_constants_of(read_force_set(path), SETTINGS)
        for path in find_force_sets(tmp_path)
    }
    assert sorted(found) == ["arrays", "disp", "packed", "params"]
    first = found.pop("arrays")
    assert first.fc3 is not None
    for constants in found.values():
        assert constants.fc3 is not None
        np.testing.assert_allclose(constants.fc2, first.fc2, atol=1e-7)
        np.testing.assert_allclose(constants.fc3, first.fc3, atol=1e-5)


def test_random_displacements_of_a_file_are_fitted(tmp_path: Path) -> None:
    """Copper at 0.01 Å by symfc against the exact derivatives; measured 0.3 %."""
    phono3py = lattice_dynamics(COPPER, DOUBLE, DOUBLE)
    for generate in (phono3py.generate_displacements, phono3py.generate_fc2_displacements):
        generate(distance=0.01, number_of_snapshots=16, random_seed=1)
    phono3py.forces = forces_on(phono3py.supercells_with_displacements)
    phono3py.phonon_forces = forces_on(phono3py.phonon_supercells_with_displacements)
    found = read_force_set(write_params(tmp_path / "Cu.yaml", phono3py))
    assert isinstance(found.forces, DisplacedForces)
    assert number_of_supercells(found.forces) == 32
    constants, exact = (
        force_constants_of(found, SETTINGS),
        exact_force_constants(COPPER, (2, 2, 2)),
    )
    for ours, theirs in ((constants.fc2, exact.fc2), (constants.fc3, exact.fc3)):
        assert ours is not None
        assert theirs is not None
        assert np.abs(ours - theirs).max() < 0.01 * np.abs(theirs).max()


def test_displacements_without_forces_are_refused(tmp_path: Path) -> None:
    phono3py = lattice_dynamics(COPPER, DOUBLE, DOUBLE)
    phono3py.generate_displacements(distance=0.03)
    phono3py.save(str(tmp_path / "Cu.yaml"), settings={"displacements": True})
    with pytest.raises(ForceConstantsError, match=r"Cu\.yaml: holds no forces for fc3"):
        read_force_set(tmp_path / "Cu.yaml")


def test_forces_of_a_file_of_phono3py_are_checked(tmp_path: Path) -> None:
    """A force that is no number, too few of them, units of another code."""
    text = write_params(tmp_path / "good.yaml", displaced()).read_text("utf-8")
    first = text.index("forces:")
    line = text.index("- [", first)
    end = text.index("\n", line)
    for changed, message in (
        (text[:line] + "- [ .nan, 0, 0 ]" + text[end:], "is not finite"),
        (text[:line] + text[end + 1 :].lstrip(), r"shape \(31, 3\), its 32 atoms need \(32, 3\)"),
        (text_in_bohr(), "in the units of qe; convert it to Å and eV/Å"),
    ):
        (tmp_path / "Cu.yaml").write_text(changed, "utf-8")
        with pytest.raises(ForceConstantsError, match=rf"Cu\.yaml: .*{message}"):
            read_force_set(tmp_path / "Cu.yaml")


def text_in_bohr() -> str:
    """Displacements as phono3py makes them for Quantum ESPRESSO."""
    phono3py = lattice_dynamics(COPPER, DOUBLE, DOUBLE)
    theirs = type(phono3py)(phono3py.unitcell, DOUBLE, "F", calculator="qe", log_level=0)
    theirs.generate_displacements(distance=0.06)
    return str(theirs.to_phono3py_yaml(settings={"displacements": True}))


def test_forces_that_do_not_fit_the_displacements_are_named(tmp_path: Path) -> None:
    folder = write_displacements_and_forces(tmp_path / "Cu")
    lines = (folder / "FORCES_FC3").read_text("utf-8").splitlines()
    (folder / "FORCES_FC3").write_text("\n".join(lines[:-1]), "utf-8")
    with pytest.raises(ForceConstantsError, match="FORCES_FC3: does not fit the displacements"):
        read_force_set(folder)


def test_born_charges_of_a_file_count_only_when_asked_for() -> None:
    """NaCl of phono3py's examples."""
    path = shared_path("dft/NaCl-rd_phono3py_params_NaCl.yaml.xz")
    forces = read_force_set(path).forces
    assert isinstance(forces, DisplacedForces)
    assert forces.nac is not None
    assert forces.nac.born.shape == (2, 3, 3)
    assert number_of_supercells(forces) == 102  # 100 for fc3, 2 for fc2: shared/data/README.md


def test_stored_results_are_read_beside_the_forces() -> None:
    found = read_force_set(shared_path("mace_mp_0b_forces/LiBr-rs.npz"))
    assert isinstance(found.forces, OrderedForces)
    assert found.forces.fc3.shape == (146, 64, 3)
    stored = found.stored
    assert stored.kappa_p is not None
    assert stored.mode_kappa is not None
    assert stored.mode_kappa.shape == (220, 6)
    assert stored.kappa_p.mean() == pytest.approx(1.65604, abs=1e-5)


class Springs(Calculator):
    """Springs as somebody else's ASE calculator."""

    implemented_properties: ClassVar[list[str]] = ["forces"]

    def calculate(self, *arguments: Any) -> None:
        super().calculate(*arguments)
        assert self.atoms is not None
        self.results = {"forces": SPRINGS.evaluate([from_ase(self.atoms)]).forces[0]}


@pytest.mark.filterwarnings("ignore:primitive_matrix defaulted")  # though it is given
def test_the_program_of_the_docs_writes_a_force_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run as written; ``LiBr.vasp`` and ``calculator`` are what the page says is the user's."""
    page = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text("utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    salt = without_stress(rocksalt, 5.5, 6.3)
    to_ase(salt).write("LiBr.vasp", direct=True)
    (tmp_path / "forces").mkdir()
    exec(program, {"calculator": Springs()})
    (path,) = find_force_sets(tmp_path / "forces")
    found = read_force_set(path)
    assert (found.compound, found.own_cell) == ("LiBr-rs", True)
    assert number_of_supercells(found.forces) == 2 + 146
    np.testing.assert_allclose(found.unitcell.lattice, salt.lattice, atol=1e-9)
    assert np.diag(found.fc2_supercell).tolist() == [4, 4, 4]
