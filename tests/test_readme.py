"""The README's commands and campaign files are valid as written."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from screen.cli import app
from screen.core.settings import campaign_from
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import tiny, write_fcc

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    \.venv/bin/thermoscreen (.+)$", README, flags=re.MULTILINE)
TOML = re.findall(r"```toml\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run that stands for the demo's."""
    folder = tmp_path_factory.mktemp("readme")
    crystals = write_fcc(folder / "crystals", "Cu")
    (crystals / "Cu.vasp").rename(crystals / "SiC-zb.vasp")
    protocol = {"base": "quick", "conductivity": {"mesh": {"length": 10}}}
    run_campaign(tiny(folder / "demo", crystals, protocol=protocol))
    return folder / "demo"


def as_case(command: str) -> Any:
    """An environment is made anew, from the network, where there is time: ``make test`` makes its own
    by the same command before the tests begin."""
    slow = command.startswith("models install")
    return pytest.param(command, marks=pytest.mark.slow) if slow else command


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the environments of whoever runs the tests alone."""
    monkeypatch.setenv("THERMOSCREEN_HOME", str(tmp_path / "home"))


@pytest.mark.parametrize("command", [as_case(c) for c in COMMANDS if not c.startswith("dashboard")])
@pytest.mark.usefixtures("own_home")
def test_a_command_of_the_readme_works_as_written(command: str, run: Path) -> None:
    arguments = [
        word.replace("runs/demo", str(run)) for word in shlex.split(command, comments=True)
    ]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert result.exception is None


def test_the_readme_names_the_commands_that_matter() -> None:
    words = {command.split()[0] for command in COMMANDS}
    assert {"dashboard", "rank", "sql", "show", "status", "catalog", "protocols"} <= words


def test_the_campaign_files_of_the_readme_are_valid() -> None:
    campaign, protocol = (tomllib.loads(text) for text in TOML)
    assert campaign_from(campaign).source.options == {"path": "catalogs/examples"}
    changed = campaign_from({**campaign, **protocol}).protocol
    assert changed.temperatures == (300, 600)
    assert changed.displacements.fc3_minimum_image == 8.0


def test_the_makefile_has_the_targets_that_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^    make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
