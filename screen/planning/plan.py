"""Predicted cost of a campaign: each stage of each material, without asking any potential."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from screen.core.errors import UnsupportedElementError
from screen.core.identities import told_apart
from screen.core.records import Candidate, Rejected
from screen.core.registry import find
from screen.core.settings import Campaign, FunnelSettings, ModelSettings
from screen.environments.questions import elements_of_card
from screen.pipeline.funnel import ESTIMATE
from screen.pipeline.stages import Stage, pipeline_for
from screen.planning.costs import ANY, CostModel
from screen.planning.features import evaluated_atoms, features_of
from screen.planning.history import size_or_failure, stages_of
from screen.planning.laws import NINETY, Law
from screen.planning.sizes import Size

HOUR = 3600.0  # s


@dataclass(frozen=True)
class StageCost:
    """Predicted cost of one stage of one material."""

    stage: str
    at_model: bool  # asks the potential
    cheap: bool  # before the funnel
    atoms: float  # that the potential evaluates
    seconds: float  # median, of a core; of a GPU where the potential runs on one
    law: Law
    measured: bool  # the law is of this stage and this potential

    @property
    def scatter(self) -> float:
        """Standard deviation of ln(measured/predicted)."""
        return self.law.scatter if self.law.measured else 0.0


@dataclass(frozen=True)
class MaterialCost:
    """Predicted cost of one material with one potential."""

    id: str
    formula: str
    potential: str
    model: ModelSettings  # of the potential
    size: Size
    stages: tuple[StageCost, ...]
    memory_mb: float

    @property
    def seconds(self) -> float:
        """All stages."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def factor(self) -> float:
        """90 % of materials take between seconds/factor and seconds·factor."""
        variance = sum((stage.seconds * stage.law.spread) ** 2 for stage in self.stages)
        return math.exp(NINETY * math.sqrt(variance) / max(self.seconds, 1e-9))


@dataclass(frozen=True)
class Plan:
    """Predicted cost of a campaign; ``materials`` may be a sample of all that are to be computed."""

    campaign: Campaign
    costs: CostModel
    materials: tuple[MaterialCost, ...]
    candidates: int  # all, with all potentials
    refused: Mapping[str, int]  # kind of failure at once -> number, of all with all potentials
    scale: float  # materials that each of ``materials`` stands for
    stable: float  # share that passes the stability gate
    kept: float  # share of the stable ones that the funnel lets on

    def share(self, stage: StageCost) -> float:
        """Share of the materials that get to a stage."""
        if stage.stage in _BEFORE_THE_GATE:
            return 1.0
        return self.stable if stage.cheap else self.stable * self.kept


_BEFORE_THE_GATE = frozenset({"relax", "fc2_forces", "fc2", "stability"})


@dataclass(frozen=True)
class Total:
    """Predicted cost of one stage over the whole campaign."""

    stage: str
    at_model: bool
    materials: float
    atoms: float
    hours: float
    low: float  # hours, 90 % interval
    high: float


def make_plan(
    campaign: Campaign,
    costs: CostModel,
    potentials: Sequence[str],
    sample: int | None = None,
    stable: float = 1.0,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> Plan:
    """Predict the cost of all candidates, or of ``sample`` of them drawn at random (seeded).

    ``potentials`` are the names of the campaign's models, in order; ``stable`` is the share of the
    candidates that is expected to pass the stability gate.

    Raises
    ------
    ThermoscreenError
        The source cannot be read.
    """
    source = find("sources", campaign.source.name)
    entries = told_apart(source.candidates(campaign.source.options))
    chosen = entries
    if sample is not None and sample < len(entries):
        chosen = random.Random(0).sample(entries, sample)
    scale = len(entries) / max(len(chosen), 1)
    asked = [
        (potential, model, elements_of_card(model))
        for potential, model in zip(potentials, campaign.models, strict=True)
    ]
    materials, refused = list[MaterialCost](), Counter[str]()
    for number, entry in enumerate(chosen):
        watch(number, len(chosen))
        size = size_or_failure(entry, campaign)
        if isinstance(size, str) or isinstance(entry, Rejected):
            refused[str(size)] += len(asked)
            continue
        for potential, model, known in asked:
            if known is None or known.issuperset(entry.crystal.elements):
                materials.append(material_cost(entry, size, campaign, costs, potential, model))
            else:
                refused[UnsupportedElementError.kind] += 1
    return Plan(
        campaign=campaign,
        costs=costs,
        materials=tuple(materials),
        candidates=len(entries) * len(potentials),
        refused={kind: round(number * scale) for kind, number in refused.items()},
        scale=scale,
        stable=stable,
        kept=kept_share(campaign.funnel, stable * len(materials) * scale / len(potentials)),
    )


def material_cost(
    candidate: Candidate,
    size: Size,
    campaign: Campaign,
    costs: CostModel,
    potential: str,
    model: ModelSettings,
) -> MaterialCost:
    """Predict one material with one potential."""
    cheap = {stage.name for stage in pipeline_for([ESTIMATE])} if campaign.funnel else set[str]()
    stages = [
        _stage_cost(stage, size, campaign, costs, potential, stage.name in cheap)
        for stage in stages_of(campaign)
    ]
    memory = costs.memory_mb(size, potential)
    return MaterialCost(
        candidate.id, candidate.crystal.formula, potential, model, size, tuple(stages), memory
    )


def _stage_cost(
    stage: Stage, size: Size, campaign: Campaign, costs: CostModel, potential: str, cheap: bool
) -> StageCost:
    at_model = stage.resource == "model"
    law, own = costs.law(stage.name, potential if at_model else ANY)
    features = features_of(stage.name, size, campaign.protocol)
    return StageCost(
        stage=stage.name,
        at_model=at_model,
        cheap=cheap or stage.name in _BEFORE_THE_GATE,
        atoms=evaluated_atoms(stage.name, size, campaign.protocol) if at_model else 0.0,
        seconds=law.seconds(features),
        law=law,
        measured=own and law.measured > 0,
    )


def kept_share(funnel: FunnelSettings | None, stable: float) -> float:
    """Share of ``stable`` materials that a funnel keeps at most; limits say nothing beforehand."""
    if funnel is None or stable <= 0:
        return 1.0
    shares = [
        min(1.0, purpose.best / stable) if purpose.best is not None else purpose.fraction or 1.0
        for purpose in (funnel.insulators, funnel.heat_spreaders)
        if purpose is not None
    ]
    return min(1.0, sum(shares))


def totals(plan: Plan) -> list[Total]:
    """Cost of each stage over all materials, in the order in which they run."""
    groups: dict[str, list[StageCost]] = defaultdict(list)
    for material in plan.materials:
        for stage in material.stages:
            groups[stage.stage].append(stage)
    return [_total(plan, name, stages) for name, stages in groups.items()]


def _total(plan: Plan, name: str, stages: Sequence[StageCost]) -> Total:
    """Cost of one stage; every potential has a law of its own, and these err independently."""
    by_law: dict[int, list[StageCost]] = defaultdict(list)
    for stage in stages:
        by_law[id(stage.law)].append(stage)
    middle, low, high = _sum(_hours(plan, each) for each in by_law.values())
    weights = [plan.share(stage) * plan.scale for stage in stages]
    return Total(
        stage=name,
        at_model=stages[0].at_model,
        materials=sum(weights),
        atoms=sum(weight * stage.atoms for weight, stage in zip(weights, stages, strict=True)),
        hours=middle,
        low=low,
        high=high,
    )


def _hours(plan: Plan, stages: Sequence[StageCost]) -> tuple[float, float, float]:
    """Hours of one stage by one law, and their 90 % interval."""
    law = stages[0].law
    seconds = sum(plan.share(stage) * stage.seconds for stage in stages)
    found = seconds * plan.scale * law.mean_over_median / HOUR
    # the error of the law is the same for all materials; the scatter of one averages out
    error = NINETY * law.spread * math.sqrt(law.uncertainty**2 + 1 / len(stages))
    return found, found / math.exp(error), found * math.exp(error)


def _sum(parts: Iterable[tuple[float, float, float]]) -> tuple[float, float, float]:
    """Sum of values that err independently, and its 90 % interval."""
    middle, below, above = 0.0, 0.0, 0.0
    for value, low, high in parts:
        middle += value
        below += (value - low) ** 2
        above += (high - value) ** 2
    return middle, max(middle - math.sqrt(below), 0.0), middle + math.sqrt(above)


def hours(found: Iterable[Total], at_model: bool | None = None) -> tuple[float, float, float]:
    """Sum of hours and its 90 % interval: of stages at the model, of the others, or of all.

    The laws of the stages err independently.
    """
    return _sum(
        (each.hours, each.low, each.high)
        for each in found
        if at_model is None or each.at_model is at_model
    )


def most_expensive(plan: Plan, number: int) -> list[MaterialCost]:
    """Materials that cost most, of those looked at."""
    return sorted(plan.materials, key=lambda material: -material.seconds)[:number]


def bottleneck_hours(plan: Plan, by_stage: Iterable[Total], workers: int) -> float:
    """Hours that ``workers`` which do everything need at least: all work shared, or one material."""
    longest = max(material.seconds for material in plan.materials) / HOUR
    return max(hours(by_stage)[0] / workers, longest)
