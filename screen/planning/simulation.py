"""Replay of a campaign by the real driver, on a clock: predicted times instead of computations.

Every stage takes its predicted time, scattered as measurements scatter around the law; a material
is unstable with the planned probability. What a lost worker had finished stays finished, as its
artifacts would.
"""

from __future__ import annotations

import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import ase.data

from screen.clusters.simulate import SimulatedWorkers, SimulateOptions, Timed, Usage, simulated
from screen.core.protocols import ModelIdentity
from screen.core.records import Candidate, Execution, Failure, Outcome
from screen.core.registry import find
from screen.core.settings import ClusterSettings, ModelSettings
from screen.pipeline.driver import Driver, Walks
from screen.pipeline.funnel import COLUMN, ESTIMATE
from screen.pipeline.potentials import Potential, worker_kinds
from screen.pipeline.stages import Stage, pipeline_for
from screen.pipeline.state import State
from screen.pipeline.stores import NoStore, Store
from screen.pipeline.walk import Part, Progress, Task, resource_of
from screen.planning.plan import MaterialCost, Plan, StageCost

GATE = "stability"


@dataclass(frozen=True)
class Simulated:
    """What a replay has shown."""

    materials: int
    makespan_s: float  # of the campaign, on its clock
    usage: Mapping[str, Usage]  # by kind of worker
    statuses: Mapping[str, int]
    condemned: int  # lost their worker also when they ran alone
    core_hours: float
    gpu_hours: float
    took_s: float  # of the simulation itself

    def utilisation(self, kind: str) -> float:
        """Share of the time of a kind of worker that useful work takes."""
        usage = self.usage[kind]
        return usage.busy / max(usage.workers * self.makespan_s, 1e-9)


def simulate(
    plan: Plan,
    options: SimulateOptions,
    materials: int | None = None,
    store: Store | None = None,
    watch: Callable[[State], None] = lambda state: None,
) -> Simulated:
    """Run the driver of ``plan``'s campaign on simulated workers.

    ``materials``: how many to replay, each with the cost of one that was looked at; None: as many
    as the plan stands for. ``store`` None keeps nothing.

    Raises
    ------
    CampaignError
        A resource would have no worker.
    """
    began = time.perf_counter()
    machine = ClusterSettings.model_validate({"name": "simulate", **options.model_dump()})
    costs = _costs_by_model(plan)
    models = tuple(model for model in plan.campaign.models if _key(model) in costs)
    campaign = plan.campaign.model_copy(
        update={"run": Path("simulated"), "cluster": machine, "models": models}
    )
    potentials = [_stand_in(model) for model in models]
    number = round(len(plan.materials) * plan.scale / len(potentials))
    entries = _entries(plan, materials or number)
    replay = _Replay(plan, costs, options.seed)
    walks = Walks(replay.whole, replay.part)
    driver = Driver(campaign, potentials, store or NoStore(), watch, walks)
    workers: SimulatedWorkers = simulated(options, worker_kinds(potentials))
    driver.start(entries)
    driver.loop(workers, lambda: False)
    driver.flush(publish=True)
    return Simulated(
        materials=len(entries),
        makespan_s=workers.clock,
        usage=workers.usage,
        statuses={status: n for status, n in driver.state.statuses.items() if n},
        condemned=len(driver.budget.condemned),
        core_hours=driver.spending.core_hours,
        gpu_hours=driver.spending.gpu_hours,
        took_s=time.perf_counter() - began,
    )


def _costs_by_model(plan: Plan) -> Mapping[str, Sequence[MaterialCost]]:
    """Costs of the materials looked at by potential; one that refuses them all is left out."""
    found: dict[str, list[MaterialCost]] = defaultdict(list)
    for material in plan.materials:
        found[_key(material.model)].append(material)
    return found


def _key(model: ModelSettings) -> str:
    return model.model_dump_json()


def _entries(plan: Plan, number: int) -> list[Candidate]:
    """Candidates named by their number; what they cost is that of those looked at, in turn."""
    source = find("sources", plan.campaign.source.name)
    entries = source.candidates(plan.campaign.source.options)
    crystal = next(entry.crystal for entry in entries if isinstance(entry, Candidate))
    return [Candidate(str(n), "simulated", crystal) for n in range(number)]


def _stand_in(settings: ModelSettings) -> Potential:
    """Stand for a potential that nobody loads."""
    name = settings.name or settings.family
    return Potential(
        settings=settings,
        identity=ModelIdentity(settings.family, name, name, settings.dtype, "", ""),
        card=None,
        elements=frozenset(ase.data.chemical_symbols),
        python=Path(sys.executable),
    )


@dataclass
class _Fate:
    """Where a simulated material is, and what will become of it."""

    stages: Sequence[StageCost]
    unstable: bool
    kappa: float  # estimate, W/m/K
    stretch: Mapping[str, float]  # of each stage's time
    done: set[str] = field(default_factory=set)


class _Replay:
    """Walks that say how long they would take."""

    def __init__(self, plan: Plan, costs: Mapping[str, Sequence[MaterialCost]], seed: int) -> None:
        self._plan = plan
        self._costs = costs
        self._seed = seed
        self._fates: dict[tuple[str, str], _Fate] = {}

    def whole(self, resources: frozenset[str], report: Any, task: Task, failed: Any = ()) -> Any:
        """Walk a material as far as these resources reach."""
        fate = self._fate(task)
        given_up = {failure.stage for failure in failed}
        steps = list[tuple[str, float]]()
        following = None
        costs = {cost.stage: cost for cost in fate.stages}
        for stage in _pipeline(task.properties):
            if stage.name in fate.done or stage.name in given_up:
                continue
            if given_up or (fate.unstable and GATE in {*fate.done, *(name for name, _ in steps)}):
                break
            needed = resource_of(stage, task.model)
            if needed not in resources:
                following = needed
                break
            cost = costs.get(stage.name)
            seconds = 0.0 if cost is None else cost.seconds * fate.stretch[stage.name]
            steps.append((stage.name, seconds))

        def finish(number: int) -> Progress | None:
            ended = steps[:number]
            fate.done.update(name for name, _ in ended)
            if number < len(steps):
                return None
            executions = tuple(_execution(task, name, seconds, costs) for name, seconds in ended)
            if following is not None:
                return Progress(executions, next_resource=following)
            return Progress(executions, _outcome(task, fate, tuple(failed), executions))

        return Timed(tuple(steps), finish)

    def part(self, resources: frozenset[str], report: Any, task: Task, part: Part) -> Any:
        """Never asked for: no simulated stage is divided."""
        raise TypeError(f"a simulated stage was divided: {part}")

    def _fate(self, task: Task) -> _Fate:
        key = (task.candidate.id, task.model_digest)
        if key not in self._fates:
            chance = random.Random(f"{self._seed} {key}")
            costs = self._costs[_key(task.model)]
            cost = costs[int(task.candidate.id) % len(costs)]
            self._fates[key] = _Fate(
                stages=cost.stages,
                unstable=chance.random() > self._plan.stable,
                kappa=chance.lognormvariate(1.5, 1.2),
                stretch={
                    each.stage: chance.lognormvariate(0.0, each.scatter) for each in cost.stages
                },
            )
        return self._fates[key]


@lru_cache
def _pipeline(properties: tuple[str, ...]) -> tuple[Stage, ...]:
    return pipeline_for(properties)


def _execution(task: Task, stage: str, seconds: float, costs: Mapping[str, StageCost]) -> Execution:
    """Line of the ledger that a stage would have left."""
    asked = stage in costs and costs[stage].at_model
    return Execution(
        execution_id=f"{task.candidate.id}-{task.model_digest}-{stage}",
        artifact=f"{task.candidate.id}-{stage}",
        stage=stage,
        material_id=task.candidate.id,
        wall_s=seconds,
        cpu_s=seconds,
        peak_mb=0.0,
        evaluations=int(asked),
        atoms=0,
        started_at="2000-01-01T00:00:00+00:00",
        host="simulated",
        pid=0,
    )


def _outcome(
    task: Task, fate: _Fate, failed: tuple[Failure, ...], executions: tuple[Execution, ...]
) -> Outcome:
    """Outcome of a walk that has ended."""
    failures = list(failed)
    if fate.unstable:
        failures.append(Failure(GATE, "imaginary_modes", "simulated"))
    rows: dict[str, dict[str, Any]] = {GATE: {"stable": not fate.unstable}}
    if ESTIMATE in fate.done:
        rows[ESTIMATE] = {COLUMN: fate.kappa}
    rows.update({name: {} for name in task.properties if name in fate.done and name not in rows})
    return Outcome(
        material_id=task.candidate.id,
        crystal_digest=task.candidate.crystal.digest,
        model_digest=task.model_digest,
        protocol_digest=task.protocol.digest,
        rows=rows,
        failures=tuple(failures),
        artifacts=dict.fromkeys(fate.done, "simulated"),
        executions=executions,
        versions={},
    )
