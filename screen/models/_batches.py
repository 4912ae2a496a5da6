"""Split crystals into batches and put the results together again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import EvaluationError
from screen.core.records import Evaluation

T = TypeVar("T")

Result = tuple[FloatArray, FloatArray, FloatArray]
"""A batch of m crystals: energies (m,) eV, forces (all atoms, 3) eV/Å, stresses (m, 3, 3) eV/Å³."""


def batches(items: Iterable[T], size: Callable[[T], int], budget: int) -> Iterator[list[T]]:
    """Yield consecutive items whose sizes add up to ``budget`` at most, one at least."""
    batch: list[T] = []
    filled = 0
    for item in items:
        if batch and filled + size(item) > budget:
            yield batch
            batch, filled = [], 0
        batch.append(item)
        filled += size(item)
    if batch:
        yield batch


def gathered(name: str, crystals: Sequence[Crystal], results: Iterable[Result]) -> Evaluation:
    """Put the batches' results, in the order of the crystals, into one record.

    Raises
    ------
    EvaluationError
        A value is not finite; the message names the crystal.
    """
    nothing = (np.zeros(0), np.zeros((0, 3)), np.zeros((0, 3, 3)))
    columns = zip(nothing, *results, strict=True)
    energies, all_forces, stresses = (np.concatenate(column) for column in columns)
    forces = np.split(all_forces, np.cumsum([len(crystal) for crystal in crystals])[:-1])
    for index, crystal in enumerate(crystals):
        values = (energies[index], forces[index], stresses[index])
        if not all(np.isfinite(value).all() for value in values):
            raise EvaluationError(
                f"{name} gave an energy, force or stress that is not finite for "
                f"{crystal.formula} ({len(crystal)} atoms, {crystal.volume:.2f} Å³)"
            )
    return Evaluation(energies, tuple(forces) if len(crystals) else (), stresses)
