"""Where the driver keeps outcomes: what it asks of the store, and one that keeps nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from screen.core.records import Execution, Outcome


class Store(Protocol):
    """The driver's view of ``store.database.Writer``."""

    def finished(
        self,
        model_digest: str,
        protocol_digest: str,
        kinds_to_retry: frozenset[str],
        properties: Sequence[str] = (),
    ) -> set[str]:
        """Return the materials that need no further work."""
        ...

    def computed_stages(self, model_digest: str, protocol_digest: str) -> dict[str, frozenset[str]]:
        """Return the stages that each material's outcome has an artifact of."""
        ...

    def upsert(self, outcomes: Sequence[Outcome]) -> None:
        """Store outcomes."""
        ...

    def add_executions(self, executions: Sequence[Execution]) -> None:
        """Store lines of the cost ledger."""
        ...

    def publish(self) -> Any:
        """Publish a snapshot."""
        ...


class NoStore:
    """A store that keeps nothing: for a simulation."""

    def finished(self, *_: object) -> set[str]:
        """Nothing is finished."""
        return set()

    def computed_stages(self, *_: object) -> dict[str, frozenset[str]]:
        """Nothing is computed."""
        return {}

    def upsert(self, outcomes: Sequence[Outcome]) -> None:
        """Forget them."""

    def add_executions(self, executions: Sequence[Execution]) -> None:
        """Forget them."""

    def publish(self) -> None:
        """Publish nothing."""
