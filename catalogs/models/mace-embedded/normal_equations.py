"""Least squares whose unknowns come in blocks, one an element, for binary compounds of two sides.

No compound holds two cations or two anions, so the normal matrix has two block-diagonal parts: the
elements of one side are eliminated one by one, and a dense system is left for the other alone.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import torch
from scipy.linalg import cho_factor, cho_solve


class NormalEquations:
    """Sums of AᵀA and Aᵀy by element, and their ridge solution."""

    def __init__(self, n_weights: int) -> None:
        self._size = n_weights
        self._matrix: dict[tuple[int, int], Any] = defaultdict(lambda: 0)
        self._values: dict[int, Any] = defaultdict(lambda: 0)

    def add(self, elements: list[int], matrix: torch.Tensor, values: torch.Tensor) -> None:
        """Add equations: matrix (n_elements, n_rows, n_weights) times weights = values."""
        for first, rows in zip(elements, matrix, strict=True):
            self._values[first] += (rows.T @ values).numpy()
            for second, others in zip(elements, matrix, strict=True):
                if first <= second:
                    self._matrix[first, second] += (rows.T @ others).numpy()

    def solve(self, ridge: float) -> dict[int, torch.Tensor]:
        """Weights (n_weights,) by element; ``ridge`` is relative to the diagonal."""
        scale = {z: np.sqrt(np.diag(self._matrix[z, z])) for z in self._values}
        eliminated, kept = self._sides()
        place = {z: slice(i * self._size, (i + 1) * self._size) for i, z in enumerate(kept)}
        matrix = np.zeros((len(kept) * self._size,) * 2)
        values = np.concatenate([self._values[z] / scale[z] for z in kept])
        for z in kept:
            matrix[place[z], place[z]] = self._block(z, z, scale, ridge)
        partial = {}
        for z in eliminated:
            partners = [other for other in kept if tuple(sorted((z, other))) in self._matrix]
            index = np.concatenate([np.arange(len(values))[place[other]] for other in partners])
            coupling = np.concatenate([self._block(other, z, scale, 0.0) for other in partners])
            right = np.column_stack([coupling.T, self._values[z] / scale[z]])
            solved = cho_solve(cho_factor(self._block(z, z, scale, ridge)), right)
            matrix[np.ix_(index, index)] -= coupling @ solved[:, :-1]
            values[index] -= coupling @ solved[:, -1]
            partial[z] = (solved, index)
        found = cho_solve(cho_factor(matrix, overwrite_a=True), values)
        weights = {z: found[place[z]] / scale[z] for z in kept}
        for z, (solved, index) in partial.items():
            weights[z] = (solved[:, -1] - solved[:, :-1] @ found[index]) / scale[z]
        return {z: torch.tensor(values) for z, values in weights.items()}

    def _block(self, row: int, column: int, scale: dict[int, Any], ridge: float) -> Any:
        """Block of the normal matrix, scaled to a unit diagonal, with its ridge."""
        block = (
            self._matrix[row, column] if row <= column else self._matrix[column, row].T
        ) / np.outer(scale[row], scale[column])
        return block + ridge * np.eye(self._size)

    def _sides(self) -> tuple[list[int], list[int]]:
        """Elements of the larger and of the smaller side; no pair is within one side.

        Raises
        ------
        ValueError
            Three elements form a ring of compounds.
        """
        side: dict[int, int] = {}
        for start in sorted(self._values):
            side.setdefault(start, 0)
            waiting = [start]
            while waiting:
                z = waiting.pop()
                for pair in self._matrix:
                    if z in pair and pair[0] != pair[1]:
                        other = pair[0] if pair[1] == z else pair[1]
                        if other not in side:
                            side[other] = 1 - side[z]
                            waiting.append(other)
                        elif side[other] == side[z]:
                            raise ValueError(f"elements {z} and {other} are on one side")
        groups = [[z for z in sorted(side) if side[z] == number] for number in (0, 1)]
        return max(groups, key=len), min(groups, key=len)
