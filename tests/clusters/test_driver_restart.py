"""SIGKILL to a driver whose scheduler runs elsewhere: the next one takes over what still runs."""

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
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import tiny

run_campaign(tiny(
    Path(sys.argv[1]), Path(sys.argv[2]), properties=["tests.pipeline.slow"],
    cluster={"name": "address", "scheduler": sys.argv[3]},
))
"""


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
        driver = subprocess.Popen([sys.executable, "-c", DRIVER, run, crystals, there], cwd=ROOT)
        deadline = time.monotonic() + 60
        while not begun.exists() or len(begun.read_text().split()) < 2:
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        driver.kill()
        driver.wait()
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
