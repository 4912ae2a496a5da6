"""A process to be killed: ``python -m tests.store.packer <folder> <step>`` packs and dies there."""

from __future__ import annotations

import sys
from pathlib import Path

from screen.store import compact, folder, packs
from screen.store.artifacts import Artifacts
from tests.store.victim import die

if __name__ == "__main__":
    place, step = Path(sys.argv[1]), sys.argv[2]
    if step == "write":
        packs.write_atomically = die  # type: ignore[assignment]
    elif step == "unlink":
        Path.unlink = die  # type: ignore[assignment, method-assign]
    elif step == "sync":
        folder.sync_folder = die  # type: ignore[assignment]
    compact.pack(Artifacts(place))
