"""The stored records of one result, for figures."""

from __future__ import annotations

from typing import TypeVar

from dashboard.sheet import Result
from screen.core.errors import StoreError
from screen.core.records import Record
from screen.store.artifacts import Artifacts

R = TypeVar("R", bound=Record)


class Records:
    """Reads each record once; one that is gone or broken is told, not raised."""

    def __init__(self, artifacts: Artifacts, result: Result) -> None:
        self.result = result
        self.problems: list[str] = []
        self._artifacts = artifacts
        self._read: dict[str, Record | None] = {}

    def get(self, stage: str, kind: type[R]) -> R | None:
        """Return the record of a stage; None if there is none."""
        if stage not in self._read:
            self._read[stage] = self._stored(stage)
        record = self._read[stage]
        return record if isinstance(record, kind) else None

    def _stored(self, stage: str) -> Record | None:
        key = self.result.artifacts.get(stage)
        if key is None:
            return None
        try:
            record = self._artifacts.read(stage, key)
        except StoreError as error:
            self.problems.append(str(error))
            return None
        if record is None:
            self.problems.append(
                f"The artifact {stage}/{key} is missing: what it shows is left out."
            )
        return record
