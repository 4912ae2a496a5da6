"""Crystals from structure files: CIF, POSCAR/CONTCAR/.vasp, extxyz."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from glob import glob
from itertools import islice
from pathlib import Path
from typing import Any

from screen.core.errors import CatalogError, SettingsError
from screen.core.identities import DUPLICATE
from screen.core.records import Candidate, Rejected
from screen.sources import _options
from screen.sources._distances import overlap
from screen.sources._entries import Entry, Problem
from screen.sources._structure_files import format_of, read_file

SOURCE = "files"
OPTIONS = ("path", "limit")
SUPPORTED = "CIF (.cif), POSCAR* or CONTCAR* or .vasp, extended XYZ (.extxyz, .xyz)"
# Structures that we do not read: in a folder they are rejected, not passed over in silence.
OTHER_FORMATS = frozenset({".cssr", ".gen", ".mcif", ".pdb", ".res", ".traj", ".xsf", ".xtl"})
COMPRESSED = frozenset({".bz2", ".gz", ".xz"})
SUFFIXES = frozenset({".cif", ".extxyz", ".xyz", ".vasp", ".poscar", ".contcar"})


def candidates(options: Mapping[str, Any]) -> Iterator[Candidate | Rejected]:
    """Yield the crystals of structure files, sorted by path within each given path.

    Options: ``path`` (a file, a folder with its subfolders, a glob such as ``cells/**/*.cif``,
    or a list of these; relative to the working directory), ``limit`` (first so many entries,
    rejected ones included). The id is the file's stem, for a file named just POSCAR or CONTCAR
    its folder's name; ``stem#0``, ``stem#1`` ... where a file holds several crystals.

    Kinds of ``Rejected``: unsupported_format, unreadable_file, not_periodic, empty_cell,
    partial_occupancy, incomplete_structure, overlapping_atoms, duplicate_id.

    Raises
    ------
    SettingsError
        An option is unknown or wrong, or ``path`` is missing.
    CatalogError
        A path matches no file.
    """
    _options.check_known(SOURCE, options, OPTIONS)
    paths = _options.texts(SOURCE, options, "path")
    if paths is None:
        raise SettingsError(f"source {SOURCE!r} needs path: a file, a folder, a glob, or a list")
    limit = _options.limit(SOURCE, options)
    found: dict[Path, Path] = {}
    for path in (path for text in paths for path in _find(text)):
        found.setdefault(path.resolve(), path)  # a file that two paths match is read once
    return islice(_unique(found.values()), limit)


def _find(text: str) -> list[Path]:
    """Files that a path, folder or glob stands for, sorted."""
    path = Path(text).expanduser()
    matches = [path] if path.exists() else _expand(str(path))
    files = {file for match in matches for file in (_inside(match) if match.is_dir() else [match])}
    if not files:
        raise CatalogError(
            f"path={text!r} matches no structure file (from {Path.cwd()}); supported: {SUPPORTED}"
        )
    return sorted(files)


def _expand(pattern: str) -> list[Path]:
    """Files and folders that match a glob."""
    return [Path(name) for name in glob(pattern, recursive=True)]  # noqa: PTH207  may be absolute


def _inside(folder: Path) -> Iterator[Path]:
    """Yield structure files of a folder and its subfolders, without hidden ones."""
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and _looks_like_structure(path) and path.is_file():
            yield path


def _looks_like_structure(path: Path) -> bool:
    """Whether a file's name promises a crystal, be it in a format that is not supported."""
    if path.suffix.lower() in COMPRESSED:
        return format_of(path.with_suffix("")) is not None
    return format_of(path) is not None or path.suffix.lower() in OTHER_FORMATS


def _unique(paths: Iterable[Path]) -> Iterator[Candidate | Rejected]:
    """Yield the entries of files, ids made unique: of two equal ids the first one is kept."""
    owners: dict[str, str] = {}
    for path in paths:
        for entry_id, place, item in _entries(path):
            owner = owners.setdefault(entry_id, place)
            if owner == place:
                yield _result(entry_id, place, item)
                continue
            message = f"has the same id {entry_id!r} as {owner}; rename one of them"
            problem = item if isinstance(item, Problem) else Problem(DUPLICATE, message)
            yield _result(f"{entry_id} ({place})", place, problem)


def _entries(path: Path) -> Iterator[tuple[str, str, Entry | Problem]]:
    """Yield id, place (the file, and the number in it if several) and content of entries."""
    file_format = format_of(path)
    if file_format is None:
        problem = Problem(
            "unsupported_format", f"is in no format read here; convert to {SUPPORTED}"
        )
        yield _stem(path), str(path), problem
        return
    entries = read_file(path, file_format)
    for index, entry in enumerate(entries):
        suffix = f"#{index}" if len(entries) > 1 else ""
        item = entry if isinstance(entry, Problem) else overlap(entry.crystal) or entry
        yield _stem(path) + suffix, str(path) + suffix, item


def _result(entry_id: str, place: str, item: Entry | Problem) -> Candidate | Rejected:
    """Record of one entry."""
    if isinstance(item, Problem):
        return Rejected(entry_id, SOURCE, item.kind, f"{place} {item.message}")
    return Candidate(entry_id, SOURCE, item.crystal, item.hints, item.metadata)


def _stem(path: Path) -> str:
    """Name without suffix and without POSCAR or CONTCAR; if nothing remains, the folder's name."""
    name = path.stem if path.suffix.lower() in SUFFIXES else path.name
    rest = re.sub(r"^(POSCAR|CONTCAR)([._-]|$)", "", name)
    return rest or path.resolve().parent.name
