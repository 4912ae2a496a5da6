"""Every potential family, one contract: what relaxation and force constants rely on."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.data import chemical_symbols
from scipy.spatial.transform import Rotation

from screen.core.crystal import Crystal
from screen.core.errors import ModelUnavailableError, UnsupportedElementError
from screen.core.protocols import ForceField
from screen.core.records import Evaluation
from screen.core.registry import find, names
from screen.core.settings import ModelSettings
from tests.crystals import rocksalt, wurtzite
from tests.models.networks import write_random_mace

FAMILIES = names("models")

# All adapters evaluate in float64. What remains are the Clebsch–Gordan coefficients, which
# networks store in float32: they break rotation covariance by their rounding, not F = −∇E.
EXACT = 1e-9  # eV, eV/Å, eV/Å³: same arithmetic in another order
ROTATED = 1e-6  # eV/Å: rounding of float32 coefficients


@dataclass(frozen=True)
class Case:
    """A family ready for tests."""

    module: ModuleType
    settings: ModelSettings
    force_field: ForceField

    def evaluate(self, *crystals: Crystal) -> Evaluation:
        return self.force_field.evaluate(crystals)


@pytest.fixture(scope="module", params=FAMILIES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    family = request.param
    module = find("models", family)
    if module.PACKAGE is not None:
        try:
            version(module.PACKAGE)
        except PackageNotFoundError:
            pytest.skip(f"{module.PACKAGE} is not installed in this environment")
    weights = None
    if family == "mace":  # its weights are downloads: a small random network stands in
        weights = write_random_mace(tmp_path_factory.mktemp("weights") / "random.model")
    settings = ModelSettings(family=family, weights=weights, device="cpu")
    return Case(module, settings, module.load(settings))


@pytest.fixture
def in_one_pass(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the family put all crystals into one forward pass, where it has a choice."""
    if hasattr(case.module, "CPU_EDGES"):
        monkeypatch.setattr(case.module, "CPU_EDGES", 10**6)


def rutile(a: float, c: float, cation: int, anion: int, u: float = 0.305) -> Crystal:
    positions = [[0, 0, 0], [0.5, 0.5, 0.5], [u, u, 0], [-u, -u, 0]]
    positions += [[0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    return Crystal(np.diag([a, a, c]), np.array([cation] * 2 + [anion] * 4), np.array(positions))


def perturbed(crystal: Crystal, seed: int = 3) -> Crystal:
    """Displace the atoms by about 0.05 Å and strain the cell by about 1 %."""
    rng = np.random.default_rng(seed)
    lattice = crystal.lattice @ (np.eye(3) + 0.01 * rng.standard_normal((3, 3)))
    shifts = 0.05 * rng.standard_normal((len(crystal), 3)) @ np.linalg.inv(lattice)
    return Crystal(lattice, crystal.numbers, crystal.fractional + shifts)


CUBIC = perturbed(rocksalt(5.6))
HEXAGONAL = perturbed(wurtzite(3.25, 5.2, 30, 8))
TETRAGONAL = perturbed(rutile(4.62, 3.05, 12, 9))
CRYSTALS = (CUBIC, HEXAGONAL, TETRAGONAL)
FREE_ATOM = Crystal(np.eye(3) * 40.0, np.array([8]), np.zeros((1, 3)))


def displaced(crystal: Crystal, atom: int, axis: int, distance: float) -> Crystal:
    positions = np.array(crystal.positions)
    positions[atom, axis] += distance
    return Crystal(crystal.lattice, crystal.numbers, positions @ np.linalg.inv(crystal.lattice))


def strained(crystal: Crystal, a: int, b: int, strain: float) -> Crystal:
    deformation = np.eye(3)
    deformation[a, b] += strain / 2
    deformation[b, a] += strain / 2
    return crystal.with_lattice(crystal.lattice @ deformation)


def assert_same(one: Evaluation, two: Evaluation, tolerance: float) -> None:
    np.testing.assert_allclose(one.energies, two.energies, rtol=0, atol=tolerance)
    np.testing.assert_allclose(one.stresses, two.stresses, rtol=0, atol=tolerance)
    for left, right in zip(one.forces, two.forces, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=tolerance)


def test_results_are_finite_float64_and_shaped_as_promised(case: Case) -> None:
    result = case.evaluate(*CRYSTALS)
    assert result.energies.shape == (3,)
    assert result.stresses.shape == (3, 3, 3)
    for crystal, forces, stress in zip(CRYSTALS, result.forces, result.stresses, strict=True):
        assert forces.shape == (len(crystal), 3)
        assert forces.dtype == stress.dtype == np.float64
        assert np.abs(forces).max() > 1e-4
        np.testing.assert_allclose(stress, stress.T, rtol=0, atol=1e-12)


@pytest.mark.usefixtures("in_one_pass")
def test_a_batch_of_unequal_cells_equals_single_cells(case: Case) -> None:
    crystals = (CUBIC, TETRAGONAL, FREE_ATOM, HEXAGONAL, CUBIC)
    batch = case.evaluate(*crystals)
    for index, crystal in enumerate(crystals):
        single = case.evaluate(crystal)
        picked = Evaluation(
            batch.energies[[index]], (batch.forces[index],), batch.stresses[[index]]
        )
        assert_same(single, picked, EXACT)


def test_the_size_of_the_batches_does_not_matter(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(case.module, "CPU_EDGES"):
        pytest.skip("this family has no batches")
    crystals = (HEXAGONAL, CUBIC, TETRAGONAL, HEXAGONAL)
    results = []
    for edges in (1, 500, 10**6):
        monkeypatch.setattr(case.module, "CPU_EDGES", edges)
        results.append(case.evaluate(*crystals))
    assert_same(results[0], results[1], EXACT)
    assert_same(results[0], results[2], EXACT)


def test_no_crystals_give_empty_results(case: Case) -> None:
    result = case.evaluate()
    assert result.energies.shape == (0,)
    assert result.forces == ()
    assert result.stresses.shape == (0, 3, 3)


def test_a_free_atom_feels_nothing(case: Case) -> None:
    result = case.evaluate(FREE_ATOM)
    np.testing.assert_array_equal(result.forces[0], np.zeros((1, 3)))
    np.testing.assert_array_equal(result.stresses, np.zeros((1, 3, 3)))


@pytest.mark.parametrize("crystal", CRYSTALS, ids=["cubic", "hexagonal", "tetragonal"])
def test_forces_are_minus_the_gradient(case: Case, crystal: Crystal) -> None:
    step = 3e-4  # Å: the error of central differences is below 2e-6 eV/Å
    forces = case.evaluate(crystal).forces[0]
    for atom, axis in ((0, 0), (1, 2), (len(crystal) - 1, 1)):
        cells = [displaced(crystal, atom, axis, sign * step) for sign in (1, -1)]
        up, down = case.evaluate(*cells).energies
        assert forces[atom, axis] == pytest.approx(-(up - down) / (2 * step), abs=1e-5)


@pytest.mark.parametrize("crystal", CRYSTALS, ids=["cubic", "hexagonal", "tetragonal"])
def test_stress_is_the_energy_gradient_by_strain_over_the_volume(
    case: Case, crystal: Crystal
) -> None:
    step = 1e-4
    stress = case.evaluate(crystal).stresses[0]
    for a, b in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)):
        up, down = case.evaluate(
            *(strained(crystal, a, b, sign * step) for sign in (1, -1))
        ).energies
        gradient = (up - down) / (2 * step * crystal.volume)
        assert stress[a, b] == pytest.approx(gradient, abs=1e-6)


def test_forces_sum_to_zero(case: Case) -> None:
    for forces in case.evaluate(*CRYSTALS).forces:
        np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-10)


def test_translating_the_crystal_changes_nothing(case: Case) -> None:
    shift = np.array([0.37, -1.61, 2.05])  # also out of the cell
    moved = Crystal(CUBIC.lattice, CUBIC.numbers, CUBIC.fractional + shift)
    assert_same(case.evaluate(CUBIC), case.evaluate(moved), EXACT)


def test_moving_an_atom_by_a_lattice_vector_changes_nothing(case: Case) -> None:
    fractional = np.array(HEXAGONAL.fractional)
    fractional[1] += [2, -1, 3]
    moved = Crystal(HEXAGONAL.lattice, HEXAGONAL.numbers, fractional)
    assert_same(case.evaluate(HEXAGONAL), case.evaluate(moved), EXACT)


def test_another_choice_of_lattice_vectors_changes_nothing(case: Case) -> None:
    change = np.array([[1, 1, 0], [0, 1, 0], [2, 0, 1]])  # determinant 1: a skewed cell
    skewed = Crystal(
        change @ CUBIC.lattice, CUBIC.numbers, CUBIC.fractional @ np.linalg.inv(change)
    )
    assert_same(case.evaluate(CUBIC), case.evaluate(skewed), EXACT)


def test_forces_and_stress_rotate_with_the_crystal(case: Case) -> None:
    rotation = Rotation.from_rotvec([0.4, -0.9, 1.3]).as_matrix()
    turned = HEXAGONAL.with_lattice(HEXAGONAL.lattice @ rotation.T)
    before, after = case.evaluate(HEXAGONAL), case.evaluate(turned)
    expected = Evaluation(
        before.energies, (before.forces[0] @ rotation.T,), rotation @ before.stresses @ rotation.T
    )
    assert_same(expected, after, ROTATED)


def test_a_supercell_has_n_times_the_energy_and_the_same_forces_and_stress(case: Case) -> None:
    size = len(HEXAGONAL)
    fractional = np.concatenate([HEXAGONAL.fractional, HEXAGONAL.fractional + np.array([1, 0, 0])])
    doubled = Crystal(
        np.diag([2, 1, 1]) @ HEXAGONAL.lattice,
        np.tile(HEXAGONAL.numbers, 2),
        fractional / [2, 1, 1],
    )
    small, large = case.evaluate(HEXAGONAL), case.evaluate(doubled)
    assert large.energies[0] == pytest.approx(2 * small.energies[0], abs=EXACT)
    for half in (large.forces[0][:size], large.forces[0][size:]):
        np.testing.assert_allclose(half, small.forces[0], rtol=0, atol=EXACT)
    np.testing.assert_allclose(large.stresses, small.stresses, rtol=0, atol=EXACT)


def test_the_input_stays_as_it_was(case: Case) -> None:
    crystal = perturbed(rocksalt(5.6), seed=11)
    before = (crystal.lattice.copy(), crystal.numbers.copy(), crystal.fractional.copy())
    case.evaluate(crystal)
    for array, kept in zip(
        (crystal.lattice, crystal.numbers, crystal.fractional), before, strict=True
    ):
        np.testing.assert_array_equal(array, kept)


def test_a_result_repeats(case: Case) -> None:
    assert_same(case.evaluate(TETRAGONAL), case.evaluate(TETRAGONAL), 1e-12)


def test_an_unsupported_element_is_refused_by_name(case: Case) -> None:
    elements = case.force_field.elements
    assert {"Li", "Br", "Zn", "O", "Mg", "F"} <= elements
    number = next(n for n in range(1, 119) if chemical_symbols[n] not in elements)
    foreign = Crystal(np.eye(3) * 4.0, np.array([number, 8]), np.array([[0, 0, 0], [0.5] * 3]))
    with pytest.raises(
        UnsupportedElementError, match=rf"not trained on {chemical_symbols[number]} "
    ):
        case.evaluate(CUBIC, foreign)


def test_identity_names_the_weights(case: Case) -> None:
    identity = case.module.identify(case.settings)
    assert identity == case.module.identify(case.settings)
    assert identity.family == case.settings.family
    assert len(identity.weights_digest) == 24
    assert identity.dtype == "float64"
    assert identity.package_version


def test_identifying_does_not_import_torch(case: Case) -> None:
    script = (
        "import sys\n"
        "from screen.core.registry import find\n"
        "from screen.core.settings import ModelSettings\n"
        "settings = ModelSettings.model_validate_json(sys.argv[1])\n"
        "find('models', settings.family).identify(settings)\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, case.settings.model_dump_json()]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_card_is_complete_and_the_default_has_one(case: Case) -> None:
    for card in case.module.CARDS:
        assert card.family == case.settings.family
        assert all((card.name, card.description, card.training_set, card.functional))
        assert all((card.licence, card.citation))
    assert case.module.DEFAULT in {card.name for card in case.module.CARDS}


def test_an_unknown_name_lists_the_known_ones(case: Case) -> None:
    settings = ModelSettings(family=case.settings.family, name="no-such-potential")
    for use in (case.module.identify, case.module.load):
        with pytest.raises(
            ModelUnavailableError, match=rf"no-such-potential.*{case.module.DEFAULT}"
        ):
            use(settings)


def test_missing_weights_are_named(case: Case, tmp_path: Path) -> None:
    settings = ModelSettings(family=case.settings.family, weights=tmp_path / "absent.file")
    for use in (case.module.identify, case.module.load):
        with pytest.raises(ModelUnavailableError, match=r"no weights file .*absent\.file"):
            use(settings)


@pytest.mark.parametrize("content", [b"", b"no weights at all"], ids=["empty", "text"])
def test_a_file_that_is_no_potential_is_named(case: Case, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "wrong.file"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match=r"wrong\.file is no "):
        case.module.load(ModelSettings(family=case.settings.family, weights=path))


@pytest.mark.parametrize("device", ["warp-drive", "cuda:63"])
def test_an_unusable_device_is_named(case: Case, device: str) -> None:
    if case.module.PACKAGE is None:
        pytest.skip("this family has no devices")
    with pytest.raises(ModelUnavailableError, match=rf"device '{device}'"):
        case.module.load(case.settings.model_copy(update={"device": device}))


def test_a_gpu_gives_the_same_numbers(case: Case) -> None:
    if case.module.PACKAGE is None:
        pytest.skip("this family has no devices")
    import torch

    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    on_gpu = case.module.load(case.settings.model_copy(update={"device": "cuda"}))
    assert_same(case.evaluate(*CRYSTALS), on_gpu.evaluate(CRYSTALS), 1e-8)


def _sevennet_calculator(_settings: ModelSettings) -> Any:
    from sevenn.calculator import SevenNetCalculator

    return SevenNetCalculator("7net-0", device="cpu")


def _mace_calculator(settings: ModelSettings) -> Any:
    from mace.calculators import MACECalculator

    return MACECalculator(model_paths=str(settings.weights), device="cpu", default_dtype="float64")


# family -> its package's own calculator, and the difference allowed (eV, eV/Å, eV/Å³)
CALCULATORS: dict[str, tuple[Callable[[ModelSettings], Any], float]] = {
    "mace": (_mace_calculator, 1e-8),  # float64, too
    "sevennet": (_sevennet_calculator, 2e-5),  # it can do no better than float32
}


@pytest.fixture
def calculator(case: Case) -> Iterator[tuple[Any, float]]:
    if case.settings.family not in CALCULATORS:
        pytest.skip("this family has no ASE calculator of its own")
    build, tolerance = CALCULATORS[case.settings.family]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages' own advice on accelerators
        yield build(case.settings), tolerance


def test_results_equal_the_package_s_own_calculator(
    case: Case, calculator: tuple[Any, float]
) -> None:
    reference, tolerance = calculator
    result = case.evaluate(*CRYSTALS)
    energies, forces, stresses = _by_calculator(reference, CRYSTALS)
    assert_same(
        result, Evaluation(np.array(energies), tuple(forces), np.array(stresses)), tolerance
    )


def _by_calculator(
    calculator: Any, crystals: Sequence[Crystal]
) -> tuple[list[float], list[Any], list[Any]]:
    energies, forces, stresses = [], [], []
    for crystal in crystals:
        atoms = Atoms(crystal.numbers, crystal.positions, cell=crystal.lattice, pbc=True)
        atoms.calc = calculator
        energies.append(atoms.get_potential_energy())
        forces.append(atoms.get_forces())
        stresses.append(atoms.get_stress(voigt=False))
    return energies, forces, stresses
