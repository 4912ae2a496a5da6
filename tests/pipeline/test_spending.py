"""The budget cap: nothing new starts once it is spent, and a higher one goes on."""

from pathlib import Path

import pytest

from screen.core.records import Execution
from screen.core.settings import BudgetSettings, ClusterSettings, ModelSettings, read_campaign
from screen.pipeline.campaign import run_campaign
from screen.pipeline.spending import Spending, runs_on_gpu
from tests.pipeline.campaigns import EXECUTIONS, NUMBERS, table, tiny, write_fcc
from tests.pipeline.test_funnel import WIDE, statuses

ROOT = Path(__file__).parents[2]
SMALL = 1e-7  # core-hours, 0.4 ms


def execution(cpu_s: float, wall_s: float, evaluations: int) -> Execution:
    return Execution("e", "a", "relax", "Cu", wall_s, cpu_s, 0.0, evaluations, 0, "", "here", 1)


def test_core_hours_are_processor_time_and_gpu_hours_wall_time_at_the_potential() -> None:
    spending = Spending(BudgetSettings(core_hours=2.0, gpu_hours=1.0), on_gpu=True)
    spending.add([execution(1800, 3000, 5), execution(1800, 9000, 0)])
    assert spending.core_hours == pytest.approx(1.0)
    assert spending.gpu_hours == pytest.approx(3000 / 3600)
    assert spending.exhausted is None
    spending.add([execution(1, 600, 5)])
    assert spending.exhausted is not None
    assert "gpu_hours = 1" in spending.exhausted


@pytest.mark.parametrize(
    ("cluster", "device", "expected"),
    [
        ({"name": "local"}, "auto", False),
        ({"name": "cuda"}, "auto", True),
        ({"name": "cuda"}, "cpu", False),
        ({"name": "local"}, "cuda:1", True),
        ({"name": "slurm", "model": {"gpus": 8}}, "auto", True),
        ({"name": "slurm", "model": {"gpus": "a100:2"}}, "auto", True),
        ({"name": "slurm", "model": {"gpus": 0}}, "auto", False),
        ({"name": "simulate", "gpus": 8}, "auto", True),
    ],
)
def test_the_device_or_the_cluster_says_whether_a_gpu_is_paid_for(
    cluster: dict[str, object], device: str, expected: bool, tmp_path: Path
) -> None:
    campaign = tiny(tmp_path, tmp_path).model_copy(
        update={
            "cluster": ClusterSettings.model_validate(cluster),
            "models": (ModelSettings(family="sevennet", device=device),),
        }
    )
    assert runs_on_gpu(campaign) is expected


@pytest.mark.parametrize("cluster", ["slurm", "kubernetes"])
def test_the_example_campaigns_of_clusters_pay_for_their_gpus(cluster: str) -> None:
    campaign = read_campaign(ROOT / "deploy" / cluster / "campaign.toml")
    assert runs_on_gpu(campaign)


def test_a_spent_budget_stops_and_a_higher_one_goes_on(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Ag", "Ni")
    run = tmp_path / "run"
    state = run_campaign(tiny(run, crystals, budget={"core_hours": SMALL}))
    assert state.over_budget is not None
    assert "raise [budget]" in state.over_budget
    found = statuses(run)
    assert sorted(found.values()) == ["complete", "over_budget", "over_budget"]  # it finished one
    spent = table(run, EXECUTIONS)
    again = run_campaign(tiny(run, crystals, budget={"core_hours": SMALL}))
    assert again.resumed == 1
    assert sorted(map(str, table(run, EXECUTIONS))) == sorted(map(str, spent))
    run_campaign(tiny(run, crystals, budget={"core_hours": 1.0}))
    assert set(statuses(run).values()) == {"complete"}
    run_campaign(tiny(tmp_path / "free", crystals))
    for here, there in zip(table(run, NUMBERS), table(tmp_path / "free", NUMBERS), strict=True):
        for name, value in here.items():
            assert there[name] == (
                value if isinstance(value, str) else pytest.approx(value, rel=1e-9)
            )


@pytest.mark.slow
def test_rows_that_are_there_stay_when_the_budget_is_spent(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Ag")
    run = tmp_path / "run"
    run_campaign(tiny(run, crystals, properties=["conductivity"]))
    before = table(run, "SELECT material_id, kappa_300 FROM conductivity ORDER BY material_id")
    run_campaign(tiny(run, crystals, budget={"core_hours": SMALL}))
    assert set(statuses(run).values()) == {"over_budget"}
    after = table(run, "SELECT material_id, kappa_300 FROM conductivity ORDER BY material_id")
    assert after == before
    run_campaign(tiny(run, crystals))
    assert set(statuses(run).values()) == {"complete"}


@pytest.mark.slow
def test_the_selected_that_the_budget_does_not_pay_for_keep_their_estimate(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Ag", "Ni")
    run = tmp_path / "run"
    best = {"insulators": {"best": 2}}
    wide = {"funnel": best, "protocol": WIDE}
    run_campaign(tiny(run, crystals, properties=["slack"], protocol=WIDE))
    budget = {"core_hours": SMALL}
    run_campaign(tiny(run, crystals, **wide, budget=budget, properties=["conductivity"]))
    assert set(statuses(run).values()) == {"over_budget"}
    assert len(table(run, "SELECT * FROM slack")) == 3
    run_campaign(tiny(run, crystals, **wide, properties=["conductivity"]))
    assert sorted(statuses(run).values()) == ["complete", "complete", "not_selected"]
