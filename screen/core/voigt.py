"""Symmetric tensors in the order xx, yy, zz, yz, xz, xy."""

from __future__ import annotations

import numpy as np

from screen.core.crystal import FloatArray

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
_ROWS, _COLUMNS = (list(indices) for indices in zip(*VOIGT, strict=True))


def to_voigt(tensors: FloatArray) -> FloatArray:
    """(..., 3, 3) to (..., 6)."""
    return np.asarray(tensors[..., _ROWS, _COLUMNS])


def from_voigt(components: FloatArray) -> FloatArray:
    """(..., 6) to symmetric (..., 3, 3)."""
    tensors = np.zeros((*components.shape[:-1], 3, 3))
    tensors[..., _ROWS, _COLUMNS] = components
    tensors[..., _COLUMNS, _ROWS] = components
    return tensors


def mean_diagonal(tensors: FloatArray) -> FloatArray:
    """Mean of xx, yy, zz: (..., 3, 3) to (...)."""
    return np.asarray(np.trace(tensors, axis1=-2, axis2=-1) / 3)


def mean_normal(components: FloatArray) -> FloatArray:
    """Mean of the normal components xx, yy, zz: (..., 6) to (...)."""
    return np.asarray(components[..., :3].mean(axis=-1))


def along(lattice: FloatArray, tensors: FloatArray) -> FloatArray:
    """Return the normal components of Voigt tensors (n, 6) along the vectors of a lattice: (n, 3)."""
    directions = lattice / np.linalg.norm(lattice, axis=1, keepdims=True)
    return np.asarray(np.einsum("ax,nxy,ay->na", directions, from_voigt(tensors), directions))
