"""Choose the supercells for second- and third-order force constants."""

from __future__ import annotations

from itertools import product

import numpy as np

from screen.core.crystal import Crystal, FloatArray, IntArray
from screen.core.errors import DisplacementError
from screen.core.records import Hints
from screen.core.settings import DisplacementSettings


def supercell_matrices(
    unitcell: Crystal, hints: Hints, settings: DisplacementSettings
) -> tuple[IntArray, IntArray]:
    """Supercell matrices (fc2, fc3), each (3, 3), in multiples of ``unitcell``.

    Raises
    ------
    DisplacementError
        The protocol wants the catalog's supercells and the catalog gives none.
    """
    if settings.supercells == "minimum_image":
        return (
            diagonal_supercell(unitcell.lattice, settings.fc2_minimum_image),
            diagonal_supercell(unitcell.lattice, settings.fc3_minimum_image),
        )
    if hints.fc2_supercell is None or hints.fc3_supercell is None:
        raise DisplacementError(
            "the protocol takes supercells from the catalog and this entry has none; "
            "use a protocol with supercells = 'minimum_image', e.g. screen",
            kind="no_supercell_hint",
        )
    return hints.fc2_supercell, hints.fc3_supercell


def diagonal_supercell(lattice: FloatArray, minimum_image: float) -> IntArray:
    """Smallest diagonal supercell whose shortest lattice vector reaches ``minimum_image`` (Å).

    Axes of equal length, which symmetry may exchange, get equal multiples. Start where every
    distance between opposite faces reaches the length, which suffices, then go down axis by
    axis while the shortest lattice vector allows.
    """
    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    multiples = np.ceil(minimum_image / heights - 1e-9).astype(np.int64)
    classes = _equal_axes(lattice)
    for axes in classes:
        multiples[axes] = multiples[axes].max()
    shrinking = True
    while shrinking:
        shrinking = False
        for axes in sorted(classes, key=lambda axes: -multiples[axes].max()):
            smaller = multiples.copy()
            smaller[axes] -= 1
            if smaller.min() >= 1 and shortest_vector(smaller[:, None] * lattice) >= minimum_image:
                multiples, shrinking = smaller, True
    return np.diag(multiples)


def shortest_vector(lattice: FloatArray) -> float:
    """Length of the shortest non-zero lattice vector, in Å (rows are Minkowski-reduced first)."""
    from ase.geometry.minkowski_reduction import minkowski_reduce

    reduced, _ = minkowski_reduce(lattice)
    steps = np.array([step for step in product((-1, 0, 1), repeat=3) if any(step)])
    return float(np.linalg.norm(steps @ reduced, axis=1).min())


def _equal_axes(lattice: FloatArray) -> list[list[int]]:
    """Group axes whose lattice vectors have the same length within 1e-3."""
    lengths = np.linalg.norm(lattice, axis=1)
    groups: list[list[int]] = []
    for axis, length in enumerate(lengths):
        for group in groups:
            if abs(lengths[group[0]] / length - 1) < 1e-3:
                group.append(axis)
                break
        else:
            groups.append([axis])
    return groups
