"""Which interpreter holds a potential's packages.

A managed environment is a folder ``environments/<name>`` of the user's data folder, or a link to
one elsewhere. A family without a managed environment is looked for in this interpreter.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from screen.core.errors import ModelUnavailableError, SettingsError
from screen.core.folders import data_folder
from screen.core.settings import ModelSettings

THIS = Path(sys.executable)


def environment_folder(name: str) -> Path:
    """Folder of the managed environment ``name``, made or not.

    Raises
    ------
    SettingsError
        The name is a path.
    """
    if Path(name).name != name or name == "..":
        raise SettingsError(f"{name!r} is no name of an environment: it is a path")
    return data_folder() / "environments" / name


def python_in(folder: Path) -> Path:
    """Interpreter of a virtual environment."""
    return folder / "bin" / "python"


def environment_of(settings: ModelSettings) -> str:
    """Name of the environment that a potential runs in; its workers offer ``model:<name>``."""
    return settings.environment or settings.family


def interpreter_of(settings: ModelSettings) -> Path:
    """Interpreter that a potential runs in.

    ``settings.environment`` is the name of a managed environment, or the path of a virtual
    environment or interpreter; without it, the family's managed environment, else this one.

    Raises
    ------
    ModelUnavailableError
        There is no such environment; the message says how to make it.
    """
    named = settings.environment
    if named is None:
        managed = python_in(environment_folder(settings.family))
        return managed if managed.is_file() else THIS
    given = Path(named).expanduser().absolute()
    inside = python_in(given if os.sep in named else environment_folder(named))
    if os.sep in named and given.is_file():
        return given
    if inside.is_file():
        return inside
    raise ModelUnavailableError(
        f"there is no environment {named} for {settings.family} (no {inside}); make it with "
        f"`thermoscreen models install {settings.family} --environment {named}`"
    )
