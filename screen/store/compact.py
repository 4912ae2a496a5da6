"""Fewer files: small artifacts into packs, the ledger into Parquet, old snapshots away."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from screen.core.errors import StoreError
from screen.store import ledger, packs, snapshots
from screen.store.artifacts import Artifacts
from screen.store.folder import Folder
from screen.store.layout import artifacts_folder, ledger_folder
from screen.store.manifest import manifest_of

LARGEST = 256 * 1024  # bytes; of a material's eleven artifacts only those of fc3 are larger


@dataclass(frozen=True)
class Compacted:
    """How many files, lines or versions went."""

    artifacts: int
    ledger_files: int
    manifest_lines: int
    snapshots: int
    broken_packs: int  # left as they are


def compact(run: Path, older_than_s: float, largest: int = LARGEST) -> Compacted:
    """Compact a run that no driver writes to; killed at any point, nothing is lost.

    Parameters
    ----------
    older_than_s
        Ledger files that were written to since stay: their workers may live.
    largest
        Artifacts up to so many bytes go into packs.

    Raises
    ------
    StoreError
        The disk is full, or a file is broken.
    """
    artifacts = Artifacts(artifacts_folder(run))
    return Compacted(
        pack(artifacts, largest),
        ledger.compact(ledger_folder(run), older_than_s),
        manifest_of(run).compact(),
        snapshots.keep_current(run),
        len(broken_packs(artifacts)),
    )


def pack(artifacts: Artifacts, largest: int = LARGEST) -> int:
    """Move small artifacts of a folder into packs; a bucket has no inodes to save.

    What lies beside a broken pack stays where it is.

    Raises
    ------
    StoreError
        The disk is full.
    """
    storage = artifacts.storage
    if not isinstance(storage, Folder):
        return 0
    left = broken_packs(artifacts)
    try:
        folders = [path for path in sorted(storage.path.glob("*/*")) if path.is_dir()]
        return sum(
            storage.pack(f"{path.parent.name}/{path.name}", largest)
            for path in folders
            if path not in left
        )
    except OSError as error:
        raise StoreError(f"cannot pack {storage.path}: {error.strerror or error}") from error


def broken_packs(artifacts: Artifacts) -> list[Path]:
    """Return the folders whose packs cannot be looked up in."""
    storage = artifacts.storage
    if not isinstance(storage, Folder):
        return []
    found = (path.parent for path in sorted(storage.path.glob(f"*/*/{packs.PACK}")))
    return [folder for folder in found if packs.problem(folder) is not None]
