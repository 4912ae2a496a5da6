"""Where the catalogs lie: ``catalogs/`` of a checkout, ``screen/_catalogs/`` of a wheel."""

from __future__ import annotations

from pathlib import Path

from screen.core.errors import CatalogError

PACKAGE = Path(__file__).resolve().parents[1]


def catalog_path(name: str) -> Path:
    """Path of the catalog file or folder ``name``, e.g. ``phonondb_pbe_103.csv``.

    Raises
    ------
    CatalogError
        No such catalog is there; the message names the folders that were searched.
    """
    folders = (PACKAGE / "_catalogs", PACKAGE.parent / "catalogs")
    for folder in folders:
        if (folder / name).exists():
            return folder / name
    raise CatalogError(
        f"no catalog {name!r} in {folders[0]} (installed package) or {folders[1]} (checkout); "
        "reinstall thermoscreen"
    )
