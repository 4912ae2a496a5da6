"""Split crystals into batches that fit the memory and put the results together again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from screen.core.crystal import Crystal, FloatArray
from screen.core.errors import EvaluationError
from screen.core.records import Evaluation

T = TypeVar("T")

Result = tuple[FloatArray, FloatArray, FloatArray]
"""A batch of m crystals: energies (m,) eV, forces (all atoms, 3) eV/Å, stresses (m, 3, 3) eV/Å³."""

SHARE = 0.7  # of the free memory that a batch is meant to take; the rest is for fragmentation
GROWTH = 2  # memory per edge is measured again on batches so many times larger


class Memory(Protocol):
    """Memory of a device; see ``_torch.CudaMemory`` and ``_torch.HostMemory``."""

    def watch(self) -> None:
        """Start to measure a peak."""
        ...

    def peak(self) -> int | None:
        """Bytes taken at most since ``watch``; None where they are not measured."""
        ...

    def free(self) -> int:
        """Bytes to be had."""
        ...

    def release(self) -> None:
        """Give back what is cached."""
        ...


@dataclass
class Budget:
    """Edges (pairs of neighbours) per forward pass, kept as long as the potential is loaded.

    A first guess gives way to what the peak of memory per edge allows, measured on the first
    batch and again on much larger ones. A batch that does not fit halves the budget for good.
    """

    edges: int
    measured: int = 0  # edges of the largest batch whose memory was measured
    final: bool = False  # memory ran out: no measurement raises the budget again

    def learn(self, edges: int, peak: int | None, free: int) -> None:
        """Take note of the peak of memory of a batch of ``edges``, bytes."""
        if not self.final and peak and edges > GROWTH * self.measured:
            self.measured = edges
            self.edges = max(int(SHARE * free * edges / peak), 1)

    def halve(self, edges: int) -> None:
        """Take note of a batch of ``edges`` that did not fit."""
        self.edges = max(min(self.edges, edges) // 2, 1)
        self.final = True


def run_in_batches(
    items: Iterable[T],
    size: Callable[[T], int],
    forward: Callable[[list[T]], Result],
    budget: Budget,
    memory: Memory,
) -> Iterator[Result]:
    """Yield the results of batches of consecutive items within the budget, one item at least.

    A batch that runs out of memory is halved and repeated.

    Raises
    ------
    MemoryError
        A single item does not fit the memory.
    """
    source, waiting = iter(items), deque[T]()
    while batch := _take(source, waiting, size, budget.edges):
        edges = sum(map(size, batch))
        memory.watch()
        try:
            result = forward(batch)
        except (MemoryError, RuntimeError) as error:
            if not out_of_memory(error):
                raise
            if len(batch) == 1:
                raise MemoryError(
                    f"one cell of {edges} pairs of neighbours does not fit ({error})"
                ) from error
        else:
            budget.learn(edges, memory.peak(), memory.free())
            yield result
            continue
        # outside of the clause, whose traceback kept the tensors alive
        budget.halve(edges)
        memory.release()
        waiting.extendleft(reversed(batch))


def out_of_memory(error: Exception) -> bool:
    """Whether an error of Python or torch says that the memory does not suffice."""
    words = ("out of memory", "allocate memory", "ALLOC_FAILED")  # CUDA, CPU, CUBLAS
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)


def gathered(name: str, crystals: Sequence[Crystal], results: Iterable[Result]) -> Evaluation:
    """Put the batches' results, in the order of the crystals, into one record of float64.

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


def _take(source: Iterator[T], waiting: deque[T], size: Callable[[T], int], budget: int) -> list[T]:
    """Take the next items, those that wait first, up to the budget; the rest waits."""
    batch: list[T] = []
    filled = 0
    while waiting or (item := next(source, None)) is not None:
        if not waiting:
            waiting.append(item)  # type: ignore[arg-type]
        if batch and filled + size(waiting[0]) > budget:
            break
        filled += size(waiting[0])
        batch.append(waiting.popleft())
    return batch
