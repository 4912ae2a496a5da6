"""MACE: where weights come from, and what is said when they do not come."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import urllib.error
import urllib.request
import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
from ase import Atoms

from screen.core.catalogs import catalog_path
from screen.core.crystal import Crystal
from screen.core.errors import ModelUnavailableError
from screen.core.settings import ModelSettings, RelaxationSettings
from screen.models import mace
from screen.models._topology import copies_of
from screen.models._torch import quiet
from screen.physics.relax import relax
from tests.crystals import rocksalt, wurtzite
from tests.models.networks import write_random_mace


def _installed() -> bool:
    try:
        return bool(version("mace-torch"))
    except PackageNotFoundError:
        return False


needs_mace = pytest.mark.skipif(not _installed(), reason="mace-torch is not installed here")


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return an empty cache folder of mace."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path / "home"))
    return tmp_path / "mace"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


def _perturbed(crystal: Crystal) -> Crystal:
    shifts = 0.01 * np.random.default_rng(1).standard_normal((len(crystal), 3))
    return Crystal(crystal.lattice, crystal.numbers, crystal.fractional + shifts)


def _atoms(crystal: Crystal) -> Atoms:
    return Atoms(crystal.numbers, crystal.positions, cell=crystal.lattice, pbc=True)


def _edges(data: Any) -> Any:
    """Rows (i, j, x, y, z) in an order that depends on nothing but their values."""
    i, j = data["edge_index"].numpy()
    cells = data["cell"].numpy().reshape(-1, 3, 3)[data["batch"].numpy()[i]]
    shifts = np.einsum("ea,eab->eb", data["unit_shifts"].numpy(), cells)
    positions = data["positions"].numpy()
    rows = np.column_stack((i, j, positions[j] - positions[i] + shifts))
    return rows[np.lexsort(np.round(rows, 6).T[::-1])]


@pytest.mark.skipif(_installed(), reason="mace-torch is installed here")
def test_a_missing_package_says_how_to_install_it() -> None:
    for use in (mace.identify, mace.load):
        with pytest.raises(ModelUnavailableError, match="thermoscreen models install mace"):
            use(ModelSettings(family="mace"))


@needs_mace
@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", ["mace-mpa-0", "medium-mpa-0", None])
def test_without_network_the_message_tells_the_ways_out(cache: Path, name: str | None) -> None:
    for use in (mace.identify, mace.load):
        with pytest.raises(ModelUnavailableError) as caught:
            use(ModelSettings(family="mace", name=name))
        message = str(caught.value)
        assert "no route to host" in message
        assert "/mace_mpa_0/mace-mpa-0-medium.model" in message  # the download's address
        assert "--weights PATH" in message
        assert str(cache.parent / "home/weights/mace/mace-mpa-0-medium.model") in message


@needs_mace
@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("where", ["of mace", "of ours"])
def test_downloaded_weights_need_no_network(cache: Path, where: str) -> None:
    ours = cache.parent / "home/weights/mace/2023-12-10-mace-128-L0_energy_epoch-249.model"
    path = cache / "20231210mace128L0_energy_epoch249model" if where == "of mace" else ours
    path.parent.mkdir(parents=True)
    write_random_mace(path)
    identity = mace.identify(ModelSettings(family="mace", name="small"))
    assert identity.name == "mace-mp-0-small"
    assert mace.load(ModelSettings(family="mace", name="mace-mp-0-small")).name == identity.name


@needs_mace
@pytest.mark.usefixtures("no_network")
def test_a_corrupt_download_is_named(cache: Path) -> None:
    path = cache.parent / "home/weights/mace/MACE_MPtrj_2022.9.model"
    path.parent.mkdir(parents=True)
    write_random_mace(path)
    path.with_name(f"{path.name}.sha256").write_text(f"{'0' * 64}  {path.name}\n")
    for use in (mace.identify, mace.load):
        with pytest.raises(ModelUnavailableError, match=r"MACE_MPtrj_2022\.9\.model is corrupt"):
            use(ModelSettings(family="mace", name="mace-mp-0-large"))


@needs_mace
@pytest.mark.usefixtures("cache")
def test_identifying_downloaded_weights_does_not_import_torch(cache: Path) -> None:
    path = cache / "MACE_MPtrj_20229model"
    path.parent.mkdir()
    path.write_bytes(b"any")
    script = (
        "import sys\n"
        "from screen.core.settings import ModelSettings\n"
        "from screen.models import mace\n"
        "mace.identify(ModelSettings(family='mace', name='mace-mp-0-large'))\n"
        "assert 'torch' not in sys.modules\n"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@needs_mace
def test_addresses_and_cached_files_are_those_of_mace(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where mace changes its addresses or its naming, this says so."""
    with quiet():
        from mace.calculators import foundations_models

    asked: dict[str, str] = {}

    def remember(address: str, path: str) -> tuple[str, str]:
        asked[address] = os.fspath(path)
        return path, ""

    monkeypatch.setattr(foundations_models, "_urlretrieve_with_timeout", remember)
    for name in mace.DOWNLOADS:
        foundations_models.download_mace_mp_checkpoint(mace.LOADER_NAMES[name])
    expected = {
        address: str(mace._cached_by_mace(Path(address).name))
        for address in mace.DOWNLOADS.values()
    }
    assert asked == expected
    assert {Path(path).parent for path in asked.values()} == {cache}


@needs_mace
def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    whole = write_random_mace(tmp_path / "whole.model").read_bytes()
    path = tmp_path / "truncated.model"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailableError, match=r"truncated\.model is no readable MACE model"):
        mace.load(ModelSettings(family="mace", weights=path))


@needs_mace
def test_a_file_of_something_else_is_named_with_its_kind(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "checkpoint.pt"
    torch.save({"model": 1}, path)
    with pytest.raises(ModelUnavailableError, match=r"checkpoint\.pt is no MACE model but a dict"):
        mace.load(ModelSettings(family="mace", weights=path))


@needs_mace
def test_several_heads_need_a_default_or_a_choice(tmp_path: Path) -> None:
    path = write_random_mace(tmp_path / "heads.model", heads=("omat", "spice"))
    with pytest.raises(ModelUnavailableError, match="heads omat, spice and none is the default"):
        mace.load(ModelSettings(family="mace", weights=path))
    with pytest.raises(ModelUnavailableError, match="no head 'pbe': its heads are omat, spice"):
        mace.load(ModelSettings(family="mace", weights=path, head="pbe"))
    assert mace.load(ModelSettings(family="mace", weights=path, head="spice")).head == "spice"
    path = write_random_mace(tmp_path / "heads.model", heads=("omat", "default"))
    assert mace.load(ModelSettings(family="mace", weights=path)).head == "default"


@needs_mace
def test_each_head_is_that_of_mace_s_own_calculator(tmp_path: Path) -> None:
    with quiet():
        from mace.calculators import MACECalculator

    path = write_random_mace(tmp_path / "heads.model", heads=("omat", "spice"))
    energies = {}
    for head in ("omat", "spice"):
        settings = ModelSettings(family="mace", weights=path, head=head, device="cpu")
        energies[head] = mace.load(settings).evaluate([rocksalt()]).energies[0]
        atoms = _atoms(rocksalt())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # how mace reads its own file
            atoms.calc = MACECalculator(
                model_paths=str(path), device="cpu", default_dtype="float64", head=head
            )
        assert energies[head] == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
    assert abs(energies["omat"] - energies["spice"]) > 1e-3


@needs_mace
def test_a_chosen_head_is_a_potential_of_its_own(tmp_path: Path) -> None:
    path = write_random_mace(tmp_path / "heads.model", heads=("omat", "spice"))
    omat, spice = (
        mace.identify(ModelSettings(family="mace", weights=path, head=head))
        for head in ("omat", "spice")
    )
    assert (omat.name, spice.name) == ("heads@omat", "heads@spice")
    assert omat.weights_digest != spice.weights_digest


@needs_mace
def test_inputs_of_a_batch_are_mace_s_own_graphs(tmp_path: Path) -> None:
    with quiet():
        from mace.data import AtomicData, config_from_atoms
        from mace.tools import AtomicNumberTable
        from mace.tools.torch_geometric import Batch
        from mace.tools.torch_tools import default_dtype

    path = write_random_mace(tmp_path / "small.model")
    force_field = mace.load(ModelSettings(family="mace", weights=path, device="cpu"))
    crystals = [_perturbed(rocksalt()), _perturbed(rocksalt()), wurtzite(3.25, 5.2, 30, 8)]
    table = AtomicNumberTable(force_field.numbers.tolist())
    with default_dtype("float64"):
        own = Batch.from_data_list(
            [
                AtomicData.from_config(
                    config_from_atoms(_atoms(crystal)), table, force_field.cutoff, heads=["Default"]
                )
                for crystal in crystals
            ]
        )
    ours = force_field.inputs(list(copies_of(crystals, force_field.cutoff)))
    for key in ("cell", "node_attrs", "batch", "ptr", "head"):
        np.testing.assert_array_equal(ours[key].numpy(), own[key].numpy())
    np.testing.assert_allclose(_edges(ours), _edges(own), rtol=0, atol=1e-12)


@needs_mace
def test_local_weights_are_named_after_their_file_and_digested(tmp_path: Path) -> None:
    path = write_random_mace(tmp_path / "tuned.model")
    identity = mace.identify(ModelSettings(family="mace", weights=path))
    assert identity.name == "tuned"
    path.write_bytes(path.read_bytes() + b"\0")
    changed = mace.identify(ModelSettings(family="mace", weights=path))
    assert changed.weights_digest != identity.weights_digest


@needs_mace
@pytest.mark.parametrize(("like_mpa_0", "edges"), [(True, 1024), (False, 8192)])
def test_wide_networks_get_small_batches_on_a_cpu(
    tmp_path: Path, like_mpa_0: bool, edges: int
) -> None:
    path = write_random_mace(tmp_path / "any.model", like_mpa_0=like_mpa_0)
    force_field = mace.load(ModelSettings(family="mace", weights=path, device="cpu"))
    assert force_field.budget.edges == edges


@needs_mace
def test_loading_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_random_mace(tmp_path / "silent.model")
    capfd.readouterr()
    mace.load(ModelSettings(family="mace", weights=path))
    assert capfd.readouterr().out == ""


@needs_mace
def test_the_embedded_network_is_the_one_that_its_readme_and_card_describe() -> None:
    settings = ModelSettings(family="mace", name="mace-embedded", device="cpu")
    loaded = mace.load(settings)
    (card,) = (card for card in mace.CARDS if card.name == "mace-embedded")
    assert (loaded.elements, loaded.cutoff) == (card.elements, card.cutoff)
    readme = catalog_path("models/mace-embedded/README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256(catalog_path("models/mace-embedded/mace-embedded.model").read_bytes())
    assert digest.hexdigest() in readme
    assert mace.identify(settings).weights_digest == digest.hexdigest()[:24]


@needs_mace
def test_the_embedded_network_gives_magnesia_its_lattice_parameter() -> None:
    """PBE, phononDB-PBE (mp-1265): 4.25 Å; half a per cent is a potential's usual error."""
    settings = ModelSettings(family="mace", name="mace-embedded", device="cpu")
    relaxed = relax(rocksalt(4.35, 12, 8), mace.load(settings), RelaxationSettings(fmax=1e-3))
    assert relaxed.converged
    assert relaxed.crystal.lattice[0, 0] == pytest.approx(4.25, abs=0.02)
