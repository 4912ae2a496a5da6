"""``thermoscreen plan`` as people and programs use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import Call
from tests.pipeline.campaigns import table, write_fcc

CAMPAIGN = """
name = "metals"
run = "{run}"
model = "springs"

[source]
name = "files"
path = "{crystals}"

[cluster]
name = "inline"

[protocol]
base = "quick"
temperatures = [300]
displacements = {{fc2_minimum_image = 7, fc3_minimum_image = 7}}
conductivity = {{mesh = {{length = 12}}}}

{more}
"""


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    return written(tmp_path)


def written(folder: Path, more: str = "", *elements: str) -> Path:
    """Write a campaign over fcc metals; those that springs do not know fail at once."""
    crystals = write_fcc(folder / "crystals", *(elements or ("Cu", "Al", "Ni", "Xe")))
    path = folder / "campaign.toml"
    path.write_text(CAMPAIGN.format(run=folder / "run", crystals=crystals, more=more))
    return path


def test_counts_are_those_of_the_run_and_hours_those_of_its_ledger(
    campaign: Path, call: Call, tmp_path: Path
) -> None:
    """Cells as displaced; hours by the run's own laws within the spread that they state."""
    assert call("run", campaign).code == 0
    answer = call("plan", campaign, "--ledger", tmp_path / "run", "--json")
    assert answer.code == 0, answer.err
    found = json.loads(answer.out)
    cells = {row["material"]: row["size"]["fc3_cells"] for row in found["most_expensive"]}
    displaced = table(
        tmp_path / "run", "SELECT material_id, fc3_supercells FROM results WHERE kappa_300 > 0"
    )
    assert displaced
    assert {row["material_id"]: row["fc3_supercells"] for row in displaced}.items() <= cells.items()
    (spent,) = table(tmp_path / "run", "SELECT sum(cpu_s) / 3600 AS hours FROM costs")
    kinds = found["hours_at_potential"], found["hours_at_processor"]
    low, high = (sum(hours[place] for hours in kinds) for place in (1, 2))
    assert low / 2 < spent["hours"] < 2 * high


def test_people_see_stages_totals_memory_and_what_was_not_measured(
    campaign: Path, call: Call
) -> None:
    answer = call("plan", campaign)
    assert answer.code == 0, answer.err
    for part in ("fc3_forces", "core-hours ", "memory ", "4 candidates", "wall time"):
        assert part in answer.out
    assert "nobody has measured" in answer.out
    assert "for this potential here" in answer.out


@pytest.mark.slow
def test_elements_that_a_potential_was_not_trained_on_are_counted_as_the_run_refuses_them(
    call: Call, tmp_path: Path
) -> None:
    """Gold has no springs; of these mace-embedded knows copper alone, and needs no package here."""
    path = written(tmp_path, "", "Cu", "Ni", "Au")
    assert call("run", path).code == 0
    refused = table(
        tmp_path / "run", "SELECT material_id FROM failures WHERE kind = 'unsupported_element'"
    )
    assert refused == [{"material_id": "Au"}]
    found = json.loads(call("plan", path, "--json").out)
    assert (found["looked_at"], found["refused"]) == (2, {"unsupported_element": 1})
    both = path.read_text().replace('model = "springs"', 'models = ["springs", "mace-embedded"]')
    path.write_text(both)
    replayed = call("plan", path, "--json", "--simulate", "workers=2", "--materials", "10")
    assert replayed.code == 0, replayed.err
    found = json.loads(replayed.out)
    assert (found["candidates"], found["looked_at"]) == (6, 3)
    assert found["refused"] == {"unsupported_element": 3}
    assert found["replay"]["statuses"] == {"complete": 20}


def test_a_cap_that_will_be_reached_is_said(call: Call, tmp_path: Path) -> None:
    path = written(tmp_path, "[budget]\ncore_hours = 1e-6")
    answer = call("plan", path)
    assert "over the budget: core_hours = 1e-06 pays for" in answer.out


def test_core_hours_count_the_core_that_drives_a_gpu(call: Call, tmp_path: Path) -> None:
    """As the budget does; otherwise a cap on core-hours would seem to pay for more than it does."""

    def core_hours(answer: str) -> str:
        (line,) = (line for line in answer.splitlines() if line.startswith("core-hours"))
        return line

    path = written(tmp_path)
    path.write_text(path.read_text().replace('"springs"', '"sevennet-0"'))  # whose cost is known
    without = call("plan", path).out
    path.write_text(path.read_text().replace('name = "inline"', 'name = "cuda"'))
    with_gpu = call("plan", path).out
    assert "GPU-hours" in with_gpu
    assert "GPU-hours" not in without
    assert core_hours(with_gpu) == core_hours(without)


def test_a_replay_ends_every_material_once(campaign: Path, call: Call) -> None:
    answer = call(
        "plan", campaign, "--simulate", "workers=2,mtbf_h=1", "--materials", "300", "--json"
    )
    assert answer.code == 0, answer.err
    replay = json.loads(answer.out)["replay"]
    assert sum(replay["statuses"].values()) == replay["materials"] == 300
    assert replay["makespan_s"] > 0


@pytest.mark.parametrize(
    ("simulate", "told"),
    [
        ("gpus", "--simulate 'gpus' needs the form key=value"),
        ("gpu=1", "gpu"),
        ("cpus=-3", "cpus"),
    ],
)
def test_a_wrong_machine_is_one_clear_line(
    simulate: str, told: str, campaign: Path, call: Call
) -> None:
    answer = call("plan", campaign, "--simulate", simulate)
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert told in answer.err


def test_a_ledger_that_is_no_run_is_named(campaign: Path, call: Call, tmp_path: Path) -> None:
    answer = call("plan", campaign, "--ledger", tmp_path / "nowhere")
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert "nowhere" in answer.err
