"""Read the crystals of one structure file; what is unusable comes back as a ``Problem``.

POSCAR and extxyz are read by ASE, CIF by pymatgen, each where it is the more careful one:
ASE takes the partly occupied sites of a CIF as full, pymatgen misplaces the atoms of a POSCAR with
Cartesian positions and a negative scale (a volume).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from screen.core.crystal import Crystal
from screen.core.records import Hints, Metadata
from screen.sources import _cif
from screen.sources._entries import Entry, Problem, cell_problem

if TYPE_CHECKING:
    from ase import Atoms

POSCAR_NAME = re.compile(r"^(POSCAR|CONTCAR)([._-].*)?$|\.(vasp|poscar|contcar)$", re.IGNORECASE)


@dataclass(frozen=True)
class Format:
    """How a file's text is cut into entries, and how one of them is read."""

    split: Callable[[str], list[str]]
    parse: Callable[[str], Entry | Problem]


def format_of(path: Path) -> Format | None:
    """Format of a file, by its name; None if it is not supported."""
    by_suffix = {".cif": CIF, ".extxyz": EXTXYZ, ".xyz": EXTXYZ}
    poscar = POSCAR if POSCAR_NAME.search(path.name) else None
    return by_suffix.get(path.suffix.lower(), poscar)


def read_file(path: Path, file_format: Format) -> list[Entry | Problem]:
    """Entries of a file in their order, at least one; whatever is in it, this does not raise."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return [Problem("unreadable_file", f"cannot be read: {error.strerror}; check its rights")]
    if not text.strip():
        return [Problem("unreadable_file", "is an empty file; fill or remove it")]
    return [_parse_safely(part, file_format) for part in file_format.split(text)]


def _parse_safely(part: str, file_format: Format) -> Entry | Problem:
    """Read one entry; the edge at which the readers' own errors become a ``Problem``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what matters is checked here and rejected
            return file_format.parse(part)
    except Exception as error:  # noqa: BLE001  ASE and pymatgen raise whatever bad text leads to
        reason = f"{type(error).__name__}: {error}".strip(": ")
        return Problem("unreadable_file", f"cannot be parsed ({reason}); repair or remove it")


def _parse_poscar(text: str) -> Entry | Problem:
    """Read a POSCAR or CONTCAR of VASP 5 or later."""
    lines = text.splitlines()
    if len(lines) > 5 and all(word.isdigit() for word in lines[5].split()):
        return Problem(
            "unreadable_file",
            "names no elements (VASP 4 format); add a line with their symbols above the counts",
        )
    atoms = _read_atoms(text, "vasp")
    first = 9 if lines[7].strip()[:1] in "sS" else 8
    for line in lines[first : first + len(atoms)]:
        if len(line.split()) < 3:  # ASE takes one number as three equal coordinates
            return Problem("unreadable_file", f"has no three coordinates in the line {line!r}")
    return _entry_from_atoms(atoms)


def _split_frames(text: str) -> list[str]:
    """Cut an (extended) XYZ file into frames; what follows a bad count stays one part."""
    lines = text.splitlines()
    frames, start = [], 0
    while start < len(lines):
        count = lines[start].strip()
        if count:
            end = start + 2 + int(count) if count.isdecimal() else len(lines)
            frames.append("\n".join(lines[start:end]) + "\n")
            start = end
        else:
            start += 1
    return frames


def _parse_frame(frame: str) -> Entry | Problem:
    """Read one frame of an (extended) XYZ file."""
    count = frame.split("\n", 1)[0].strip()
    if not count.isdecimal():
        return Problem(
            "unreadable_file",
            f"has {count[:40]!r} where a number of atoms should be; what follows is not read",
        )
    return _entry_from_atoms(_read_atoms(frame, "extxyz"))


def _read_atoms(text: str, file_format: str) -> Atoms:
    """Read the one structure of a text with ASE."""
    from ase.io import read

    return cast("Atoms", read(StringIO(text), format=file_format, index=0))


def _entry_from_atoms(atoms: Atoms) -> Entry | Problem:
    """Entry of an ASE structure, if it is periodic in three directions."""
    lattice = atoms.cell.array
    problem = _periodicity_problem(atoms) or cell_problem(lattice, len(atoms))
    if problem is not None:
        return problem
    fractional = np.linalg.solve(lattice.T, atoms.positions.T).T
    crystal = Crystal(lattice, atoms.numbers, fractional)
    return Entry(crystal, _hints(atoms.info), _metadata(atoms.info))


def _periodicity_problem(atoms: Atoms) -> Problem | None:
    """Find a direction without periodicity."""
    if len(atoms) == 0 or all(atoms.pbc):
        return None
    return Problem(
        "not_periodic",
        f"is periodic along {sum(atoms.pbc)} of 3 directions; give Lattice=... (and no pbc, "
        'or pbc="T T T")',
    )


def _hints(info: Mapping[str, Any]) -> Hints:
    """Supercells and mesh as named in the files of k_SRME."""
    matrices = (info.get(f"{name}_supercell") for name in ("fc2", "fc3"))
    fc2, fc3 = (
        None if matrix is None else np.array(matrix, dtype=np.int64).reshape(3, 3)
        for matrix in matrices
    )
    mesh = info.get("q_mesh")
    return Hints(fc2, fc3, None if mesh is None else np.array(mesh, dtype=np.int64).reshape(3))


def _metadata(info: Mapping[str, Any]) -> Metadata:
    """Metadata that the comment line of an extxyz frame gives."""
    gap, hull = (info.get(name) for name in ("band_gap", "energy_above_hull"))
    return Metadata(
        mp_id=None if info.get("mp_id") is None else str(info["mp_id"]),
        band_gap=None if gap is None else float(gap),
        energy_above_hull=None if hull is None else float(hull),
    )


POSCAR = Format(lambda text: [text], _parse_poscar)
EXTXYZ = Format(_split_frames, _parse_frame)
CIF = Format(_cif.split_blocks, _cif.parse_block)
