"""The 103 phononDB-PBE compounds with DFT conductivities: rocksalt, zincblende, wurtzite."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from screen.core.catalogs import catalog_path
from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.errors import CatalogError, SettingsError
from screen.core.records import Candidate, Hints, Metadata
from screen.sources import _options

SOURCE = "benchmark"
CATALOG = "phonondb_pbe_103.csv"
OPTIONS = ("names", "prototypes", "seed", "limit")
REFERENCE = (
    "phononDB-PBE (A. Togo), Wigner RTA conductivities of Póta et al., arXiv 2408.00755 (k_SRME)"
)
LICENCE = "CC BY 4.0"

# Positions in the order of the source, four cations before four anions, so that supercells
# and stored forces of the source fit ours.
_FACE_CENTRES = ((0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0))
_OCTAHEDRAL = ((0.5, 0.5, 0.5), (0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5))
_TETRAHEDRAL = ((0.25, 0.75, 0.25), (0.25, 0.25, 0.75), (0.75, 0.75, 0.75), (0.75, 0.25, 0.25))
_CUBIC = {"rocksalt": _FACE_CENTRES + _OCTAHEDRAL, "zincblende": _FACE_CENTRES + _TETRAHEDRAL}
PROTOTYPES = (*_CUBIC, "wurtzite")

Row = Mapping[str, str]  # a line of the catalog, by column


def candidates(options: Mapping[str, Any]) -> Iterator[Candidate]:
    """Yield benchmark compounds in the order of the catalog (prototype, then id) or of ``names``.

    Options: ``names`` (ids such as ``LiBr-rs``, Materials Project ids, or formulas),
    ``prototypes`` (rocksalt, zincblende, wurtzite), ``seed`` (of a random order),
    ``limit`` (first so many).

    Raises
    ------
    SettingsError
        An option, a name or a prototype is unknown, or no compound fits all options.
    CatalogError
        The catalog file is missing or broken.
    """
    _options.check_known(SOURCE, options, OPTIONS)
    names = _options.texts(SOURCE, options, "names")
    prototypes = _options.texts(SOURCE, options, "prototypes")
    limit = _options.limit(SOURCE, options)
    path = catalog_path(CATALOG)
    rows = _read_rows(path)
    if names is not None:
        rows = _named(rows, names)
    if prototypes is not None:
        rows = _of_prototypes(rows, prototypes)
    if not rows:
        raise SettingsError(
            f"source {SOURCE!r}: no compound is one of {names} and of prototype {prototypes}; "
            "drop one of the options"
        )
    if options.get("seed") is not None:
        order = random.Random(_options.count(SOURCE, options, "seed", 0, least=0))
        rows = order.sample(rows, len(rows))
    return islice((_candidate(row, path) for row in rows), limit)


def _read_rows(path: Path) -> list[Row]:
    """Lines of the catalog."""
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _named(rows: list[Row], names: tuple[str, ...]) -> list[Row]:
    """Rows whose id, Materials Project id or formula is one of ``names``, in their order."""
    known = {row[column] for row in rows for column in ("id", "mp_id", "formula")}
    _check_members("compound", names, known)
    found = {
        row["id"]: row
        for name in names
        for row in rows
        if name in {row["id"], row["mp_id"], row["formula"]}
    }
    return list(found.values())


def _of_prototypes(rows: list[Row], prototypes: tuple[str, ...]) -> list[Row]:
    """Rows of the given prototypes."""
    _check_members("prototype", prototypes, set(PROTOTYPES))
    return [row for row in rows if row["prototype"] in prototypes]


def _check_members(what: str, given: tuple[str, ...], known: set[str]) -> None:
    """Raise ``SettingsError`` for the first of ``given`` that is not known."""
    for name in given:
        if name not in known:
            near = _options.suggestion(name, sorted(known))
            examples = "LiBr-rs, mp-23259 or LiBr" if what == "compound" else ", ".join(PROTOTYPES)
            raise SettingsError(
                f"source {SOURCE!r} has no {what} {name!r}{near}; give for example {examples}"
            )


def _candidate(row: Row, path: Path) -> Candidate:
    """Candidate of one line of the catalog."""
    try:
        return Candidate(
            id=row["id"],
            source=SOURCE,
            crystal=_crystal(row),
            hints=Hints(
                fc2_supercell=np.diag(_integers(row["fc2_supercell"])),
                fc3_supercell=np.diag(_integers(row["fc3_supercell"])),
                mesh=_integers(row["q_mesh"]),
            ),
            metadata=_metadata(row),
        )
    except (KeyError, ValueError) as error:
        raise CatalogError(
            f"{path} is broken at {row.get('id')!r} ({type(error).__name__}: {error}); "
            "reinstall thermoscreen"
        ) from error


def _metadata(row: Row) -> Metadata:
    """Return the figures of one compound; four of them have no Materials Project entry."""
    return Metadata(
        prototype=row["prototype"],
        mp_id=row["mp_id"] if row["mp_id"].startswith("mp-") else None,
        kappa_reference_300=float(row["kappa_reference_300"]),
        kappa_reference_nac_300=float(row["kappa_reference_nac_300"]),
        reference=REFERENCE,
        licence=LICENCE,
    )


def _crystal(row: Row) -> Crystal:
    """Conventional cell, orientation and order of atoms as in the source."""
    wurtzite = row["prototype"] == "wurtzite"
    fractional = _wurtzite_positions(row) if wurtzite else _cubic_positions(row)
    lattice = _hexagonal_lattice(row) if wurtzite else float(row["a"]) * np.eye(3)
    numbers = np.repeat(
        [atomic_numbers[row["cation"]], atomic_numbers[row["anion"]]], len(fractional) // 2
    )
    return Crystal(lattice, numbers, fractional)


def _cubic_positions(row: Row) -> FloatArray:
    """Fractional positions, (8, 3)."""
    return np.array(_CUBIC[row["prototype"]], dtype=np.float64)


def _wurtzite_positions(row: Row) -> FloatArray:
    """Fractional positions of the sites 2b, (4, 3)."""
    x = float(row["x"])
    heights = (float(row["z_cation"]), float(row["z_anion"]))
    pairs = [[(x, 1 - x, z), (1 - x, x, (z + 0.5) % 1)] for z in heights]
    return np.array(pairs, dtype=np.float64).reshape(4, 3)


def _hexagonal_lattice(row: Row) -> FloatArray:
    """Lattice with a along x and c along z, (3, 3) Å."""
    a, c = float(row["a"]), float(row["c"])
    return np.array([[a, 0, 0], [-a / 2, np.sqrt(3) / 2 * a, 0], [0, 0, c]])


def _integers(text: str) -> IntArray:
    """Integers of a text such as ``4 4 4``."""
    return np.array(text.split(), dtype=np.int64)
