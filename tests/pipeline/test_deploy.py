"""Workers started by ``deploy/start-workers`` do a campaign over a TCP address."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import NUMBERS, table, tiny, write_fcc

ROOT = Path(__file__).parents[2]


def test_workers_of_the_deploy_script_run_a_campaign(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{probe.getsockname()[1]}"
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    script = subprocess.Popen(
        [ROOT / "deploy" / "start-workers", address, "springs", "1"],
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        cluster = {"name": "address", "scheduler": address, "wait_s": 60}
        run_campaign(tiny(tmp_path / "run", crystals, cluster=cluster))
    finally:
        os.killpg(script.pid, signal.SIGTERM)
        script.wait(timeout=30)
    (row,) = table(tmp_path / "run", NUMBERS)
    assert row["status"] == "complete"
    assert row["kappa_300"] > 0


def test_the_deploy_script_explains_its_arguments() -> None:
    result = subprocess.run(
        [ROOT / "deploy" / "start-workers"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "FAMILY NUMBER" in result.stderr
