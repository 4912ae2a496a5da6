"""M3GNet: where weights come from, and what is said about wrong ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

from screen.core.errors import ModelUnavailableError
from screen.core.settings import ModelSettings
from screen.models import m3gnet
from screen.models._m3gnet_cards import REPOSITORIES
from tests.crystals import rocksalt, wurtzite
from tests.models.m3gnet_network import ELEMENTS, write_random_m3gnet


def _installed() -> bool:
    try:
        return bool(version("matgl"))
    except PackageNotFoundError:
        return False


needs_matgl = pytest.mark.skipif(not _installed(), reason="matgl is not installed here")
NAMED = "m3gnet-matpes-r2scan-2025.2"


def settings(**values: object) -> ModelSettings:
    return ModelSettings.model_validate({"family": "m3gnet", "device": "cpu", **values})


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty data folder, without network."""
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("THERMOSCREEN_OFFLINE", "1")
    return tmp_path / "home"


@pytest.mark.skipif(_installed(), reason="matgl is installed here")
def test_a_missing_package_says_how_to_install_it() -> None:
    for use in (m3gnet.identify, m3gnet.load):
        with pytest.raises(ModelUnavailableError, match="thermoscreen models install m3gnet"):
            use(settings())


@needs_matgl
def test_without_network_the_message_tells_the_ways_out(home: Path) -> None:
    for use in (m3gnet.identify, m3gnet.load):
        with pytest.raises(ModelUnavailableError) as caught:
            use(settings())
        message = str(caught.value)
        assert "/materialyze/M3GNet-PES-MatPES-PBE-2025.2/resolve/main/model.pt" in message
        assert str(home / "weights" / "m3gnet" / m3gnet.DEFAULT / "model.pt") in message
        assert "--weights PATH" in message


@needs_matgl
def test_weights_in_the_data_folder_need_no_network(home: Path) -> None:
    folder = write_random_m3gnet(home / "weights" / "m3gnet" / NAMED)
    identity = m3gnet.identify(settings(name=NAMED))
    assert identity.name == m3gnet.load(settings(name=NAMED)).name == NAMED
    local = m3gnet.identify(settings(weights=folder))
    assert local.weights_digest == identity.weights_digest


@needs_matgl
def test_a_download_that_changed_is_named(home: Path) -> None:
    folder = write_random_m3gnet(home / "weights" / "m3gnet" / NAMED)
    (folder / "state.pt.sha256").write_text(f"{'0' * 64}  state.pt\n", encoding="utf-8")
    for use in (m3gnet.identify, m3gnet.load):
        with pytest.raises(ModelUnavailableError, match=r"state\.pt is corrupt"):
            use(settings(name=NAMED))


@needs_matgl
def test_the_withdrawn_network_is_refused_and_not_fit_for_kappa(home: Path) -> None:
    """κ_SRME 1.407: Póta et al., arXiv:2408.00755."""
    (card,) = (card for card in m3gnet.CARDS if card.kappa_srme is not None)
    assert card.fit_for_kappa is False
    for use in (m3gnet.identify, m3gnet.load):
        with pytest.raises(ModelUnavailableError, match="its authors have withdrawn it"):
            use(settings(name=card.name))


@needs_matgl
def test_every_card_but_the_withdrawn_one_has_an_address() -> None:
    loadable = {card.name for card in m3gnet.CARDS if card.kappa_srme is None}
    assert loadable == set(REPOSITORIES)
    assert m3gnet.DEFAULT in loadable


@needs_matgl
def test_a_folder_is_named_and_knows_its_elements(tmp_path: Path) -> None:
    folder = write_random_m3gnet(tmp_path / "tuned")
    assert m3gnet.identify(settings(weights=folder)).name == "tuned"
    assert m3gnet.load(settings(weights=folder)).elements == set(ELEMENTS)


@needs_matgl
def test_a_crystal_without_angles_equals_itself_in_a_batch(tmp_path: Path) -> None:
    """Neighbours at 4.2 Å: bonds, but none within the 4 Å of angles."""
    force_field = m3gnet.load(settings(weights=write_random_m3gnet(tmp_path)))
    sparse, dense = rocksalt(8.4), wurtzite(3.25, 5.2, 30, 8)
    force_field.budget.edges = 10**6
    batch = force_field.evaluate([sparse, dense])
    for index, crystal in enumerate((sparse, dense)):
        alone = force_field.evaluate([crystal])
        np.testing.assert_allclose(batch.energies[index], alone.energies[0], rtol=0, atol=1e-9)
        np.testing.assert_allclose(batch.forces[index], alone.forces[0], rtol=0, atol=1e-9)


@needs_matgl
def test_bonds_of_just_the_angle_cutoff_are_no_trouble(tmp_path: Path) -> None:
    """matgl compares distances with 4 Å once more: both must agree to the last bit."""
    force_field = m3gnet.load(settings(weights=write_random_m3gnet(tmp_path), dtype="float32"))
    moved = rocksalt(8.0)
    for shift in np.random.default_rng(0).uniform(0, 1, (5, 3)):
        fractional = (moved.fractional + shift) % 1.0
        found = force_field.evaluate([type(moved)(moved.lattice, moved.numbers, fractional)])
        # at its lattice point by symmetry, wherever the crystal lies; float32
        np.testing.assert_allclose(found.forces[0], 0.0, rtol=0, atol=1e-4)


def _without_a_file(folder: Path) -> None:
    (folder / "state.pt").unlink()


def _truncated(folder: Path) -> None:
    whole = (folder / "state.pt").read_bytes()
    (folder / "state.pt").write_bytes(whole[: len(whole) // 2])


def _of_an_older_matgl(folder: Path) -> None:
    content = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    content["@model_version"] = 2
    (folder / "model.json").write_text(json.dumps(content), encoding="utf-8")


def _intensive(folder: Path) -> None:
    shutil.rmtree(folder)
    write_random_m3gnet(folder, is_intensive=True)


@needs_matgl
@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (_without_a_file, r"no folder that matgl saved: it has no state\.pt"),
        (_truncated, "is no readable M3GNet potential of matgl"),
        (_of_an_older_matgl, "was saved by an older matgl"),
        (_intensive, "is an M3GNet that is intensive"),
    ],
)
def test_a_wrong_folder_is_explained(
    tmp_path: Path, spoil: Callable[[Path], None], complaint: str
) -> None:
    folder = write_random_m3gnet(tmp_path / "spoiled")
    spoil(folder)
    with pytest.raises(ModelUnavailableError, match=f"spoiled .*{complaint}"):
        m3gnet.load(settings(weights=folder))


@needs_matgl
def test_loading_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = write_random_m3gnet(tmp_path / "silent")
    capfd.readouterr()
    m3gnet.load(settings(weights=folder))
    assert capfd.readouterr().out == ""
