"""The driver: candidates in, outcomes out; one writer, any cluster, resumable at any point."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from screen.core.columns import Column
from screen.core.errors import CampaignError
from screen.core.protocols import Completed, Workers
from screen.core.records import Candidate, Failure, Outcome, Rejected
from screen.core.registry import find, names
from screen.core.settings import Campaign
from screen.physics import isotopes
from screen.pipeline.budget import Budget
from screen.pipeline.potentials import Potential, resolve, worker_kinds
from screen.pipeline.stages import pipeline_for, table_name
from screen.pipeline.walk import (
    TRANSIENT,
    Part,
    Progress,
    Task,
    first_resource,
    pending_stage,
    walk,
    walk_part,
)
from screen.store import ledger
from screen.store.artifacts import Artifacts
from screen.store.database import Writer
from screen.store.layout import artifacts_folder, ledger_folder

FLUSH_S = 2.0  # outcomes are stored at least this often
FLUSH_ROWS = 200  # or when so many wait
PUBLISH_S = 10.0  # snapshots are published at least this often while results come in
TICK_S = 1.0  # progress is shown at least this often
MAX_UNEXPECTED = 20  # unexpected errors without any success: the campaign itself is broken


@dataclass
class State:
    """What a progress display shows."""

    total: int = 0
    resumed: int = 0  # materials that an earlier run had finished
    refused: int = 0  # by the source or by a potential, before any stage
    statuses: Counter[str] = field(default_factory=Counter)  # this run's outcomes
    kinds: Counter[str] = field(default_factory=Counter)  # kinds of failure
    running: Mapping[str, str] = field(default_factory=dict)  # material -> stage
    started: float = field(default_factory=time.monotonic)
    first_traceback: str | None = None

    @property
    def done(self) -> int:
        """Materials with an outcome, of this run or an earlier one."""
        return self.resumed + sum(self.statuses.values())

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the pace of this run so far; None before the first one computed."""
        here = sum(self.statuses.values()) - self.refused
        if here == 0:
            return None
        return (time.monotonic() - self.started) / here * (self.total - self.done)


Watch = Callable[[State], None]


def property_columns(properties: Sequence[str]) -> dict[str, tuple[Column, ...]]:
    """Columns of every property of Thermoscreen and of ``properties``, by table."""
    known = dict.fromkeys([*names("properties"), *properties])
    return {table_name(name): find("properties", name).COLUMNS for name in known}


def run_campaign(campaign: Campaign, watch: Watch = lambda state: None) -> State:
    """Run a campaign to its end with all its potentials, or go on with one that was cut off.

    Raises
    ------
    CampaignError
        No worker can do the work, or nothing but unexpected errors came back.
    ThermoscreenError
        The source, a potential, the store or the settings cannot be used at all.
    """
    pipeline_for(campaign.properties)  # an unknown name must not wait for the first worker
    find("solvers", campaign.protocol.conductivity.solver)
    isotopes.check(campaign.protocol.conductivity.isotope_abundances)
    cluster = find("clusters", campaign.cluster.name)
    potentials = resolve(campaign.models)
    Artifacts(artifacts_folder(campaign.run_folder)).remove_temporaries()
    source = find("sources", campaign.source.name)
    entries = list(source.candidates(campaign.source.options))
    with Writer(campaign.run_folder, property_columns(campaign.properties)) as writer:
        for potential in potentials:
            writer.add_model(potential.digest, potential.identity, potential.card)
        writer.add_protocol(campaign.protocol)
        writer.add_candidates(entries)
        writer.add_executions(list(ledger.read(ledger_folder(campaign.run_folder))))
        driver = _Driver(campaign, potentials, writer, watch)
        driver.start(entries)
        driver.flush(publish=True)
        try:
            if not driver.budget.idle:
                kinds = worker_kinds(potentials)
                with cluster.connect(campaign.cluster.options, kinds) as workers:
                    driver.loop(workers)
        finally:
            driver.flush(publish=True)
    return driver.state


@dataclass
class _Material:
    """A material without an outcome of one potential."""

    task: Task
    label: str  # for people
    resource: str  # of its next stage
    parts: int = 0  # parts of a divided stage that have not ended
    failures: list[Failure] = field(default_factory=list)  # of parts


@dataclass(frozen=True)
class _Job:
    """What one task of the cluster does: walk a material, or compute a part of a stage."""

    material: str
    model: str  # digest
    part: Part | None = None

    @property
    def walked(self) -> tuple[str, str]:
        """What it works on."""
        return self.material, self.model


class _Driver:
    """Keeps the workers busy and the store up to date."""

    def __init__(
        self, campaign: Campaign, potentials: Sequence[Potential], writer: Writer, watch: Watch
    ) -> None:
        self.campaign = campaign
        self.potentials = potentials
        self.writer = writer
        self.watch = watch
        self.state = State()
        self.budget: Budget[_Job] = Budget()
        self._jobs: dict[str, _Job] = {}  # what runs, by key
        self._materials: dict[tuple[str, str], _Material] = {}
        self._outcomes: list[Outcome] = []
        self._last_flush = self._last_publish = time.monotonic()
        self._unpublished = False

    def start(self, entries: Sequence[Candidate | Rejected]) -> None:
        """Queue what has no final outcome yet; store what the source or a potential refuses."""
        tables = [table_name(name) for name in self.campaign.properties]
        protocol = self.campaign.protocol.digest
        self.state.total = len(entries) * len(self.potentials)
        finished, earlier = {}, {}
        for potential in self.potentials:
            key = (potential.digest, protocol)
            finished[potential.digest] = self.writer.finished(*key, TRANSIENT, tables)
            earlier[potential.digest] = self.writer.computed_stages(*key)
        for entry in entries:
            for potential in self.potentials:
                if entry.id in finished[potential.digest]:
                    self.state.resumed += 1
                else:
                    computed = earlier[potential.digest].get(entry.id, frozenset())
                    self._queue(entry, potential, computed)
        self.watch(self.state)

    def _queue(
        self, entry: Candidate | Rejected, potential: Potential, computed: frozenset[str]
    ) -> None:
        """Queue one material for one potential, or store why it is refused."""
        if isinstance(entry, Rejected):
            failure = Failure("source", entry.kind, entry.message)
            self._refuse(self._failed(entry.id, potential, failure, None))
            return
        refusal = potential.refusal(entry.crystal)
        if refusal is not None:
            self._refuse(self._failed(entry.id, potential, refusal, entry.crystal.digest))
            return
        task = self._task(entry, potential, computed)
        label = entry.id if len(self.potentials) == 1 else f"{entry.id} [{self._name(potential)}]"
        job = _Job(entry.id, potential.digest)
        self._materials[job.walked] = _Material(task, label, first_resource(task))
        self._add(job)

    def _refuse(self, outcome: Outcome) -> None:
        """Store what no stage will run for."""
        self.state.refused += 1
        self._store(outcome)

    def _name(self, potential: Potential) -> str:
        """Name of a potential that no other of the campaign has."""
        name = potential.identity.name
        same = [other for other in self.potentials if other.identity.name == name]
        return name if len(same) == 1 else f"{name} {potential.digest[:6]}"

    def loop(self, workers: Workers) -> None:
        """Run until nothing waits and nothing runs."""
        while not self.budget.idle:
            while (job := self.budget.next(workers.slots)) is not None:
                self._submit(job, workers)
            completed = workers.next_completed(TICK_S)
            if completed is not None:
                self._handle(completed)
            self.state.running = {
                key: stage for key, stage in workers.stages().items() if key in self._jobs
            }
            self.watch(self.state)
            self._flush_if_due()

    def flush(self, publish: bool = False) -> None:
        """Store waiting outcomes; publish a snapshot if asked and there is something new."""
        if self._outcomes:
            self.writer.upsert(self._outcomes)
            self._outcomes = []
            self._unpublished = True
        self._last_flush = time.monotonic()
        if publish:
            self.writer.publish()
            self._unpublished = False
            self._last_publish = time.monotonic()

    def _flush_if_due(self) -> None:
        now = time.monotonic()
        if self._unpublished and now - self._last_publish > PUBLISH_S:
            self.flush(publish=True)
        elif now - self._last_flush > FLUSH_S or len(self._outcomes) >= FLUSH_ROWS:
            self.flush()

    def _add(self, job: _Job, first: bool = False) -> None:
        """Queue a job for the workers that its next stage needs."""
        add = self.budget.add_first if first else self.budget.add
        add(job, self._materials[job.walked].resource)

    def _submit(self, job: _Job, workers: Workers) -> None:
        material = self._materials[job.walked]
        key = material.label if job.part is None else f"{material.label} {job.part}"
        self._jobs[key] = job
        where = (key, material.resource)
        if job.part is None:
            workers.submit(*where, walk, material.task, tuple(material.failures))
        else:
            workers.submit(*where, walk_part, material.task, job.part)

    def _handle(self, completed: Completed) -> None:
        job = self._jobs.pop(completed.key)
        if completed.lost:
            if self.budget.lost(job):
                self._condemn(job)
            return
        self.budget.ended(job)
        if completed.error is not None:
            raise completed.error
        progress: Progress = completed.result
        if progress.outcome is not None:
            self._store(progress.outcome)
            return
        self.writer.add_executions(list(progress.executions))
        material = self._materials[job.walked]
        if job.part is not None:
            self._part_ended(job, progress.failures)
        elif progress.parts:
            material.parts = len(progress.parts)
            for part in reversed(progress.parts):
                self._add(replace(job, part=part), first=True)
        elif progress.next_resource is not None:
            material.resource = progress.next_resource
            self._add(job, first=True)

    def _part_ended(self, job: _Job, failures: Sequence[Failure]) -> None:
        """Walk on when the last part of a stage has ended."""
        material = self._materials[job.walked]
        material.failures.extend(failures)
        material.parts -= 1
        if material.parts == 0:
            self._add(replace(job, part=None), first=True)

    def _store(self, outcome: Outcome) -> None:
        """Count an outcome and keep it for the next flush."""
        self._outcomes.append(outcome)
        self._materials.pop((outcome.material_id, outcome.model_digest), None)
        state = self.state
        state.statuses[outcome.status] += 1
        state.kinds.update(failure.kind for failure in outcome.failures)
        bug = next((f for f in outcome.failures if f.traceback is not None), None)
        if bug is not None and state.first_traceback is None:
            state.first_traceback = bug.traceback
        nothing_works = state.kinds["unexpected_error"] == sum(state.statuses.values())
        if nothing_works and state.kinds["unexpected_error"] >= MAX_UNEXPECTED:
            raise CampaignError(
                f"the first {MAX_UNEXPECTED} materials all ended in unexpected errors; the first:\n"
                f"{state.first_traceback}"
            )

    def _task(self, candidate: Candidate, potential: Potential, computed: frozenset[str]) -> Task:
        """Task for the properties asked for and those that an earlier campaign has computed.

        An outcome replaces the material's earlier one: without them their rows would go.
        """
        campaign = self.campaign
        kept = [name for name in names("properties") if name in computed]
        return Task(
            candidate=candidate,
            model=potential.settings,
            model_digest=potential.digest,
            protocol=campaign.protocol,
            properties=tuple(dict.fromkeys([*campaign.properties, *kept])),
            run=Path(campaign.run_folder).resolve(),
        )

    def _condemn(self, job: _Job) -> None:
        """Give up the stage that loses its worker also when it runs alone; go on with the rest."""
        material = self._materials[job.walked]
        message = (
            "the worker died each time, also when it ran nothing else: out of memory or a crash "
            "in compiled code; look at the worker's log, then run again"
        )
        if job.part is not None:
            self._part_ended(job, [Failure(job.part.stage, "worker_lost", message)])
            return
        stage = pending_stage(material.task, material.failures)
        material.failures.append(Failure(stage, "worker_lost", message))
        self._add(job)

    def _failed(
        self, material: str, potential: Potential, failure: Failure, crystal_digest: str | None
    ) -> Outcome:
        """Outcome of a material that no stage ran for."""
        return Outcome(
            material_id=material,
            crystal_digest=crystal_digest,
            model_digest=potential.digest,
            protocol_digest=self.campaign.protocol.digest,
            rows={},
            failures=(failure,),
            artifacts={},
            executions=(),
            versions={},
        )
