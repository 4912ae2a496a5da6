"""Why the live database cannot be opened, in words that help."""

from __future__ import annotations

import re
from pathlib import Path


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
