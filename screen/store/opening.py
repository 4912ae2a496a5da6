"""How DuckDB files are opened: limits, hardening, and what to do when it fails."""

from __future__ import annotations

import re
from pathlib import Path

Config = dict[str, str | bool | int | float | list[str]]

_NO_DOWNLOADS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
_HARDENED = {
    "enable_external_access": "false",  # read-only is no sandbox: COPY TO writes files
    "python_enable_replacements": "false",  # SQL must not see the caller's Python variables
    "temp_directory": "",  # nothing is spilled: snapshots may lie on a read-only disk
    "allow_persistent_secrets": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
}


def live_config(memory_limit: str, threads: int) -> Config:
    """Return the writer's settings."""
    return {**_NO_DOWNLOADS, "memory_limit": memory_limit, "threads": threads}


def snapshot_config(memory_limit: str, threads: int) -> Config:
    """Return a reader's settings: SQL can neither reach files nor change them."""
    return {**live_config(memory_limit, threads), **_HARDENED}


def why_not_opened(path: Path, message: str) -> str:
    """Explain DuckDB's message about the live database ``path``."""
    if "lock" not in message.lower():
        return (
            f"cannot open {path}: {message}. If the file is broken, move it away and run the "
            "campaign again: finished stages are taken from the artifacts"
        )
    owner = re.search(r"\(PID (\d+)\)", message)
    who = f"process {owner[1]}" if owner else "another process"
    return (
        f"{path} is in use by {who}: wait for that campaign or stop it. To only look at results, "
        "use `thermoscreen status`, `sql` or `dashboard`, which read published snapshots"
    )
