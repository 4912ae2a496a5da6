"""MACE: where weights come from, and what is said when they do not come."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn

import pytest

from screen.core.errors import ModelUnavailableError
from screen.core.settings import ModelSettings
from screen.models import mace
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
    return tmp_path / "mace"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.mark.skipif(_installed(), reason="mace-torch is installed here")
def test_a_missing_package_says_how_to_install_it() -> None:
    for use in (mace.identify, mace.load):
        with pytest.raises(ModelUnavailableError, match=r"pip install 'thermoscreen\[mace\]'"):
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
        assert str(cache / "macempa0mediummodel") in message


@needs_mace
@pytest.mark.usefixtures("no_network")
def test_weights_in_the_cache_need_no_network(cache: Path) -> None:
    cache.mkdir()
    write_random_mace(cache / "20231210mace128L0_energy_epoch249model")
    identity = mace.identify(ModelSettings(family="mace", name="small"))
    assert identity.name == "mace-mp-0-small"
    assert mace.load(ModelSettings(family="mace", name="mace-mp-0-small")).name == identity.name


@needs_mace
def test_cached_files_are_found_where_mace_puts_them(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where mace changes its addresses or its naming, this says so."""
    from mace.calculators import foundations_models

    asked: dict[str, str] = {}

    def remember(address: str, path: str) -> tuple[str, str]:
        asked[os.fspath(path)] = address
        return path, ""

    monkeypatch.setattr(foundations_models, "_urlretrieve_with_timeout", remember)
    for card in mace.CARDS:
        mace._download(card.name, cache)
    expected = {str(cache / name) for name in mace._CACHED.values()}
    assert set(asked) == expected


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
def test_several_heads_need_a_default(tmp_path: Path) -> None:
    path = write_random_mace(tmp_path / "heads.model", heads=("omat", "spice"))
    with pytest.raises(ModelUnavailableError, match="heads omat, spice and none is the default"):
        mace.load(ModelSettings(family="mace", weights=path))
    path = write_random_mace(tmp_path / "heads.model", heads=("omat", "default"))
    assert mace.load(ModelSettings(family="mace", weights=path)).head == "default"


@needs_mace
def test_local_weights_are_named_after_their_file_and_digested(tmp_path: Path) -> None:
    path = write_random_mace(tmp_path / "tuned.model")
    identity = mace.identify(ModelSettings(family="mace", weights=path))
    assert identity.name == "tuned"
    path.write_bytes(path.read_bytes() + b"\0")
    changed = mace.identify(ModelSettings(family="mace", weights=path))
    assert changed.weights_digest != identity.weights_digest


@needs_mace
def test_loading_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_random_mace(tmp_path / "silent.model")
    capfd.readouterr()
    mace.load(ModelSettings(family="mace", weights=path))
    assert capfd.readouterr().out == ""
