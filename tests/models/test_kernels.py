"""Accelerated kernels are refused where they are missing or give other forces."""

from __future__ import annotations

import copy
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screen.core.errors import ModelUnavailableError
from screen.core.protocols import ForceField
from screen.core.settings import ModelSettings
from screen.models import mace, sevennet, springs
from screen.models._kernels import checked_kernels
from screen.models._torch import quiet
from tests.crystals import rocksalt, wurtzite
from tests.models.networks import write_random_mace


def _has(package: str) -> bool:
    try:
        return bool(version(package))
    except PackageNotFoundError:
        return False


needs_mace = pytest.mark.skipif(not _has("mace-torch"), reason="mace-torch is not installed here")
needs_sevennet = pytest.mark.skipif(not _has("sevenn"), reason="sevenn is not installed here")
accelerated = find_spec("cuequivariance_torch") is not None


def _springs(**changes: float) -> ForceField:
    parameters = springs._TABLE["springs"].model_copy(update=changes)
    elements = frozenset(parameters.species)
    return springs.Springs("springs", springs.build_potential(parameters), elements)


def test_kernels_that_give_the_same_forces_are_taken() -> None:
    fast = _springs()
    assert checked_kernels(_springs(), fast, "float64") is fast


@pytest.mark.parametrize(
    ("dtype", "deviation", "refused"),
    [("float64", 3e-6, True), ("float32", 3e-6, False), ("float32", 3e-3, True)],
)
def test_kernels_that_give_other_forces_are_refused(
    dtype: str, deviation: float, refused: bool
) -> None:
    """Forces of the probe are about 1 eV/Å, so that a relative deviation is one in eV/Å."""
    plain, fast = _springs(), _springs(bond_strength=1.0 + deviation)
    if refused:
        with pytest.raises(ModelUnavailableError, match=r"differ by .* eV/Å .*kernels = 'plain'"):
            checked_kernels(plain, fast, dtype)
    else:
        assert checked_kernels(plain, fast, dtype) is fast


@needs_mace
def test_a_broken_conversion_of_mace_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, _device: Any, _dtype: str) -> Any:
        with quiet():
            other = copy.deepcopy(model)
        other.scale_shift.scale *= 1.01
        return other

    monkeypatch.setattr(mace, "_accelerated", broken)
    path = write_random_mace(tmp_path / "small.model")
    settings = ModelSettings(family="mace", weights=path, device="cpu", kernels="cuequivariance")
    with pytest.raises(ModelUnavailableError, match="the accelerated kernels give forces"):
        mace.load(settings)


@needs_mace
@pytest.mark.skipif(not accelerated, reason="cuequivariance is not installed here")
@pytest.mark.filterwarnings("ignore::UserWarning")  # that its kernels are naive without a GPU
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_accelerated_mace_gives_the_same_forces(tmp_path: Path, dtype: str) -> None:
    import torch

    before = torch.get_default_dtype()
    path = write_random_mace(tmp_path / "small.model")
    settings = ModelSettings(family="mace", weights=path, device="cpu", dtype=dtype)
    crystals = [rocksalt(5.4), wurtzite(3.2, 5.1, 30, 8, u=0.37)]
    plain = mace.load(settings).evaluate(crystals)
    fast = mace.load(settings.model_copy(update={"kernels": "cuequivariance"})).evaluate(crystals)
    for one, two in zip(plain.forces, fast.forces, strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-10 if dtype == "float64" else 2e-5)
    assert torch.get_default_dtype() == before


@needs_mace
@pytest.mark.skipif(accelerated, reason="cuequivariance is installed here")
def test_missing_kernels_are_said_with_the_way_out(tmp_path: Path) -> None:
    path = write_random_mace(tmp_path / "small.model")
    settings = ModelSettings(family="mace", weights=path, device="cpu", kernels="cuequivariance")
    with pytest.raises(ModelUnavailableError, match=r"needs the packages cuequivariance-torch"):
        mace.load(settings)


@needs_sevennet
def test_sevennet_says_what_its_kernels_need() -> None:
    settings = ModelSettings(family="sevennet", device="cpu", kernels="cuequivariance")
    reason = "on a GPU only" if accelerated else "needs the packages cuequivariance-torch"
    with pytest.raises(ModelUnavailableError, match=reason):
        sevennet.load(settings)
