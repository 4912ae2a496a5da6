"""Campaigns on real crystals of springs: every cluster, good and bad input, lost workers."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import write

from screen.clusters.inline import InlineWorkers
from screen.core.errors import CampaignError, SettingsError
from screen.core.protocols import Completed
from screen.pipeline.campaign import run_campaign
from tests.pipeline import hungry
from tests.pipeline.campaigns import EXECUTIONS, NUMBERS, TINY, table, tiny, write_fcc


@pytest.fixture(scope="module")
def inline_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Run folder of an undisturbed campaign, and its crystals."""
    folder = tmp_path_factory.mktemp("inline")
    crystals = write_fcc(folder / "crystals", "Cu", "Ag", "Ni")
    run_campaign(tiny(folder / "run", crystals))
    return folder / "run", crystals


def test_a_campaign_fills_every_property(inline_run: tuple[Path, Path]) -> None:
    rows = table(inline_run[0], NUMBERS)
    assert [row["material_id"] for row in rows] == ["Ag", "Cu", "Ni"]
    assert all(value is not None for row in rows for value in row.values())
    assert all(row["status"] == "complete" for row in rows)


@pytest.mark.slow
def test_workers_give_the_same_numbers_as_this_process(
    inline_run: tuple[Path, Path], tmp_path: Path
) -> None:
    """Two processes against one; the same code on the same inputs: tolerance 1e-9."""
    run_campaign(tiny(tmp_path / "run", inline_run[1], cluster={"name": "local", "workers": 2}))
    for here, there in zip(
        table(inline_run[0], NUMBERS), table(tmp_path / "run", NUMBERS), strict=True
    ):
        for name, value in here.items():
            assert there[name] == (
                value if isinstance(value, str) else pytest.approx(value, rel=1e-9)
            )


def test_running_again_computes_nothing(inline_run: tuple[Path, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(inline_run[0], run)
    before = table(run, EXECUTIONS)
    state = run_campaign(tiny(run, inline_run[1]))
    assert state.resumed == 3
    assert not state.statuses
    assert sorted(map(str, table(run, EXECUTIONS))) == sorted(map(str, before))


def test_the_database_is_rebuilt_from_the_artifacts(
    inline_run: tuple[Path, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(inline_run[0], run)
    (run / "campaign.duckdb").unlink()
    shutil.rmtree(run / "snapshots")
    run_campaign(tiny(run, inline_run[1]))
    assert table(run, NUMBERS) == table(inline_run[0], NUMBERS)
    assert all(row["n"] == 1 for row in table(run, EXECUTIONS))


def test_another_temperature_grid_keeps_the_force_constants(
    inline_run: tuple[Path, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(inline_run[0], run)
    expansion = {**TINY["expansion"], "temperatures": [200, 300]}
    protocol = {**TINY, "temperatures": [200, 300], "expansion": expansion}
    run_campaign(tiny(run, inline_run[1], protocol=protocol))
    twice = table(run, "SELECT stage FROM costs GROUP BY ALL HAVING count(*) > 3 ORDER BY stage")
    assert [row["stage"] for row in twice] == ["conductivity", "expansion"]
    at_300 = table(run, "SELECT DISTINCT material_id, round(kappa_300, 9) AS k FROM results")
    assert len(at_300) == 3  # both grids hold 300 K and agree there


def test_every_bad_input_is_a_row_and_every_good_one_finishes(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Au")  # springs knows no gold
    (crystals / "garbage.cif").write_text("this is no CIF\n")
    write(crystals / "simple_cubic.vasp", bulk("Cu", "sc", a=2.5))  # imaginary modes
    far = bulk("Ni", "fcc", a=3.6, cubic=True) * (2, 1, 1)
    far.rattle(0.2, seed=1)
    write(crystals / "far.vasp", far)  # needs more than 2 × 20 steps, the others need fewer
    protocol = {**TINY, "relaxation": {"max_steps": 20, "fmax": 1e-3}}
    state = run_campaign(tiny(tmp_path / "run", crystals, protocol=protocol))
    assert state.first_traceback is None
    failures = {
        row["material_id"]: row for row in table(tmp_path / "run", "SELECT * FROM failures")
    }
    assert {name: (row["stage"], row["kind"]) for name, row in failures.items()} == {
        "Au": ("relax", "unsupported_element"),
        "garbage": ("source", "unreadable_file"),
        "simple_cubic": ("stability", "imaginary_modes"),
        "far": ("relax", "not_converged"),
    }
    assert "Au" in failures["Au"]["message"]
    assert "garbage.cif" in failures["garbage"]["message"]
    assert "THz" in failures["simple_cubic"]["message"]
    assert "max_steps" in failures["far"]["message"]
    good = table(tmp_path / "run", "SELECT material_id FROM results WHERE status = 'complete'")
    assert [row["material_id"] for row in good] == ["Cu"]
    unstable = table(
        tmp_path / "run", "SELECT stable FROM stability WHERE material_id = 'simple_cubic'"
    )
    assert unstable == [{"stable": False}]


def test_a_poison_is_condemned_alone_and_the_others_finish(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Ag", "Ni", "Al", "Pb", "Xe")
    state = run_campaign(
        tiny(
            tmp_path / "run",
            crystals,
            properties=["tests.pipeline.poison"],
            cluster={"name": "local", "workers": 2},
        )
    )
    assert state.statuses == {"complete": 5, "failed": 1}
    (failure,) = table(tmp_path / "run", "SELECT material_id, stage, kind FROM failures")
    assert failure == {"material_id": "Xe", "stage": "poison", "kind": "worker_lost"}


def test_who_finds_no_memory_runs_once_more_alone_after_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = tmp_path / "attempts"
    monkeypatch.setenv(hungry.ATTEMPTS, str(attempts))
    crystals = write_fcc(tmp_path / "crystals", "Ag", "Cu", "Pb")
    campaign = tiny(tmp_path / "run", crystals, properties=["tests.pipeline.hungry"])
    assert run_campaign(campaign).statuses == {"complete": 2, "failed": 1}
    assert attempts.read_text().split() == ["Ag", "Cu", "Pb", "Ag", "Pb"]
    (failure,) = table(tmp_path / "run", "SELECT material_id, stage, kind FROM failures")
    assert failure == {"material_id": "Pb", "stage": "hungry", "kind": "out_of_memory"}


def test_a_bug_is_a_row_with_its_traceback_and_is_tried_again(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Xe")
    campaign = tiny(tmp_path / "run", crystals, properties=["tests.pipeline.broken"])
    state = run_campaign(campaign)
    assert "ZeroDivisionError: a bug" in (state.first_traceback or "")
    (failure,) = table(tmp_path / "run", "SELECT * FROM failures")
    assert (failure["kind"], failure["message"]) == ("unexpected_error", "ZeroDivisionError: a bug")
    again = run_campaign(campaign)
    assert again.resumed == 1
    assert again.kinds == {"unexpected_error": 1}


def test_a_campaign_of_nothing_but_bugs_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.pipeline.poison.POISON", "gold")
    crystals = tmp_path / "crystals"
    crystals.mkdir()
    gold = Atoms("Xe", cell=np.eye(3) * 3, pbc=True)
    write(crystals / "gold.extxyz", [gold] * 40, format="extxyz")
    monkeypatch.setattr("tests.pipeline.broken.compute", lambda inputs: 1 / 0)
    campaign = tiny(tmp_path / "run", crystals, properties=["tests.pipeline.broken"])
    with pytest.raises(CampaignError, match="ZeroDivisionError"):
        run_campaign(campaign)
    assert len(table(tmp_path / "run", "SELECT * FROM failures")) == 20


def test_what_a_lost_result_has_cost_is_in_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A task ends, and its worker dies before it has reported: the ledger knows what it took."""
    lost = []

    def next_completed(workers: InlineWorkers, timeout: float | None = None) -> Completed | None:
        completed = answer(workers, timeout)
        if completed is None or lost:
            return completed
        lost.append(completed.key)
        return Completed(completed.key, lost=True)

    answer = InlineWorkers.next_completed
    monkeypatch.setattr(InlineWorkers, "next_completed", next_completed)
    crystals = write_fcc(tmp_path / "crystals", "Cu", "Ag")
    assert run_campaign(tiny(tmp_path / "run", crystals)).statuses == {"complete": 2}
    executions = table(tmp_path / "run", EXECUTIONS)
    assert all(row["n"] == 1 for row in executions)
    stages = Counter(row["material_id"] for row in executions)
    assert stages["Ag"] == stages["Cu"] > 5


def test_wrong_cluster_options_are_named(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    for cluster in ({"name": "local", "wrokers": 2}, {"name": "inline", "workers": 2}):
        with pytest.raises(SettingsError, match=r"workers|wrokers"):
            run_campaign(tiny(tmp_path / "run", crystals, cluster=cluster))


def test_a_second_campaign_keeps_what_the_first_one_found(
    inline_run: tuple[Path, Path], tmp_path: Path
) -> None:
    run, crystals = tmp_path / "run", inline_run[1]
    run_campaign(tiny(run, crystals, properties=["conductivity"]))
    run_campaign(tiny(run, crystals, properties=["expansion"]))
    assert table(run, NUMBERS) == table(inline_run[0], NUMBERS)


def test_a_broken_artifact_is_set_aside_and_computed_again(
    inline_run: tuple[Path, Path], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(inline_run[0], run)
    (run / "campaign.duckdb").unlink()
    for broken in list((run / "artifacts" / "fc3").glob("*/*.npz"))[:2]:
        broken.write_bytes(broken.read_bytes()[:1000])
    protocol = {**TINY, "temperatures": [100, 200, 300]}  # needs fc3 again
    state = run_campaign(tiny(run, inline_run[1], protocol=protocol))
    assert state.statuses == {"complete": 3}
    assert len(list((run / "artifacts" / "fc3").glob("*/*.broken"))) == 2
    assert len(list((run / "artifacts" / "fc3").glob("*/*.npz"))) == 3


NOWHERE = {"name": "files", "path": "nowhere"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"properties": []}, "properties"),
        ({"protocol": {**TINY, "conductivity": {"solver": "boltzman"}}}, "no solvers adapter"),
        ({"cluster": {"name": "locale"}}, "no clusters adapter"),
        ({"cluster": {"name": "local", "workers": -3}}, "workers"),
        ({"cluster": {"name": "slurm", "hots": "login1"}, "source": NOWHERE}, "hots"),
        ({"cluster": {"name": "local", "memory_limit": "garbage"}}, "memory_limit"),
    ],
)
def test_wrong_settings_are_refused_before_anything_runs(change, message, tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    with pytest.raises(SettingsError, match=message):
        run_campaign(tiny(tmp_path / "run", crystals, **change))
    assert not (tmp_path / "run" / "artifacts" / "relax").exists()
