"""Walk one material through the stages, as far as this worker can, keeping every result.

Each finished stage is an artifact; a walk that is cut off goes on from there. A stage that
fails for this material becomes a ``Failure`` record under the same key, so that it is not
tried again; an unexpected error is reported with its traceback and is tried again next time.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path

from screen.core.digest import digest_of_json
from screen.core.errors import BrokenArtifactError, MaterialError, ThermoscreenError
from screen.core.protocols import ForceField, StageInputs
from screen.core.records import Candidate, Execution, Failure, Outcome, Record
from screen.core.registry import find
from screen.core.settings import ModelSettings, Protocol
from screen.pipeline.meter import NO_MODEL, Counted, Meter
from screen.pipeline.potentials import model_resource
from screen.pipeline.stages import Stage, keys_of, pipeline_for
from screen.pipeline.versions import installed_versions
from screen.store import ledger
from screen.store.artifacts import Artifacts
from screen.store.layout import artifacts_folder, ledger_folder
from screen.store.location import Location

TRANSIENT = frozenset({"unexpected_error", "worker_lost", "out_of_memory"})
"""Kinds of failure that say nothing about the material: running again tries again."""

FAILURES = "failures"  # artifact folder of stages that failed for good


@dataclass(frozen=True)
class Task:
    """What a worker must know to walk one material."""

    candidate: Candidate
    model: ModelSettings
    model_digest: str
    protocol: Protocol
    properties: tuple[str, ...]
    run: Path  # run folder, on a path that all workers share unless the artifacts are at a URL
    artifacts: Location | None = None  # folder or URL of records; None: the run folder's


Report = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    """A share of one stage that is computed apart from the others."""

    stage: str
    number: int  # from 0
    of: int

    def __str__(self) -> str:
        return f"part {self.number + 1}/{self.of}"


@dataclass(frozen=True)
class Progress:
    """How far a walk came: an outcome, or what must happen before it can go on."""

    executions: tuple[Execution, ...]
    outcome: Outcome | None = None
    next_resource: str | None = None  # a worker must offer it
    parts: tuple[Part, ...] = ()  # to be computed first
    failures: tuple[Failure, ...] = ()  # of a part


def resource_of(stage: Stage, model: ModelSettings) -> str:
    """Name of the worker resource that a stage needs: ``cpu`` or ``model:<environment>``."""
    return model_resource(model) if stage.resource == "model" else "cpu"


def first_resource(task: Task) -> str:
    """Resource of the first stage."""
    return resource_of(_first_stage(task.properties), task.model)


@lru_cache
def _first_stage(properties: tuple[str, ...]) -> Stage:
    return pipeline_for(properties)[0]


def walk(
    resources: frozenset[str], report: Report, task: Task, failed: Sequence[Failure] = ()
) -> Progress:
    """Run stages until all are done, or the next needs another resource or is to be divided.

    ``report`` is told the stage that starts; ``failed`` are stages of which a part has failed. A
    broken artifact is set aside and computed again.

    Raises
    ------
    ModelUnavailableError, StoreError
        The worker itself is unusable; says nothing about the material.
    """
    executions: list[Execution] = []
    while True:
        state = _Walk(task, {failure.stage: failure for failure in failed}, executions)
        try:
            return _advance(state, resources, report)
        except BrokenArtifactError:
            state.set_broken_aside()


def walk_part(resources: frozenset[str], report: Report, task: Task, part: Part) -> Progress:
    """Compute one part of a stage; what fails is the stage as a whole.

    Raises
    ------
    ModelUnavailableError, StoreError
        The worker itself is unusable; says nothing about the material.
    """
    state = _Walk(task)
    stage = next(stage for stage in state.stages if stage.name == part.stage)
    report(stage.name)
    if not state.finished(stage):  # another part may have failed for good
        try:
            state.execute_part(stage, part)
        except BrokenArtifactError:  # an earlier stage's: the next walk computes it again
            state.set_broken_aside()
    return Progress(tuple(state.executions), failures=tuple(state.failures.values()))


def _advance(state: _Walk, resources: frozenset[str], report: Report) -> Progress:
    """Walk once."""
    for stage in state.stages:
        if state.blocked(stage):
            continue
        if not state.finished(stage):
            needed = state.resource_of(stage)
            if needed not in resources:
                return Progress(tuple(state.executions), next_resource=needed)
            parts = state.divide(stage)
            missing = tuple(part for part in parts if not state.has_part(part))
            if missing:
                return Progress(tuple(state.executions), parts=missing)
            report(stage.name)
            state.execute(stage, parts)
        state.judge(stage)
    return Progress(tuple(state.executions), outcome=state.outcome())


def pending_stage(task: Task, failed: Sequence[Failure] = ()) -> str:
    """Name of the first stage that a walk would run now: where the last one was cut off."""
    state = _Walk(task, {failure.stage: failure for failure in failed})
    for stage in state.stages:
        if not state.blocked(stage):
            if not state.finished(stage):
                return stage.name
            state.judge(stage)
    return state.stages[-1].name


class _Records(Mapping[str, Record]):
    """Records of finished stages, read from their artifacts when first asked for."""

    def __init__(self, artifacts: Artifacts, keys: Mapping[str, str]) -> None:
        self._artifacts = artifacts
        self._keys = keys
        self._read: dict[str, Record] = {}
        self.reading = ("", "")  # folder and key of the artifact that was opened last

    def __getitem__(self, stage: str) -> Record:
        if stage not in self._read:
            self._read[stage] = self.read(stage, self._keys[stage])
        return self._read[stage]

    def read(self, folder: str, key: str) -> Record:
        """Read an artifact."""
        self.reading = (folder, key)
        record = self._artifacts.read(folder, key)
        if record is None:
            raise KeyError(folder)
        return record

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def place_of(self, record: Record) -> tuple[str, str] | None:
        """Folder and key of a record that is known, None for a new one."""
        stages = (stage for stage, known in self._read.items() if known is record)
        stage = next(stages, None)
        return None if stage is None else (stage, self._keys[stage])

    def keep(self, stage: str, record: Record) -> None:
        """Remember a record that was just computed."""
        self._read[stage] = record


@dataclass
class _Walk:
    """State of one walk."""

    task: Task
    failures: dict[str, Failure] = field(default_factory=dict)  # stage -> why
    executions: list[Execution] = field(default_factory=list)
    stages: Sequence[Stage] = field(init=False)
    keys: Mapping[str, str] = field(init=False)
    artifacts: Artifacts = field(init=False)
    unusable: set[str] = field(init=False)  # failed, gated or never started

    def __post_init__(self) -> None:
        task = self.task
        self.stages = pipeline_for(task.properties)
        self.keys = keys_of(task.candidate, task.model_digest, task.protocol, self.stages)
        self.artifacts = Artifacts(task.artifacts or artifacts_folder(task.run))
        self._records = _Records(self.artifacts, self.keys)
        self.inputs = StageInputs(task.candidate, task.protocol, self._records)
        self.unusable = set(self.failures)

    def set_broken_aside(self) -> None:
        """Rename the artifact that could not be read."""
        self.artifacts.set_aside(*self._records.reading)

    def blocked(self, stage: Stage) -> bool:
        """Say whether a stage lacks something that will never come."""
        if self.unusable.isdisjoint(stage.needs):
            return False
        self.unusable.add(stage.name)
        return True

    def finished(self, stage: Stage) -> bool:
        """Say whether a stage has its artifact, or is known to fail."""
        key = self.keys[stage.name]
        if stage.name in self.failures or self.artifacts.has(stage.name, key):
            return True
        try:
            failure = self.artifacts.read(FAILURES, key)
        except BrokenArtifactError:  # the stage runs again and writes it anew
            return False
        if isinstance(failure, Failure):
            self._fail(stage, failure)
            return True
        return False

    def divide(self, stage: Stage) -> tuple[Part, ...]:
        """Parts of which a stage is made; none for a stage that is computed as a whole."""
        count = 1 if stage.divide is None else stage.divide(self.inputs)
        return () if count < 2 else tuple(Part(stage.name, n, count) for n in range(count))

    def has_part(self, part: Part) -> bool:
        """Say whether a part has its artifact."""
        return self.artifacts.has(*self._place_of(part))

    def _place_of(self, part: Part) -> tuple[str, str]:
        """Folder and key of a part's artifact."""
        whole = self.keys[part.stage]
        return f"{part.stage}_parts", digest_of_json([whole, part.number, part.of])

    def execute(self, stage: Stage, parts: Sequence[Part] = ()) -> None:
        """Compute a stage, perhaps from its parts, and keep its record."""
        records = tuple(self._records.read(*self._place_of(part)) for part in parts)
        inputs = replace(self.inputs, parts=records)
        place = (stage.name, self.keys[stage.name])
        record = self._attempt(stage, place, lambda meter: self._run(stage, inputs, meter))
        if record is not None:
            self._records.keep(stage.name, record)

    def execute_part(self, stage: Stage, part: Part) -> None:
        """Compute a part and keep its record."""
        run_part = stage.run_part
        if run_part is None:
            raise TypeError(f"stage {stage.name!r} has no parts")
        compute = partial(run_part, self.inputs, part.number, part.of)
        self._attempt(stage, self._place_of(part), lambda meter: compute())

    def _attempt(
        self, stage: Stage, place: tuple[str, str], compute: Callable[[Meter], Record]
    ) -> Record | None:
        """Write a record to its place, or keep the reason why there is none."""
        record = None
        meter = Meter(*place, self.task.candidate.id)
        try:
            record = compute(meter)
        except MaterialError as error:
            failure = Failure(stage.name, error.kind, str(error))
            self.artifacts.write(FAILURES, self.keys[stage.name], failure)
            self._fail(stage, failure)
        except ThermoscreenError:  # the worker or an earlier artifact, not this material
            raise
        except MemoryError as error:
            self._fail(stage, Failure(stage.name, "out_of_memory", f"out of memory: {error}"))
        except Exception as error:  # noqa: BLE001  # the edge where a bug becomes a visible row
            message = f"{type(error).__name__}: {error}"
            text = traceback.format_exc()
            self._fail(stage, Failure(stage.name, "unexpected_error", message, text))
        else:
            self._write(place, record)
        execution = meter.read()
        ledger.append(ledger_folder(self.task.run, self.artifacts.folder), execution)
        self.executions.append(execution)
        return record

    def _write(self, place: tuple[str, str], record: Record) -> None:
        """Write a record; one of an earlier stage is there already."""
        earlier = self._records.place_of(record)
        if earlier is None:
            self.artifacts.write(*place, record)
        else:
            self.artifacts.link(earlier, place)

    def resource_of(self, stage: Stage) -> str:
        """Name of the worker resource that a stage needs here; one that is idle runs anywhere."""
        idle = stage.idle is not None and stage.idle(self.inputs)
        return "cpu" if idle else resource_of(stage, self.task.model)

    def _run(self, stage: Stage, inputs: StageInputs, meter: Meter) -> Record:
        """Run a stage with the potential, counted, where it needs one."""
        if self.resource_of(stage) == "cpu":
            return stage.run(inputs, NO_MODEL)
        dtype = stage.dtype(self.task.protocol) or self.task.model.dtype
        model = self.task.model.model_copy(update={"dtype": dtype})
        counted = Counted(load_model(model), meter)
        return stage.run(inputs, counted)

    def judge(self, stage: Stage) -> None:
        """Let the stage's gate decide whether later stages may use its record."""
        if stage.gate is None or stage.name in self.unusable:
            return
        verdict = stage.gate(self.inputs, self._records[stage.name])
        if verdict is not None:
            self._fail(stage, verdict)

    def _fail(self, stage: Stage, failure: Failure) -> None:
        self.failures[stage.name] = failure
        self.unusable.add(stage.name)

    def outcome(self) -> Outcome:
        """Collect rows, failures and artifacts of the finished walk."""
        task = self.task
        there = [stage for stage in self.stages if self._has_record(stage)]
        return Outcome(
            material_id=task.candidate.id,
            crystal_digest=task.candidate.crystal.digest,
            model_digest=task.model_digest,
            protocol_digest=task.protocol.digest,
            rows={
                stage.name: dict(stage.row(self.inputs, self._records[stage.name]))
                for stage in there
                if stage.row is not None
            },
            failures=tuple(self.failures.values()),
            artifacts={stage.name: self.keys[stage.name] for stage in there},
            executions=tuple(self.executions),
            versions=installed_versions(),
        )

    def _has_record(self, stage: Stage) -> bool:
        return self.artifacts.has(stage.name, self.keys[stage.name])


def load_model(settings: ModelSettings) -> ForceField:
    """Load a potential once per process."""
    return _load(settings.model_dump_json())


@lru_cache
def _load(settings_json: str) -> ForceField:
    settings = ModelSettings.model_validate_json(settings_json)
    force_field: ForceField = find("models", settings.family).load(settings)
    return force_field
