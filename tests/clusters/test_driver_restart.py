"""Driver and scheduler apart: one of the two is killed, and the next driver goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from screen.pipeline.campaign import run_campaign
from tests.clusters.programs import ROOT, free_port, programs, scheduler, worker
from tests.pipeline import slow
from tests.pipeline.campaigns import EXECUTIONS, table, tiny, write_fcc

ELEMENTS = ["Ag", "Al", "Cu"]
DRIVER = """
import sys
from pathlib import Path
from screen.core.errors import CampaignError
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import tiny

try:
    run_campaign(tiny(
        Path(sys.argv[1]), Path(sys.argv[2]), properties=["tests.pipeline.slow"],
        cluster={"name": "address", "scheduler": sys.argv[3], "wait_s": 10.0},
    ))
except CampaignError as error:
    sys.exit(str(error))
"""


def wait_for(begun: Path, count: int, driver: subprocess.Popen[str]) -> None:
    """Wait until so many materials have begun."""
    deadline = time.monotonic() + 60
    while not begun.exists() or len(begun.read_text().split()) < count:
        assert driver.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def driven(run: Path, crystals: Path, scheduler: str) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", DRIVER, run, crystals, scheduler]
    return subprocess.Popen(words, cwd=ROOT, text=True, stderr=subprocess.PIPE)


def test_work_that_a_killed_driver_has_begun_is_neither_lost_nor_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setenv(slow.BEGUN, str(begun))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    crystals, run = write_fcc(tmp_path / "crystals", *ELEMENTS), tmp_path / "run"
    port = free_port()
    there = f"tcp://127.0.0.1:{port}"
    with programs(scheduler(port), *[worker(there, "cpu", "model:springs")] * 2):
        driver = driven(run, crystals, there)
        wait_for(begun, 2, driver)
        driver.kill()
        driver.communicate()
        campaign = tiny(
            run,
            crystals,
            properties=["tests.pipeline.slow"],
            cluster={"name": "address", "scheduler": there},
        )
        assert run_campaign(campaign).done == len(ELEMENTS)
    assert sorted(begun.read_text().split()) == ELEMENTS
    executions = table(run, EXECUTIONS)
    assert sorted(row["material_id"] for row in executions) == ELEMENTS
    assert all(row["n"] == 1 for row in executions)


def test_a_scheduler_that_dies_ends_the_campaign_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    monkeypatch.setenv(slow.BEGUN, str(begun))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    crystals, run = write_fcc(tmp_path / "crystals", *ELEMENTS), tmp_path / "run"
    port = free_port()
    there = f"tcp://127.0.0.1:{port}"
    with programs(scheduler(port), worker(there, "cpu", "model:springs")) as (dying, _):
        driver = driven(run, crystals, there)
        wait_for(begun, 2, driver)  # one has ended
        dying.kill()
        _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 1
    assert errors.splitlines()[-1].startswith(f"the Dask scheduler at {there} is gone; start it")
    assert "Traceback" not in errors
    assert "worker_lost" not in {row["kind"] for row in table(run, "SELECT kind FROM failures")}
    campaign = tiny(run, crystals, properties=["tests.pipeline.slow"])
    assert run_campaign(campaign).statuses == {"complete": len(ELEMENTS) - 1}
