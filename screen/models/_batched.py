"""A potential on torch that evaluates batches of neighbour graphs: what its families share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from screen.core.crystal import Crystal
from screen.core.protocols import check_elements
from screen.core.records import Evaluation
from screen.models._batches import Budget, Memory, Result, gathered, run_in_batches
from screen.models._topology import Copy, copies_of


@dataclass(frozen=True, eq=False)
class BatchedForceField(ABC):
    """A loaded potential: a ``core.protocols.ForceField``; a family adds ``forward``."""

    name: str
    device: Any  # torch.device
    dtype: Any  # torch.dtype of the weights and of the evaluation
    cutoff: float  # Å, of neighbours
    elements: frozenset[str]
    memory: Memory
    budget: Budget

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Energies, forces and stresses; see ``core.protocols.ForceField``.

        Raises
        ------
        UnsupportedElementError
            A crystal holds an element without training data.
        EvaluationError
            A result is not finite.
        MemoryError
            A crystal does not fit the memory.
        """
        for crystal in crystals:
            check_elements(self.elements, crystal, self.name)
        copies = copies_of(crystals, self.cutoff)
        results = run_in_batches(copies, attrgetter("size"), self.forward, self.budget, self.memory)
        return gathered(self.name, crystals, results)

    @abstractmethod
    def forward(self, copies: Sequence[Copy]) -> Result:
        """Evaluate one batch in one pass."""
