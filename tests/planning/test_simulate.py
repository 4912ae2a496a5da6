"""The replay: exact makespans, mishaps that lose nothing, and the driver's own code."""

from collections import Counter
from pathlib import Path

import pytest

from screen.clusters.simulate import SimulateOptions, Timed, simulated
from screen.core.errors import CampaignError
from screen.core.protocols import Slots, WorkerKind
from screen.core.settings import Campaign
from screen.planning.costs import CostModel
from screen.planning.laws import LEAST_SCATTER, Law
from screen.planning.plan import Plan, make_plan
from screen.planning.simulation import simulate
from tests.pipeline.campaigns import tiny, write_fcc

KINDS = (WorkerKind(("cpu", "model:springs")),)


def timed(resources: frozenset[str], report: object, seconds: float) -> Timed:
    return Timed((("relax", seconds),), lambda number: number)


def flat(seconds: float) -> CostModel:
    """Laws in which every stage takes the same time."""
    stages = ("relax", "fc2_forces", "fc2", "stability", "slack", "fc3_forces", "fc3_fit", "fc3")
    more = ("fc3_more_forces", "conductivity")
    law = Law({"task": seconds}, LEAST_SCATTER, 100)
    return CostModel({(stage, ""): law for stage in (*stages, *more)}, {}, "a test", "a test")


@pytest.fixture
def campaign(tmp_path: Path) -> Campaign:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Ag")
    return tiny(tmp_path / "run", crystals, properties=["conductivity"])


@pytest.fixture
def plan(campaign: Campaign) -> Plan:
    return make_plan(campaign, flat(10.0), ["springs"])


def test_equal_tasks_on_equal_workers_take_what_division_says() -> None:
    workers = simulated(SimulateOptions(workers=4, overhead_s=0), KINDS)
    assert workers.slots == Slots(4, {"cpu": 4, "model:springs": 4})
    ended = []
    for number in range(12):
        if number >= 4:
            ended.append(workers.next_completed())
        workers.submit(str(number), "cpu", timed, 5.0)
    ended += [workers.next_completed() for _ in range(4)]
    assert Counter(item.key for item in ended if item) == Counter(map(str, range(12)))
    assert workers.clock == pytest.approx(15.0)
    assert workers.usage["worker"].busy == pytest.approx(60.0)
    assert workers.next_completed() is None


def test_a_worker_whose_wall_time_ends_loses_its_task_but_not_the_stages_before() -> None:
    workers = simulated(SimulateOptions(workers=1, walltime_h=1, overhead_s=0), KINDS)
    kept = []
    steps = (("relax", 1800.0), ("fc2", 1700.0), ("fc3", 1000.0))
    workers.submit("a", "cpu", lambda *_: Timed(steps[sum(kept) :], kept.append))
    assert workers.next_completed() is None  # nobody is suspected: it waits for a worker
    assert kept == [2]
    assert workers.clock == pytest.approx(3600.0)
    assert workers.usage["worker"].lost == pytest.approx(100.0)
    assert workers.slots.total == 0
    assert workers.next_completed() is None
    assert workers.slots.total == 1
    completed = workers.next_completed()
    assert completed is not None
    assert not completed.lost
    assert workers.clock == pytest.approx(3600 + 60 + 1000)


def test_a_task_is_lost_for_good_with_its_fourth_dead_worker() -> None:
    """As Dask's ``allowed-failures`` = 3 has it; wall times do not count."""
    workers = simulated(SimulateOptions(workers=2, mtbf_h=1e-9), KINDS)
    workers.submit("a", "cpu", timed, 1000.0)
    while (completed := workers.next_completed()) is None:
        pass
    assert completed.lost
    assert workers.usage["worker"].losses == 4


def test_a_task_that_waits_begins_when_a_worker_of_its_resource_is_idle() -> None:
    workers = simulated(SimulateOptions(workers=1, gpus=1, overhead_s=0), KINDS)
    for name in ("a", "b"):  # the GPU's worker does not offer cpu
        workers.submit(name, "cpu", timed, 5.0)
    ended = [workers.next_completed(), workers.next_completed()]
    assert [each.key for each in ended if each] == ["a", "b"]
    assert workers.clock == pytest.approx(10.0)


def test_a_task_that_would_compute_is_refused() -> None:
    workers = simulated(SimulateOptions(workers=1), KINDS)
    with pytest.raises(CampaignError, match="computes nothing"):
        workers.submit("a", "cpu", lambda *_: 42)


def test_a_machine_without_a_worker_for_everything_is_refused() -> None:
    with pytest.raises(CampaignError, match="no simulated worker offers cpu"):
        simulated(SimulateOptions(gpus=2), KINDS)
    with pytest.raises(CampaignError, match="model:springs"):
        simulated(SimulateOptions(cpus=2), KINDS)


def test_every_material_of_a_replay_ends_once(plan: Plan) -> None:
    replay = simulate(plan, SimulateOptions(gpus=2, cpus=8), 300)
    assert replay.materials == 300
    assert replay.statuses == {"complete": 300}
    # 4 stages with the potential, one of them idle in reality, on two GPUs: they set the pace
    busy = replay.usage["gpu"].busy
    assert replay.makespan_s >= busy / 2
    assert replay.utilisation("gpu") == pytest.approx(busy / 2 / replay.makespan_s)
    assert replay.utilisation("gpu") > 0.9
    assert replay.core_hours * 3600 == pytest.approx(300 * 9 * 10, rel=0.1)


def test_twice_the_machine_takes_about_half_the_time(plan: Plan) -> None:
    one = simulate(plan, SimulateOptions(workers=8), 400)
    two = simulate(plan, SimulateOptions(workers=16), 400)
    assert two.makespan_s == pytest.approx(one.makespan_s / 2, rel=0.1)


def test_mishaps_lose_time_but_no_material(plan: Plan) -> None:
    calm = simulate(plan, SimulateOptions(workers=8), 400)
    options = SimulateOptions(workers=8, mtbf_h=0.2, stragglers=0.05, seed=3)
    rough = simulate(plan, options, 400)
    assert sum(rough.statuses.values()) == 400
    assert rough.usage["worker"].losses > 10
    assert rough.condemned == 0  # Dask gives a lost task to another worker first
    assert rough.makespan_s > calm.makespan_s
    assert simulate(plan, options, 400).makespan_s == rough.makespan_s  # the seed decides


def test_a_replay_ends_also_where_every_worker_dies_at_once(plan: Plan) -> None:
    replay = simulate(plan, SimulateOptions(workers=2, mtbf_h=1e-9), 5)
    assert replay.statuses == {"failed": 5}


def test_gpu_hours_of_a_replay_are_those_of_the_simulated_gpus(campaign: Campaign) -> None:
    """Also for a campaign file whose own cluster has none; their cap is replayed."""
    budget = {"gpu_hours": 0.5}
    poor = Campaign.model_validate({**campaign.model_dump(), "budget": budget})
    replay = simulate(
        make_plan(poor, flat(10.0), ["springs"]), SimulateOptions(gpus=2, cpus=8), 300
    )
    assert replay.statuses["over_budget"] > 50
    assert replay.gpu_hours == pytest.approx(0.5, abs=2 * 40 / 3600)


def test_the_unstable_share_stops_at_the_gate(campaign: Campaign) -> None:
    plan = make_plan(campaign, flat(10.0), ["springs"], stable=0.5)
    replay = simulate(plan, SimulateOptions(workers=4), 400)
    assert replay.statuses["failed"] == pytest.approx(200, abs=40)


def test_funnel_and_budget_work_in_a_replay(campaign: Campaign) -> None:
    funnel = {"insulators": {"best": 10}}
    narrow = Campaign.model_validate({**campaign.model_dump(), "funnel": funnel})
    replay = simulate(make_plan(narrow, flat(10.0), ["springs"]), SimulateOptions(workers=4), 100)
    assert replay.statuses == {"complete": 10, "not_selected": 90}
    poor = Campaign.model_validate({**campaign.model_dump(), "budget": {"core_hours": 0.5}})
    replay = simulate(make_plan(poor, flat(10.0), ["springs"]), SimulateOptions(workers=4), 100)
    assert replay.statuses["over_budget"] > 50
    assert replay.core_hours == pytest.approx(0.5, abs=4 * 90 / 3600)
