"""What one execution of a stage costs: time, memory and evaluations."""

from __future__ import annotations

import os
import resource
import socket
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from screen.core.crystal import Crystal
from screen.core.protocols import ForceField
from screen.core.records import Evaluation, Execution


class Meter:
    """Wall time, processor time and evaluations of one execution."""

    def __init__(self, stage: str, artifact: str, material_id: str) -> None:
        self._labels = (stage, artifact, material_id)
        self._started_at = datetime.now(UTC)
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        self.evaluations = 0
        self.atoms = 0

    def read(self) -> Execution:
        """Close the meter."""
        stage, artifact, material_id = self._labels
        return Execution(
            execution_id=uuid.uuid4().hex,
            artifact=artifact,
            stage=stage,
            material_id=material_id,
            wall_s=time.perf_counter() - self._wall,
            cpu_s=time.process_time() - self._cpu,
            peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            evaluations=self.evaluations,
            atoms=self.atoms,
            started_at=self._started_at.isoformat(),
            host=socket.gethostname(),
            pid=os.getpid(),
        )


class Counted:
    """A force field that counts what it evaluates."""

    def __init__(self, force_field: ForceField, meter: Meter) -> None:
        self._force_field = force_field
        self._meter = meter

    @property
    def elements(self) -> frozenset[str]:
        """Elements of the potential."""
        return self._force_field.elements

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Evaluate and count."""
        self._meter.evaluations += len(crystals)
        self._meter.atoms += sum(len(crystal) for crystal in crystals)
        return self._force_field.evaluate(crystals)


class NoModel:
    """Stands where a stage has no business with the potential."""

    elements: frozenset[str] = frozenset()

    def evaluate(self, crystals: Sequence[Crystal]) -> Evaluation:
        """Refuse."""
        raise TypeError(f"a cpu stage asked the potential for {len(crystals)} crystals")


NO_MODEL = NoModel()
