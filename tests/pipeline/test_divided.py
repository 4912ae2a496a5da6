"""A stage in parts: the same numbers, one artifact per part, and only what is missing runs again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from screen.pipeline.campaign import run_campaign
from tests.pipeline import divided
from tests.pipeline.campaigns import EXECUTIONS, NUMBERS, TINY, table, tiny, write_fcc

DIVIDED = {**TINY, "conductivity": {**TINY["conductivity"], "solver": "tests.pipeline.divided"}}
DRIVER = """
import sys
from pathlib import Path
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import tiny
from tests.pipeline.test_divided import DIVIDED

if __name__ == "__main__":
    run_campaign(tiny(Path(sys.argv[1]), Path(sys.argv[2]), protocol=DIVIDED))
"""


def parts_of(run: Path) -> list[Path]:
    return sorted((run / "artifacts" / "conductivity_parts").glob("*/*.npz"))


def executions(run: Path) -> Counter[str]:
    return Counter({row["stage"]: row["n"] for row in table(run, SUMMED)})


SUMMED = f"SELECT stage, sum(n)::INTEGER AS n FROM ({EXECUTIONS}) GROUP BY stage"


@pytest.fixture(scope="module")
def crystals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fcc(tmp_path_factory.mktemp("crystals"), "Cu")


@pytest.fixture(scope="module")
def undivided(tmp_path_factory: pytest.TempPathFactory, crystals: Path) -> Path:
    run = tmp_path_factory.mktemp("undivided")
    run_campaign(tiny(run, crystals))
    return run


def assert_same_numbers(run: Path, other: Path) -> None:
    (found,), (expected,) = table(run, NUMBERS), table(other, NUMBERS)
    for name, value in expected.items():
        assert found[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-12))


@pytest.mark.parametrize("cluster", [{"name": "inline"}, {"name": "local", "workers": 2}])
def test_parts_give_the_numbers_of_the_whole(
    cluster: dict[str, object], tmp_path: Path, crystals: Path, undivided: Path
) -> None:
    state = run_campaign(tiny(tmp_path, crystals, protocol=DIVIDED, cluster=cluster))
    assert state.statuses == {"complete": 1}
    assert len(parts_of(tmp_path)) == divided.PARTS
    assert executions(tmp_path)["conductivity_parts"] == divided.PARTS
    assert executions(tmp_path)["conductivity"] == 1
    assert_same_numbers(tmp_path, undivided)


def test_a_killed_driver_keeps_the_parts_that_were_done(
    tmp_path: Path, crystals: Path, undivided: Path
) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    run = tmp_path / "run"
    root = Path(__file__).parents[2]
    driver = subprocess.Popen(
        [sys.executable, script, run, crystals],
        env={**os.environ, "PYTHONPATH": str(root), divided.TROUBLE: "sleep"},
        cwd=root,
    )
    deadline = time.monotonic() + 120
    while not parts_of(run) and driver.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    done = {path: path.stat().st_mtime_ns for path in parts_of(run)}
    assert len(done) == 1
    run_campaign(tiny(run, crystals, protocol=DIVIDED))
    assert len(parts_of(run)) == divided.PARTS
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert_same_numbers(run, undivided)


def test_a_refused_part_fails_the_stage_for_good(
    tmp_path: Path, crystals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(divided.TROUBLE, "refusal")
    campaign = tiny(tmp_path, crystals, protocol=DIVIDED)
    assert run_campaign(campaign).statuses == {"partial": 1}
    (failure,) = table(tmp_path, "SELECT stage, kind, message FROM failures")
    assert failure == {"stage": "conductivity", "kind": "memory", "message": "too large"}
    (row,) = table(tmp_path, "SELECT kappa_300, expansion_300 FROM results")
    assert row["kappa_300"] is None
    assert row["expansion_300"] is not None
    assert run_campaign(campaign).resumed == 1


def test_a_bug_in_a_part_is_tried_again_and_the_other_parts_are_kept(
    tmp_path: Path, crystals: Path, undivided: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(divided.TROUBLE, "bug")
    campaign = tiny(tmp_path, crystals, protocol=DIVIDED)
    state = run_campaign(campaign)
    assert "ZeroDivisionError: a bug" in (state.first_traceback or "")
    assert len(parts_of(tmp_path)) == divided.PARTS - 1
    monkeypatch.delenv(divided.TROUBLE)
    assert run_campaign(campaign).statuses == {"complete": 1}
    assert executions(tmp_path)["conductivity_parts"] == divided.PARTS + 1
    assert_same_numbers(tmp_path, undivided)


@pytest.mark.slow
def test_a_part_that_kills_its_worker_leaves_the_rest(
    tmp_path: Path, crystals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(divided.TROUBLE, "death")
    cluster = {"name": "local", "workers": 2}
    state = run_campaign(tiny(tmp_path, crystals, protocol=DIVIDED, cluster=cluster))
    assert state.statuses == {"partial": 1}
    assert state.kinds == {"worker_lost": 1}
    assert len(parts_of(tmp_path)) == divided.PARTS - 1


def test_a_broken_part_is_computed_again(tmp_path: Path, crystals: Path, undivided: Path) -> None:
    run_campaign(tiny(tmp_path, crystals, protocol=DIVIDED))
    (tmp_path / "campaign.duckdb").unlink()
    (whole,) = (tmp_path / "artifacts" / "conductivity").glob("*/*.npz")
    whole.unlink()
    broken = parts_of(tmp_path)[0]
    broken.write_bytes(broken.read_bytes()[:100])
    assert run_campaign(tiny(tmp_path, crystals, protocol=DIVIDED)).statuses == {"complete": 1}
    assert broken.with_suffix(".broken").exists()
    assert_same_numbers(tmp_path, undivided)
