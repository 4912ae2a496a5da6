"""A second environment with the packages of this one: another interpreter, nothing to install."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def second_environment(folder: Path) -> Path:
    """Make a virtual environment that borrows this one's packages; returns its interpreter."""
    (folder / "bin").mkdir(parents=True)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder)
    (folder / "lib").symlink_to(Path(sys.prefix) / "lib", target_is_directory=True)
    python = folder / "bin" / "python"
    python.symlink_to(Path(sys.executable).resolve())
    return python
