"""Where Thermoscreen keeps what a user's campaigns share: weights and environments."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """``$THERMOSCREEN_HOME``, else ``thermoscreen`` in the user's data folder (XDG)."""
    home = os.environ.get("THERMOSCREEN_HOME")
    if home:
        return Path(home).expanduser().absolute()
    shared = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(shared) / "thermoscreen"
