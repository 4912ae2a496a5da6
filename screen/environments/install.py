"""Make a virtual environment that holds this Thermoscreen and one family's packages."""

from __future__ import annotations

import json
import subprocess
import venv
from collections.abc import Sequence
from importlib.metadata import distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from screen.core.errors import ModelUnavailableError, SettingsError
from screen.core.registry import find
from screen.environments.interpreters import environment_folder, python_in
from screen.environments.questions import describe

DISTRIBUTION = "thermoscreen"
TORCH = "2.13.0"
"""Held in every environment: an open request for torch may pull gigabytes of CUDA libraries."""


def install(
    family: str,
    environment: str | None = None,
    folder: Path | None = None,
    packages: Sequence[str] = (),
    constraints: Sequence[Path] = (),
    torch: str = TORCH,
) -> Path:
    """Make or renew an environment; return its interpreter.

    Parameters
    ----------
    family
        Family of potentials; its extra of Thermoscreen is installed.
    environment
        Name of the environment; the family's name where none is given.
    folder
        Where to make it instead of the user's data folder, which then holds a link to it.
    packages
        Further requirements, e.g. the package of an ASE calculator.
    constraints
        pip constraints files; without any, the versions that Thermoscreen's tests pass with.
    torch
        Version of torch, whatever the constraints say.

    Raises
    ------
    SettingsError
        The folder is taken by something else.
    ModelUnavailableError
        pip failed, or the family's package is not there afterwards.
    """
    module = find("models", family)
    name = environment or family
    place = environment_folder(name)
    _make(place, folder)
    python = python_in(place)
    held = place / "constraints.txt"
    held.write_text(_constraints(constraints or known_constraints(family), torch))
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command += ["--constraint", str(held), *_thermoscreen(family), *packages]
    if subprocess.run(command, check=False).returncode != 0:
        raise ModelUnavailableError(
            f"pip could not install {family} into {place}; its messages are above. The command: "
            + " ".join(command)
        )
    found = describe(family, python)
    if module.PACKAGE is not None and found["package_version"] is None:
        raise ModelUnavailableError(
            f"{module.PACKAGE} is missing in {place} after its installation"
        )
    return python


def known_constraints(family: str) -> list[Path]:
    """Versions that the family's tests passed with, if they come with this installation."""
    roots = (Path(__file__).parents[2], Path(__file__).parents[1] / "_constraints")
    names = (f"constraints-{family}.txt", "constraints.txt")
    found = [root / name for name in names for root in roots]
    return [path for path in found if path.is_file()][:1]


def _constraints(files: Sequence[Path], torch: str) -> str:
    """Lines of all files, with torch held.

    Raises
    ------
    SettingsError
        A file cannot be read.
    """
    lines = [f"torch=={torch}"]
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"cannot read the constraints {path}: {error.strerror}") from error
        lines += [line for line in text.splitlines() if not line.startswith("torch==")]
    return "\n".join(lines) + "\n"


def _make(place: Path, folder: Path | None) -> None:
    """Make the virtual environment, and the link to it where it lies elsewhere."""
    if folder is not None:
        there = folder.expanduser().absolute()
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            raise SettingsError(
                f"there is already an environment {place}; remove it before putting one in {there}"
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        there.mkdir(parents=True, exist_ok=True)
        place.symlink_to(there, target_is_directory=True)
    if not python_in(place).is_file():
        if place.exists() and any(place.iterdir()):
            raise SettingsError(f"{place.resolve()} holds something that is no environment")
        venv.create(place.resolve(), with_pip=True, symlinks=True)  # it refuses a link


def _thermoscreen(family: str) -> list[str]:
    """Return pip's words for this very Thermoscreen with the extra: a checkout or a release."""
    here = distribution(DISTRIBUTION)
    extra = f"[{family}]" if family in here.metadata.get_all("Provides-Extra", []) else ""
    origin = json.loads(here.read_text("direct_url.json") or "{}")
    if "dir_info" in origin:
        checkout = unquote(urlparse(origin["url"]).path)
        editable = ["--editable"] if origin["dir_info"].get("editable") else []
        return [*editable, f"{checkout}{extra}"]
    return [f"{DISTRIBUTION}{extra}=={here.version}"]
