"""SIGKILL to the driver in each stage: the next run goes on and nothing is computed twice."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from screen.pipeline.campaign import run_campaign
from screen.pipeline.stages import pipeline_for
from tests.pipeline.campaigns import EXECUTIONS, NUMBERS, table, tiny, write_fcc

ROOT = Path(__file__).parents[2]
STAGES = [stage.name for stage in pipeline_for(["conductivity", "expansion"])]
DRIVER = """
import sys
from pathlib import Path
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import tiny

if __name__ == "__main__":
    run_campaign(tiny(Path(sys.argv[1]), Path(sys.argv[2]), cluster={"name": sys.argv[3]}))
"""


def artifacts(run: Path, stage: str) -> int:
    return len(list((run / "artifacts" / stage).glob("*/*.npz")))


def kill_in(stage: str, run: Path, crystals: Path, cluster: str, script: Path) -> bool:
    """Start a driver, kill it when it is in ``stage``; False if it got past the stage first."""
    before = STAGES[STAGES.index(stage) - 1] if STAGES.index(stage) else None
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    driver = subprocess.Popen(
        [sys.executable, script, run, crystals, cluster], env=environment, cwd=ROOT
    )
    deadline = time.monotonic() + 120
    while driver.poll() is None and time.monotonic() < deadline:
        started = (run / "campaign.duckdb").exists() if before is None else artifacts(run, before)
        if started:
            time.sleep(0.02)
            driver.send_signal(signal.SIGKILL)
            driver.wait()
            return artifacts(run, stage) == 0
        time.sleep(0.002)
    raise AssertionError(f"the driver never came to {stage}")


@pytest.mark.parametrize(
    ("cluster", "stages"),
    [
        pytest.param("inline", STAGES, marks=pytest.mark.slow),
        ("local", ["fc2_forces", "fc3_forces", "conductivity"]),
    ],
)
def test_a_killed_driver_loses_at_most_the_running_stage(
    cluster: str, stages: list[str], tmp_path: Path
) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    run = tmp_path / "run"
    caught = [stage for stage in stages if kill_in(stage, run, crystals, cluster, script)]
    assert len(caught) >= 0.7 * len(stages), f"only {caught} were caught in the act"
    run_campaign(tiny(run, crystals, cluster={"name": cluster}))
    run_campaign(tiny(tmp_path / "undisturbed", crystals))
    executions = table(run, EXECUTIONS)
    free = set(STAGES) - {row["stage"] for row in executions}
    # a kill between a record and its line of the ledger, some µs, leaves the record without cost
    assert len(free) <= 1, f"without cost: {free}"
    assert all(row["n"] == 1 for row in executions)
    disturbed, calm = table(run, NUMBERS), table(tmp_path / "undisturbed", NUMBERS)
    assert disturbed[0].keys() == calm[0].keys()
    for name, value in calm[0].items():
        assert disturbed[0][name] == (
            value if isinstance(value, str) else pytest.approx(value, rel=1e-9)
        )
