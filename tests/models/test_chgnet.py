"""CHGNet: equal to chgnet's own path in float64, and what is said about wrong files."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from screen.core.crystal import Crystal
from screen.core.errors import ModelUnavailableError, UnsupportedElementError
from screen.core.settings import ModelSettings
from screen.models import chgnet
from tests.crystals import rocksalt, wurtzite


def _installed() -> bool:
    try:
        return bool(version("chgnet"))
    except PackageNotFoundError:
        return False


needs_chgnet = pytest.mark.skipif(not _installed(), reason="chgnet is not installed here")


def settings(**values: object) -> ModelSettings:
    return ModelSettings.model_validate({"family": "chgnet", "device": "cpu", **values})


def rattled(crystal: Crystal, seed: int) -> Crystal:
    moves = 0.03 * np.random.default_rng(seed).standard_normal((len(crystal), 3))
    return Crystal(
        crystal.lattice,
        crystal.numbers,
        crystal.fractional + moves @ np.linalg.inv(crystal.lattice),
    )


@pytest.mark.skipif(_installed(), reason="chgnet is installed here")
def test_a_missing_package_says_how_to_install_it() -> None:
    for use in (chgnet.identify, chgnet.load):
        with pytest.raises(ModelUnavailableError, match="thermoscreen models install chgnet"):
            use(settings())


@needs_chgnet
@pytest.mark.parametrize("name", ["0.3.0", "r2scan"])
def test_forces_and_stress_equal_chgnet_s_own_in_float64(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """chgnet's converter and strain are float32 by a constant; its reference energies stay so.

    Forces and stress: another order of the same arithmetic. Energies: float32 references, 8 atoms
    of -10 eV, eps 1.2e-7.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch dislikes how chgnet makes a tensor of volumes
        import torch
        from chgnet.model.dynamics import CHGNetCalculator
        from chgnet.model.model import CHGNet

        for module in ("chgnet.graph.converter", "chgnet.model.model"):
            monkeypatch.setattr(f"{module}.TORCH_DTYPE", torch.float64)
        model = CHGNet.load(model_name=name, use_device="cpu", verbose=False).double()
        model.composition_model.float()
        calculator = CHGNetCalculator(model, use_device="cpu")
        crystals = [
            rattled(rocksalt(5.5), 1),
            rattled(wurtzite(3.25, 5.2, 30, 8), 2),
            rattled(rocksalt(4.2, 12, 8), 3),
            rattled(rocksalt(7.1, 55, 35), 4),  # no bond is short enough for an angle
        ]
        result = chgnet.load(settings(name=f"chgnet-{name}")).evaluate(crystals)
        for index, crystal in enumerate(crystals):
            atoms = Atoms(crystal.numbers, crystal.positions, cell=crystal.lattice, pbc=True)
            atoms.calc = calculator
            assert result.energies[index] == pytest.approx(atoms.get_potential_energy(), abs=2e-5)
            np.testing.assert_allclose(result.forces[index], atoms.get_forces(), rtol=0, atol=1e-8)
            stress = atoms.get_stress(voigt=False)
            np.testing.assert_allclose(result.stresses[index], stress, rtol=0, atol=1e-8)


@needs_chgnet
def test_bundled_checkpoints_are_the_default_and_two() -> None:
    default = chgnet.identify(settings())
    assert default == chgnet.identify(settings(name="chgnet-0.3.0"))
    r2scan = chgnet.identify(settings(name="chgnet-r2scan"))
    assert r2scan.weights_digest != default.weights_digest


@needs_chgnet
def test_elements_are_those_with_a_fitted_reference_energy() -> None:
    for card in chgnet.CARDS:
        assert chgnet.load(settings(name=card.name)).elements == card.elements
    ytterbium = rocksalt(4.8, 70, 8)
    with pytest.raises(UnsupportedElementError, match="chgnet-r2scan was not trained on Yb"):
        chgnet.load(settings(name="chgnet-r2scan")).evaluate([ytterbium])


@needs_chgnet
def test_a_local_checkpoint_equals_the_bundled_one(tmp_path: Path) -> None:
    path = tmp_path / "tuned.pth.tar"
    path.write_bytes(chgnet._checkpoint(settings()).read_bytes())
    local = settings(weights=path)
    assert chgnet.identify(local).name == "tuned.pth"
    one = chgnet.load(local).evaluate([rocksalt()])
    two = chgnet.load(settings()).evaluate([rocksalt()])
    np.testing.assert_array_equal(one.energies, two.energies)


@needs_chgnet
def test_a_truncated_checkpoint_is_named(tmp_path: Path) -> None:
    whole = chgnet._checkpoint(settings()).read_bytes()
    path = tmp_path / "truncated.tar"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailableError, match=r"truncated\.tar is no readable CHGNet"):
        chgnet.load(settings(weights=path))


@needs_chgnet
def test_chgnet_0_2_is_refused() -> None:
    folder = chgnet._checkpoint(settings()).parents[1]
    (path,) = (folder / "0.2.0").glob("*.tar")
    with pytest.raises(ModelUnavailableError, match=r"as of 0\.2\.0, whose energy jumps"):
        chgnet.load(settings(weights=path))


@needs_chgnet
def test_a_network_without_reference_energies_is_refused(tmp_path: Path) -> None:
    import torch

    state = torch.load(chgnet._checkpoint(settings()), weights_only=False, map_location="cpu")
    state["model"]["model_args"]["composition_model"] = None
    weights = state["model"]["state_dict"]
    state["model"]["state_dict"] = {k: v for k, v in weights.items() if "composition" not in k}
    torch.save(state, tmp_path / "bare.tar")
    with pytest.raises(ModelUnavailableError, match=r"bare\.tar is a CHGNet without reference"):
        chgnet.load(settings(weights=tmp_path / "bare.tar"))


@needs_chgnet
def test_there_are_no_heads() -> None:
    for use in (chgnet.identify, chgnet.load):
        with pytest.raises(ModelUnavailableError, match="no head 'pbe': it has one level"):
            use(settings(head="pbe"))


@needs_chgnet
def test_loading_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    chgnet.load(settings())
    assert capfd.readouterr().out == ""


def test_the_published_kappa_says_that_it_is_not_fit() -> None:
    """Póta et al., arXiv:2408.00755: κ_SRME 1.717 of at most 2."""
    (card,) = (card for card in chgnet.CARDS if card.name == chgnet.DEFAULT)
    assert card.fit_for_kappa is False
