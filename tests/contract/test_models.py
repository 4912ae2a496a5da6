"""Every potential family, one contract: what relaxation and force constants rely on."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from screen.models._batches import Budget
from screen.models._torch import torch_dtype
from tests.crystals import rocksalt, wurtzite
from tests.models.m3gnet_network import write_random_m3gnet
from tests.models.networks import write_random_mace

FAMILIES = names("models")

# All adapters can evaluate in float64. What remains are the Clebsch–Gordan coefficients, which
# networks store in float32: they break rotation covariance by their rounding, not F = −∇E.
EXACT = 1e-9  # eV, eV/Å, eV/Å³: same arithmetic in another order
ROTATED = 1e-6  # eV/Å: rounding of float32 coefficients
SINGLE = 2e-5  # eV, eV/Å, eV/Å³: evaluation in float32


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
    settings = ModelSettings.model_validate(
        {"family": family, "device": "cpu", **_potential(family, tmp_path_factory)}
    )
    return Case(module, settings, module.load(settings))


def _potential(family: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Settings of a potential at hand; where weights are downloads, a small random network's."""
    if family == "mace":
        return {"weights": write_random_mace(tmp_path_factory.mktemp("weights") / "random.model")}
    if family == "m3gnet":
        return {"weights": write_random_m3gnet(tmp_path_factory.mktemp("weights") / "random")}
    if family == "ase":
        return {"calculator": "tests.models.springs_calculator:SpringsCalculator"}
    return {}


@pytest.fixture
def in_one_pass(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the family put all crystals into one forward pass, where it has a choice."""
    if hasattr(case.force_field, "budget"):
        monkeypatch.setattr(case.force_field.budget, "edges", 10**6)


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
    if not hasattr(case.force_field, "budget"):
        pytest.skip("this family has no batches")
    crystals = (HEXAGONAL, CUBIC, TETRAGONAL, HEXAGONAL)
    results = []
    for edges in (1, 500, 10**6):
        monkeypatch.setattr(case.force_field.budget, "edges", edges)
        results.append(case.evaluate(*crystals))
    assert_same(results[0], results[1], EXACT)
    assert_same(results[0], results[2], EXACT)


def test_a_batch_that_does_not_fit_shrinks_for_good_with_the_same_results(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(case.force_field, "budget"):
        pytest.skip("this family has no batches")
    crystals = (HEXAGONAL, CUBIC, TETRAGONAL, HEXAGONAL)
    fresh: Any = replace(case.force_field, budget=Budget(10**6))  # type: ignore[type-var]
    forward, sizes = type(fresh).forward, []

    def limited(force_field: ForceField, copies: Sequence[Any]) -> Any:
        sizes.append(len(copies))
        if len(copies) > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 9.00 GiB.")
        return forward(force_field, copies)

    monkeypatch.setattr(type(fresh), "forward", limited)
    expected = case.evaluate(*crystals)
    sizes.clear()
    assert_same(expected, fresh.evaluate(crystals), EXACT)
    assert sizes[0] == 4
    assert max(sizes[1:]) == 2
    assert_same(expected, fresh.evaluate(crystals), EXACT)
    assert max(sizes[1:]) == 2  # the second call knows


def test_a_crystal_that_does_not_fit_alone_is_out_of_memory(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not hasattr(case.force_field, "budget"):
        pytest.skip("this family has no batches")

    def full(_force_field: ForceField, _copies: Sequence[Any]) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    monkeypatch.setattr(type(case.force_field), "forward", full)
    with pytest.raises(MemoryError, match=r"one cell of \d+ pairs of neighbours does not fit"):
        case.evaluate(CUBIC)


def test_results_in_float32_are_float64_arrays_close_to_those_in_float64(case: Case) -> None:
    if not hasattr(case.force_field, "dtype"):
        pytest.skip("this family knows float64 only")
    settings = case.settings.model_copy(update={"dtype": "float32"})
    result = case.module.load(settings).evaluate(CRYSTALS)
    assert result.energies.dtype == result.forces[0].dtype == result.stresses.dtype == np.float64
    assert_same(case.evaluate(*CRYSTALS), result, SINGLE)
    assert not np.array_equal(case.evaluate(*CRYSTALS).forces[0], result.forces[0])
    assert case.module.identify(settings).dtype == "float32"


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
    if case.module.CARDS:
        assert case.module.DEFAULT in {card.name for card in case.module.CARDS}


def test_an_unknown_name_lists_the_known_ones(case: Case) -> None:
    if not case.module.CARDS:
        pytest.skip("this family has no named potentials")
    settings = ModelSettings(family=case.settings.family, name="no-such-potential")
    for use in (case.module.identify, case.module.load):
        with pytest.raises(
            ModelUnavailableError, match=rf"no-such-potential.*{case.module.DEFAULT}"
        ):
            use(settings)


def test_missing_weights_are_named(case: Case, tmp_path: Path) -> None:
    if not case.module.CARDS:
        pytest.skip("this family has no weights of its own")
    settings = ModelSettings(family=case.settings.family, weights=tmp_path / "absent.file")
    for use in (case.module.identify, case.module.load):
        with pytest.raises(ModelUnavailableError, match=r"no weights file .*absent\.file"):
            use(settings)


@pytest.mark.parametrize("content", [b"", b"no weights at all"], ids=["empty", "text"])
def test_a_file_that_is_no_potential_is_named(case: Case, tmp_path: Path, content: bytes) -> None:
    if not case.module.CARDS:
        pytest.skip("this family has no weights of its own")
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

    return MACECalculator(
        model_paths=str(settings.weights), device="cpu", default_dtype=settings.dtype
    )


def _chgnet_calculator(_settings: ModelSettings) -> Any:
    from chgnet.model.dynamics import CHGNetCalculator

    return CHGNetCalculator(use_device="cpu")


def _m3gnet_calculator(settings: ModelSettings) -> Any:
    import matgl
    from matgl.ext.ase import PESCalculator

    bits = {"float64": 64, "float32": 32}[settings.dtype]

    class Calculator(PESCalculator):  # type: ignore[misc, no-any-unimported, unused-ignore]
        """matgl's own, with graphs in the potential's type."""

        def calculate(self, *arguments: Any, **options: Any) -> None:
            matgl.set_default_dtype("float", bits)
            try:
                super().calculate(*arguments, **options)
            finally:
                matgl.set_default_dtype("float", 32)

    potential = matgl.load_model(settings.weights).to(torch_dtype(settings.dtype)).eval()
    return Calculator(potential, stress_unit="eV/A3")


# family -> its package's own calculator, and the difference allowed to our float64
CALCULATORS: dict[str, tuple[Callable[[ModelSettings], Any], float]] = {
    "mace": (_mace_calculator, 1e-8),  # float64, too
    "chgnet": (_chgnet_calculator, SINGLE),  # its graphs are float32; see tests/models
    "m3gnet": (_m3gnet_calculator, 1e-8),
    "sevennet": (_sevennet_calculator, SINGLE),  # it can do no better than float32
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_results_equal_the_package_s_own_calculator(case: Case, dtype: str) -> None:
    if case.settings.family not in CALCULATORS:
        pytest.skip("this family has no ASE calculator of its own")
    settings = case.settings.model_copy(update={"dtype": dtype})
    build, tolerance = CALCULATORS[case.settings.family]
    tolerance = tolerance if dtype == "float64" else SINGLE
    result = case.module.load(settings).evaluate(CRYSTALS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the packages' own advice on accelerators
        energies, forces, stresses = _by_calculator(build(settings), CRYSTALS)
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
