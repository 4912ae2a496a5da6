"""What of ``thermoscreen[dashboard]`` a command needs: another package, in a process of its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from screen.core.errors import SettingsError


def require_dashboard(what: str, *packages: str) -> None:
    """Refuse where the extra is not installed.

    Raises
    ------
    SettingsError
        It is not.
    """
    missing = [item for item in ("dashboard", *packages) if importlib.util.find_spec(item) is None]
    if missing:
        raise SettingsError(f"{what} needs {missing[-1]}: pip install 'thermoscreen[dashboard]'")


def require_run(run: Path) -> None:
    """Refuse where there is no run folder.

    Raises
    ------
    SettingsError
        There is none.
    """
    if not run.is_dir():
        raise SettingsError(f"no run folder {run}; make one with `thermoscreen run campaign.toml`")
