"""Small crystals that many tests use."""

from __future__ import annotations

import numpy as np

from screen.core.crystal import Crystal

FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def rocksalt(a: float = 5.5, cation: int = 3, anion: int = 35) -> Crystal:
    """Conventional rocksalt cell, LiBr unless told otherwise; ``a`` in Å."""
    positions = np.concatenate([FCC, FCC + 0.5]) % 1.0
    return Crystal(np.eye(3) * a, np.array([cation] * 4 + [anion] * 4), positions)


def fcc(a: float, number: int) -> Crystal:
    """Conventional fcc cell; ``a`` in Å."""
    return Crystal(np.eye(3) * a, np.full(4, number), FCC)


def wurtzite(a: float, c: float, cation: int, anion: int, u: float = 0.375) -> Crystal:
    """Wurtzite cell with the cation at the origin of z; ``a``, ``c`` in Å."""
    lattice = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]])
    third = 1 / 3
    positions = np.array(
        [
            [third, 2 * third, 0],
            [2 * third, third, 0.5],
            [third, 2 * third, u],
            [2 * third, third, 0.5 + u],
        ]
    )
    return Crystal(lattice, np.array([cation] * 2 + [anion] * 2), positions)
