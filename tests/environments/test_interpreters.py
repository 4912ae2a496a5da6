"""Which interpreter a potential runs in, and what it answers there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import screen
from screen.core.errors import ModelUnavailableError
from screen.core.registry import find
from screen.core.settings import ModelSettings
from screen.environments import questions
from screen.environments.interpreters import THIS, environment_folder, interpreter_of
from tests.environments.second import second_environment

SPRINGS = ModelSettings(family="springs")
SOFT = ModelSettings(family="springs", name="springs-soft")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def second(tmp_path: Path) -> Path:
    return second_environment(tmp_path / "second")


def test_a_family_without_an_environment_of_its_own_runs_here() -> None:
    assert interpreter_of(SPRINGS) == THIS == Path(sys.executable)


def test_the_family_s_managed_environment_goes_first() -> None:
    python = second_environment(environment_folder("springs"))
    assert interpreter_of(SPRINGS) == python


def test_an_environment_is_named_or_given_as_a_folder_or_an_interpreter(second: Path) -> None:
    named = second_environment(environment_folder("mine"))
    for given, expected in (
        ("mine", named),
        (str(second), second),
        (str(second.parents[1]), second),
    ):
        assert interpreter_of(SPRINGS.model_copy(update={"environment": given})) == expected


@pytest.mark.parametrize("given", ["absent", "/no/such/folder"])
def test_a_missing_environment_is_named_with_the_command_that_makes_it(given: str) -> None:
    settings = SPRINGS.model_copy(update={"environment": given})
    with pytest.raises(
        ModelUnavailableError, match=f"no environment {given}.*thermoscreen models install springs"
    ):
        interpreter_of(settings)


def test_another_interpreter_gives_the_same_identity_and_elements(
    second: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "copper.json"
    weights.write_text('{"species": {"Cu": {"radius": 1.4}}}')
    own = ModelSettings(family="springs", weights=weights)
    for settings in (SPRINGS, SOFT, own):
        assert questions.identify(settings, second) == find("models", "springs").identify(settings)
    assert questions.elements_of(own, second) == {"Cu"}
    assert "Ar" in questions.elements_of(SPRINGS, second)


def test_an_error_there_is_the_same_error_here(second: Path) -> None:
    unknown = ModelSettings(family="springs", name="rubber")
    with pytest.raises(ModelUnavailableError, match="no potential 'rubber'; known: springs, "):
        questions.identify(unknown, second)


def test_an_interpreter_without_thermoscreen_is_named() -> None:
    bare = Path(sys.executable).resolve()
    with pytest.raises(ModelUnavailableError, match=rf"{bare} cannot answer.*No module named"):
        questions.identify(SPRINGS, bare)


def test_another_version_of_the_code_is_refused(
    second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records travel between the driver and its workers: both must be the same code."""
    other = tmp_path / "other"
    shutil.copytree(Path(screen.__file__).parent, other / "screen")
    monkeypatch.setenv("PYTHONPATH", str(other))
    questions.check_same_code("springs", second)
    with (other / "screen" / "core" / "units.py").open("a") as handle:
        handle.write("# changed\n")
    with pytest.raises(ModelUnavailableError, match=r"another version.*models install springs"):
        questions.check_same_code("springs", second)


def test_describing_imports_no_torch(second: Path) -> None:
    script = (
        "import sys; from screen.models.__main__ import describe; describe('mace'); "
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([second, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_question_lists_the_known_ones(second: Path) -> None:
    command = [second, "-P", "-m", "screen.models", "why", SPRINGS.model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "describe, identify, elements" in done.stderr
    described = [second, "-P", "-m", "screen.models", "describe", "springs"]
    answer = subprocess.run(described, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer)["package"] is None
