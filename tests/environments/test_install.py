"""Environments are made where the user wants them, with torch held."""

from __future__ import annotations

from pathlib import Path

import pytest

from screen.core.errors import ModelUnavailableError, SettingsError
from screen.core.settings import ModelSettings
from screen.environments import questions
from screen.environments.install import install, known_constraints
from screen.environments.interpreters import environment_folder, interpreter_of


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("family", ["mace", "chgnet", "m3gnet", "sevennet", "ase"])
def test_every_family_has_tested_versions_that_hold_torch(family: str) -> None:
    (found,) = known_constraints(family)
    assert "torch==2.13.0" in found.read_text().splitlines()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "thesis.tex").touch()
    with pytest.raises(SettingsError, match=f"{taken} holds something that is no environment"):
        install("springs", folder=taken)
    assert [path.name for path in taken.iterdir()] == ["thesis.tex"]


def test_missing_constraints_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the constraints .*absent\.txt"):
        install("springs", constraints=[tmp_path / "absent.txt"])


def test_a_failing_pip_is_one_error_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"pip could not install springs.*no-such=="):
        install("springs", packages=["no-such==1"])


@pytest.mark.slow
def test_an_environment_made_elsewhere_is_linked_and_answers(tmp_path: Path) -> None:
    python = install("springs", folder=tmp_path / "elsewhere", torch="2.13.0")
    assert environment_folder("springs").resolve() == tmp_path / "elsewhere"
    settings = ModelSettings(family="springs")
    assert interpreter_of(settings) == python
    assert questions.describe("springs", python)["thermoscreen"] is not None
    assert questions.identify(settings, python).name == "springs"
