"""The driver: keeps workers busy with walks of materials, and the store up to date."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from screen.core.errors import CampaignError
from screen.core.protocols import Completed, Workers
from screen.core.records import HELD_BACK, Candidate, Failure, Outcome, Rejected
from screen.core.registry import names
from screen.core.settings import Campaign
from screen.pipeline.budget import Budget
from screen.pipeline.funnel import COLUMN, ESTIMATE, FIRST_EXPENSIVE, Funnel
from screen.pipeline.potentials import Potential
from screen.pipeline.spending import Spending, runs_on_gpu
from screen.pipeline.stages import table_name
from screen.pipeline.state import State, Watch
from screen.pipeline.stores import Store
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
from screen.store.database import open_snapshot
from screen.store.layout import artifacts_folder

FLUSH_S = 2.0  # outcomes are stored at least this often
FLUSH_ROWS = 200  # or when so many wait
PUBLISH_S = 10.0  # snapshots are published at least this often while results come in
TICK_S = 1.0  # progress is shown at least this often
MAX_UNEXPECTED = 20  # unexpected errors without any success: the campaign itself is broken


@dataclass
class _Material:
    """A material without an outcome of one potential."""

    task: Task
    label: str  # for people
    resource: str  # of its next stage
    parts: int = 0  # parts of a divided stage that have not ended
    failures: list[Failure] = field(default_factory=list)  # of parts
    following: Task | None = None  # what follows the cheap tier, if the funnel lets it
    stored: tuple[str, ...] = ()  # properties whose rows an outcome in the store has
    held: Failure | None = None  # why nothing more is computed: only what is there is collected


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


@dataclass(frozen=True)
class Walks:
    """What workers run: the walk of a material, and that of a part of a stage."""

    whole: Callable[..., Progress] = walk
    part: Callable[..., Progress] = walk_part


class Driver:
    """Keeps the workers busy and the store up to date."""

    def __init__(
        self,
        campaign: Campaign,
        potentials: Sequence[Potential],
        writer: Store,
        watch: Watch,
        walks: Walks = Walks(),
    ) -> None:
        self.campaign = campaign
        self.artifacts = artifacts_folder(Path(campaign.run_folder).resolve())
        self.potentials = potentials
        self.writer = writer
        self.watch = watch
        self.state = State()
        self.budget: Budget[_Job] = Budget()
        self.spending = Spending(campaign.budget, runs_on_gpu(campaign))
        self.funnel = None if campaign.funnel is None else Funnel(campaign.funnel)
        self.walks = walks
        self.lost_results = False  # the ledger may know more computations than the database
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
            again = TRANSIENT.union(HELD_BACK)
            finished[potential.digest] = self.writer.finished(*key, again, tables)
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
            self._refuse(self._without_rows(_Job(entry.id, potential.digest), failure, None))
            return
        refusal = potential.refusal(entry.crystal)
        if refusal is not None:
            self._refuse(
                self._without_rows(_Job(entry.id, potential.digest), refusal, entry.crystal.digest)
            )
            return
        task = self._task(entry, potential, computed)
        label = entry.id if len(self.potentials) == 1 else f"{entry.id} [{self._name(potential)}]"
        job = _Job(entry.id, potential.digest)
        stored = tuple(name for name in names("properties") if name in computed)
        material = _Material(task, label, first_resource(task), stored=stored)
        if self.funnel is not None and FIRST_EXPENSIVE not in computed:
            material.following = replace(task, properties=(*task.properties, ESTIMATE))
            material.task = replace(task, properties=(ESTIMATE,))
            self.funnel.enter(job.model, job.material)
        self._materials[job.walked] = material
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

    def loop(self, workers: Workers, stop: Callable[[], bool]) -> None:
        """Run until nothing waits and nothing runs, or nothing runs and ``stop()``."""
        while not self.budget.idle:
            self.state.stopping = self.state.stopping or stop()
            if self.state.stopping and not self.budget.running:
                return
            while not self.state.stopping and (job := self.budget.next(workers.slots)) is not None:
                self.state.over_budget = self.spending.exhausted
                if self.state.over_budget is None or not self._held_back(job):
                    self._submit(job, workers)
            workers.need(self.budget.tasks)
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
            workers.submit(*where, self.walks.whole, material.task, tuple(material.failures))
        else:
            workers.submit(*where, self.walks.part, material.task, job.part)

    def _handle(self, completed: Completed) -> None:
        job = self._jobs.pop(completed.key)
        if completed.lost:
            self.lost_results = True
            if self.budget.lost(job):
                self._condemn(job)
            return
        if completed.error is not None:
            raise completed.error
        progress: Progress = completed.result
        self.spending.add(progress.executions)
        if not self._out_of_memory(job, progress):
            self.budget.ended(job)
        elif not self.budget.lost(job):  # what ran beside it had the memory
            self.writer.add_executions(list(progress.executions))
            return
        if progress.outcome is not None:
            self._ended(job, progress.outcome)
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

    def _out_of_memory(self, job: _Job, progress: Progress) -> bool:
        """Say whether a stage, or a part, has just found no memory."""
        failures = progress.outcome.failures if progress.outcome else progress.failures
        known = self._materials[job.walked].failures
        return any(failure.kind == "out_of_memory" for failure in failures if failure not in known)

    def _part_ended(self, job: _Job, failures: Sequence[Failure]) -> None:
        """Walk on when the last part of a stage has ended."""
        material = self._materials[job.walked]
        material.failures.extend(failures)
        material.parts -= 1
        if material.parts == 0:
            self._add(replace(job, part=None), first=True)

    def _ended(self, job: _Job, outcome: Outcome) -> None:
        """Store an outcome, or go on with a material whose estimate lets it."""
        material = self._materials[job.walked]
        if material.held is not None:
            self._store(replace(outcome, failures=(*outcome.failures, material.held)))
        elif self.funnel is None or material.following is None:
            self._store(outcome)
        elif outcome.failures:
            self.funnel.leave(job.model, job.material)
            if all(failure.stage == ESTIMATE for failure in outcome.failures):
                self._promote(job, first=True)  # no estimate speaks against it
            else:
                self._store(outcome)
            self._select(job.model, self.funnel)
        else:
            self._judge(job, outcome, self.funnel)

    def _judge(self, job: _Job, outcome: Outcome, funnel: Funnel) -> None:
        """Let the funnel judge an estimate."""
        kappa = outcome.rows[ESTIMATE][COLUMN]
        verdict = funnel.judge(job.model, job.material, kappa)
        if verdict:
            self.writer.add_executions(list(outcome.executions))
            self._promote(job, first=True)
        else:
            self._store(funnel.held_back(outcome, kappa), final=verdict is not None)
        self._select(job.model, funnel)

    def _select(self, model: str, funnel: Funnel) -> None:
        """Go on with the best once all materials of a potential have their estimate."""
        if not funnel.complete(model):
            return
        waiting = [
            key for key, each in self._materials.items() if each.following and key[1] == model
        ]
        chosen = funnel.selected(model, self._earlier_estimates(model)) if waiting else set()
        for material, _ in waiting:
            if material in chosen:
                self.state.statuses.subtract(["not_selected"])
                self._promote(_Job(material, model))
            else:
                del self._materials[material, model]

    def _earlier_estimates(self, model: str) -> dict[str, float]:
        """Estimates of materials that an earlier run has finished, by material."""
        if not self.state.resumed:
            return {}
        self.flush(publish=True)
        with open_snapshot(self.campaign.run_folder) as snapshot:
            found = snapshot.query(
                f"SELECT material_id, {COLUMN} AS kappa FROM {ESTIMATE} "
                "WHERE model_digest = ? AND protocol_digest = ?",
                [model, self.campaign.protocol.digest],
            )
        return {row["material_id"]: row["kappa"] for row in found.to_pylist()}

    def _promote(self, job: _Job, first: bool = False) -> None:
        """Queue what follows the cheap tier."""
        material = self._materials[job.walked]
        if material.following is not None:
            material.task, material.following = material.following, None
            material.stored = (*material.stored, ESTIMATE)
            material.resource = first_resource(material.task)
            self._add(job, first)

    def _held_back(self, job: _Job) -> bool:
        """End a job that the budget does not pay for; False if its rows must be collected first.

        What an earlier outcome has in the store is collected again, which computes nothing: a new
        outcome replaces the earlier one with all its rows.
        """
        material = self._materials[job.walked]
        if material.held is not None:
            return False
        if job.part is not None:
            self.budget.ended(job)
            self._part_ended(job, [])
            return True
        material.held = self.spending.failure()
        if self.funnel is not None:
            material.following = None
            self.funnel.leave(job.model, job.material)
            self._select(job.model, self.funnel)
        if material.stored:
            material.task = replace(material.task, properties=material.stored)
            return False
        self.budget.ended(job)
        task = material.task
        self._store(self._without_rows(job, material.held, task.candidate.crystal.digest))
        return True

    def _store(self, outcome: Outcome, final: bool = True) -> None:
        """Count an outcome and keep it for the next flush."""
        self._outcomes.append(outcome)
        if final:
            self._materials.pop((outcome.material_id, outcome.model_digest), None)
        state = self.state
        state.statuses[outcome.status] += 1
        kinds = [failure.kind for failure in outcome.failures]
        state.kinds.update(kind for kind in kinds if kind not in HELD_BACK)
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
            artifacts=self.artifacts,
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
        failure = Failure(stage, "worker_lost", message)
        if any(known.stage == stage for known in material.failures):
            # no stage is left to give up: what there is cannot even be collected
            digest = material.task.candidate.crystal.digest
            outcome = self._without_rows(job, failure, digest)
            self._ended(job, replace(outcome, failures=tuple(material.failures)))
            return
        material.failures.append(failure)
        self._add(job)

    def _without_rows(self, job: _Job, failure: Failure, crystal_digest: str | None) -> Outcome:
        """Outcome of a material that no stage ran for."""
        return Outcome(
            material_id=job.material,
            crystal_digest=crystal_digest,
            model_digest=job.model,
            protocol_digest=self.campaign.protocol.digest,
            rows={},
            failures=(failure,),
            artifacts={},
            executions=(),
            versions={},
        )
