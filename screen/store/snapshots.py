"""Published snapshots as files: versioned names, a pointer to the newest, bounded retention.

DuckDB caches open files by path within a process, so a file is never replaced under its name;
each snapshot has a new one, and ``CURRENT`` names the newest whole one.
"""

from __future__ import annotations

import re
from pathlib import Path

from screen.core.errors import StoreError
from screen.store.files import remove_temporaries, sync_file, sync_folder, write_atomically
from screen.store.layout import snapshots_folder

POINTER = "CURRENT"
_FILE = re.compile(r"view-(\d{6,})\.duckdb")


def snapshot_file(folder: Path, version: int) -> Path:
    """Return the file of a version."""
    return folder / f"view-{version:06d}.duckdb"


def draft_file(folder: Path, version: int) -> Path:
    """Return where a version is written before it is published."""
    return folder / f".view-{version:06d}.duckdb.tmp"


def versions(folder: Path) -> list[int]:
    """Return all versions on disk, oldest first."""
    matches = (_FILE.fullmatch(path.name) for path in folder.glob("view-*.duckdb"))
    return sorted(int(match[1]) for match in matches if match)


def current_version(run: Path) -> int | None:
    """Return the version that ``CURRENT`` names; None if nothing is published yet.

    Raises
    ------
    StoreError
        The pointer is garbled.
    """
    pointer = snapshots_folder(run) / POINTER
    try:
        name = pointer.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    match = _FILE.fullmatch(name)
    if match is None:
        raise StoreError(
            f"{pointer} holds {name[:40]!r}, which names no snapshot: delete it and run the "
            "campaign again to publish a new one"
        )
    return int(match[1])


def next_version(run: Path) -> int:
    """Return a version that no file and no pointer has used."""
    used = versions(snapshots_folder(run))
    return max([*used, current_version(run) or 0]) + 1


def publish_draft(run: Path, version: int, keep: int) -> Path:
    """Give a finished draft its name, point ``CURRENT`` to it and drop old versions.

    Killed between any two steps, ``CURRENT`` still names a whole snapshot.
    """
    folder = snapshots_folder(run)
    draft, path = draft_file(folder, version), snapshot_file(folder, version)
    sync_file(draft)
    draft.rename(path)
    sync_folder(folder)
    write_atomically(folder / POINTER, lambda handle: handle.write(f"{path.name}\n".encode()))
    _retain(run, keep)
    return path


def remove_drafts(run: Path) -> int:
    """Remove what killed writers left; return how many files that were."""
    folder = snapshots_folder(run)
    patterns = (".view-*", f".{POINTER}.*")
    return sum(remove_temporaries(folder, pattern) for pattern in patterns)


def keep_current(run: Path) -> int:
    """Delete all versions but the current one; return how many. Who reads one keeps its file."""
    before = len(versions(snapshots_folder(run)))
    _retain(run, keep=1)
    return before - len(versions(snapshots_folder(run)))


def _retain(run: Path, keep: int) -> None:
    """Delete all but the newest ``keep`` versions, never the current one."""
    folder = snapshots_folder(run)
    current = current_version(run)
    for version in versions(folder)[:-keep]:
        if version != current:
            snapshot_file(folder, version).unlink(missing_ok=True)
