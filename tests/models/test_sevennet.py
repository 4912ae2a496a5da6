"""SevenNet: where weights come from, and what is said about wrong ones."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms

from screen.core.crystal import Crystal
from screen.core.errors import ModelUnavailableError
from screen.core.settings import ModelSettings
from screen.models import sevennet
from screen.models._topology import copies_of
from tests.crystals import rocksalt, wurtzite


def _installed() -> bool:
    try:
        return bool(version("sevenn"))
    except PackageNotFoundError:
        return False


needs_sevennet = pytest.mark.skipif(not _installed(), reason="sevenn is not installed here")


def _perturbed(crystal: Crystal) -> Crystal:
    shifts = 0.01 * np.random.default_rng(1).standard_normal((len(crystal), 3))
    return Crystal(crystal.lattice, crystal.numbers, crystal.fractional + shifts)


def _atoms(crystal: Crystal) -> Atoms:
    return Atoms(crystal.numbers, crystal.positions, cell=crystal.lattice, pbc=True)


def _forces(calculator: Any, crystal: Crystal) -> Any:
    atoms = _atoms(crystal)
    atoms.calc = calculator
    return atoms.get_forces()


def _rows(edge_index: Any, vectors: Any) -> Any:
    rows = np.column_stack((edge_index.T, vectors))
    return rows[np.lexsort(np.round(rows, 6).T[::-1])]


@pytest.mark.skipif(_installed(), reason="sevenn is installed here")
def test_a_missing_package_says_how_to_install_it() -> None:
    for use in (sevennet.identify, sevennet.load):
        with pytest.raises(ModelUnavailableError, match="thermoscreen models install sevennet"):
            use(ModelSettings(family="sevennet"))


@needs_sevennet
def test_bundled_checkpoints_are_those_that_sevenn_loads_by_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch retires TorchScript, which sevenn needs
        from sevenn.util import pretrained_name_to_path
    bundled = {"sevennet-0": "7net-0", "sevennet-l3i5": "7net-l3i5", "sevennet-mf-0": "7net-mf-0"}
    for name, sevenn_name in bundled.items():
        path = sevennet._checkpoint(ModelSettings(family="sevennet", name=name))
        assert path.samefile(pretrained_name_to_path(sevenn_name))


@needs_sevennet
def test_the_default_is_sevennet_0() -> None:
    default = sevennet.identify(ModelSettings(family="sevennet"))
    assert default == sevennet.identify(ModelSettings(family="sevennet", name="sevennet-0"))
    l3i5 = sevennet.identify(ModelSettings(family="sevennet", name="sevennet-l3i5"))
    assert l3i5.weights_digest != default.weights_digest


@needs_sevennet
def test_a_local_checkpoint_equals_the_bundled_one(tmp_path: Path) -> None:
    bundled = sevennet._checkpoint(ModelSettings(family="sevennet"))
    path = tmp_path / "tuned.pth"
    path.write_bytes(bundled.read_bytes())
    settings = ModelSettings(family="sevennet", weights=path)
    assert sevennet.identify(settings).name == "tuned"
    one = sevennet.load(settings).evaluate([rocksalt()])
    two = sevennet.load(ModelSettings(family="sevennet")).evaluate([rocksalt()])
    np.testing.assert_array_equal(one.energies, two.energies)


@needs_sevennet
def test_a_truncated_checkpoint_is_named(tmp_path: Path) -> None:
    whole = sevennet._checkpoint(ModelSettings(family="sevennet")).read_bytes()
    path = tmp_path / "truncated.pth"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailableError, match=r"truncated\.pth is no readable SevenNet"):
        sevennet.load(ModelSettings(family="sevennet", weights=path))


@needs_sevennet
def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "other.pth"
    torch.save({"model": 1}, path)
    with pytest.raises(ModelUnavailableError, match=r"other\.pth is no readable SevenNet"):
        sevennet.load(ModelSettings(family="sevennet", weights=path))


@needs_sevennet
def test_downloads_are_those_of_sevenn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where sevenn changes its addresses, this says so."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sevenn._const import CHECKPOINT_DOWNLOAD_LINKS
    asked = []

    def remember(url: str, path: Path) -> Path:
        asked.append(url)
        return path

    monkeypatch.setattr(sevennet, "download", remember)
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path))
    for card in sevennet.CARDS:
        if not card.bundled:
            path = sevennet._checkpoint(ModelSettings(family="sevennet", name=card.name))
            assert path.parent == tmp_path / "weights" / "sevennet"
    assert sorted(asked) == sorted(CHECKPOINT_DOWNLOAD_LINKS.values())


@needs_sevennet
def test_offline_a_missing_download_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path))
    monkeypatch.setenv("THERMOSCREEN_OFFLINE", "1")
    for use in (sevennet.identify, sevennet.load):
        with pytest.raises(ModelUnavailableError, match=r"sevennet_omat\.pth.*OFFLINE is set"):
            use(ModelSettings(family="sevennet", name="sevennet-omat"))


@needs_sevennet
def test_each_level_of_theory_is_that_of_sevenn_s_own_calculator() -> None:
    """Forces of a perturbed cell in float64 against sevenn's float32: 2e-5 eV/Å."""
    crystal = _perturbed(rocksalt())
    forces = {}
    for name, modal in (("sevennet-mf-0", "PBE"), ("sevennet-mf-0-r2scan", "R2SCAN")):
        settings = ModelSettings(family="sevennet", name=name, device="cpu")
        forces[name] = sevennet.load(settings).evaluate([crystal, rocksalt()]).forces[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from sevenn.calculator import SevenNetCalculator

            reference = _forces(SevenNetCalculator("7net-mf-0", modal=modal, device="cpu"), crystal)
        np.testing.assert_allclose(forces[name], reference, rtol=0, atol=2e-5)
    assert np.abs(forces["sevennet-mf-0"] - forces["sevennet-mf-0-r2scan"]).max() > 1e-3


@needs_sevennet
def test_levels_of_theory_are_potentials_of_their_own() -> None:
    names = ("sevennet-mf-0", "sevennet-mf-0-r2scan")
    pbe, r2scan = (sevennet.identify(ModelSettings(family="sevennet", name=name)) for name in names)
    assert pbe.weights_digest != r2scan.weights_digest
    chosen = sevennet.identify(
        ModelSettings(family="sevennet", name="sevennet-mf-0", head="R2SCAN")
    )
    assert chosen.weights_digest == r2scan.weights_digest
    assert chosen.name == "sevennet-mf-0@R2SCAN"


@needs_sevennet
def test_a_level_of_theory_has_to_be_one_of_the_checkpoint() -> None:
    path = sevennet._checkpoint(ModelSettings(family="sevennet", name="sevennet-mf-0"))
    with pytest.raises(ModelUnavailableError, match=r"heads R2SCAN, PBE and none is the default"):
        sevennet.load(ModelSettings(family="sevennet", weights=path))
    with pytest.raises(ModelUnavailableError, match=r"no head 'mpa': its heads are R2SCAN, PBE"):
        sevennet.load(ModelSettings(family="sevennet", weights=path, head="mpa"))
    with pytest.raises(ModelUnavailableError, match=r"no head 'PBE': it has one level of theory"):
        sevennet.load(ModelSettings(family="sevennet", head="PBE"))


@needs_sevennet
def test_inputs_of_a_batch_are_sevenn_s_own_graphs() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sevenn.train.dataload import unlabeled_atoms_to_graph
    crystals = [_perturbed(rocksalt()), _perturbed(rocksalt()), wurtzite(3.25, 5.2, 30, 8)]
    force_field = sevennet.load(ModelSettings(family="sevennet", device="cpu"))
    data = force_field.inputs(list(copies_of(crystals, force_field.cutoff)))
    first = 0
    for index, crystal in enumerate(crystals):
        graph = unlabeled_atoms_to_graph(_atoms(crystal), force_field.cutoff)
        owned = data["batch"][data["edge_index"][0]] == index
        found = _rows(data["edge_index"][:, owned].numpy() - first, data["edge_vec"][owned].numpy())
        expected = _rows(graph["edge_index"], graph["edge_vec"])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        for key in ("cell_volume", "num_atoms"):
            assert float(data[key][index]) == pytest.approx(float(graph[key]), rel=1e-12)
        first += len(crystal)
    np.testing.assert_array_equal(
        data["atomic_numbers"].numpy(), np.concatenate([c.numbers for c in crystals])
    )


@needs_sevennet
def test_energies_of_libr_are_those_of_the_published_potential() -> None:
    """SevenNet-0 (11 July 2024), rocksalt LiBr at 5.5 Å: regression value, sevenn 0.13 float32."""
    result = sevennet.load(ModelSettings(family="sevennet", device="cpu")).evaluate([rocksalt()])
    assert result.energies[0] / 4 == pytest.approx(-6.609425, abs=2e-5)
