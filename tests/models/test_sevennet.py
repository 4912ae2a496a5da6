"""SevenNet: where weights come from, and what is said about wrong ones."""

from __future__ import annotations

import warnings
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest

from screen.core.errors import ModelUnavailableError
from screen.core.settings import ModelSettings
from screen.models import sevennet
from tests.crystals import rocksalt


def _installed() -> bool:
    try:
        return bool(version("sevenn"))
    except PackageNotFoundError:
        return False


needs_sevennet = pytest.mark.skipif(not _installed(), reason="sevenn is not installed here")


@pytest.mark.skipif(_installed(), reason="sevenn is installed here")
def test_a_missing_package_says_how_to_install_it() -> None:
    for use in (sevennet.identify, sevennet.load):
        with pytest.raises(ModelUnavailableError, match=r"pip install 'thermoscreen\[sevennet\]'"):
            use(ModelSettings(family="sevennet"))


@needs_sevennet
def test_bundled_checkpoints_are_those_that_sevenn_loads_by_name() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch retires TorchScript, which sevenn needs
        from sevenn.util import pretrained_name_to_path
    for name, sevenn_name in (("sevennet-0", "7net-0"), ("sevennet-l3i5", "7net-l3i5")):
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
def test_a_checkpoint_of_several_fidelities_is_refused() -> None:
    folder = sevennet._checkpoint(ModelSettings(family="sevennet")).parents[1]
    path = folder / "SevenNet_MF_0" / "checkpoint_sevennet_mf_0.pth"
    with pytest.raises(ModelUnavailableError, match="several fidelities"):
        sevennet.load(ModelSettings(family="sevennet", weights=path))


@needs_sevennet
def test_energies_of_libr_are_those_of_the_published_potential() -> None:
    """SevenNet-0 (11 July 2024), rocksalt LiBr at 5.5 Å: regression value, sevenn 0.13 float32."""
    result = sevennet.load(ModelSettings(family="sevennet", device="cpu")).evaluate([rocksalt()])
    assert result.energies[0] / 4 == pytest.approx(-6.609425, abs=2e-5)
