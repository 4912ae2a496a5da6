"""500 materials while workers are killed, starve, freeze and stall, drivers die, and a disk fills.

Every good material must end exactly once with the right result, every poison be condemned alone.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io import write

from tests.pipeline import chaotic
from tests.pipeline.campaigns import table

ROOT = Path(__file__).parents[2]
MATERIALS = 500
DRIVER_DEATHS = 5
DISK_MB = 60
DRIVER = """
import sys
from pathlib import Path
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import tiny

if __name__ == "__main__":
    run_campaign(tiny(
        Path(sys.argv[1]), Path(sys.argv[2]), properties=["tests.pipeline.chaotic"],
        cluster={"name": "local", "workers": 3, "memory_limit": "1 GiB"},
    ))
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Folder on a file system of its own that can be filled."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", folder],
        check=False,
        capture_output=True,
        text=True,
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def length(number: int) -> float:
    """Edge of the cube of a material in Å."""
    return 3 + number / MATERIALS


def write_cubes(path: Path) -> Path:
    """Write cubes of one atom to one file."""
    frames = [Atoms("Cu", cell=np.eye(3) * length(n), pbc=True) for n in range(MATERIALS)]
    write(path, frames, format="extxyz")
    return path


def workers_of(driver: subprocess.Popen[bytes]) -> list[int]:
    """Processes that the driver has spawned as Dask workers."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError, ValueError, IndexError):
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            command = (entry / "cmdline").read_bytes()
            if int(fields[1]) == driver.pid and b"spawn_main" in command:
                found.append(int(entry.name))
    return found


def done(run: Path) -> int:
    """Artifacts so far."""
    return len(list((run / "artifacts" / "chaotic").glob("*/*.npz")))


class Chaos:
    """Kills workers now and then, and drivers and disk at fixed shares of the work."""

    def __init__(self, run: Path, ballast: Path) -> None:
        self.run, self.ballast = run, ballast
        self.killed_workers = 0
        self._choose = random.Random(7)
        self._deaths = [MATERIALS * (n + 1) // (DRIVER_DEATHS + 2) for n in range(DRIVER_DEATHS)]
        self._full_at = MATERIALS // 2
        self.begin()

    def begin(self) -> None:
        """Let the workers of a new driver start."""
        self._begun_with, self._next_kill = done(self.run), 0.0

    def happen(self, driver: subprocess.Popen[bytes]) -> None:
        """Do what is due."""
        count = done(self.run)
        if self._deaths and count >= self._deaths[0]:
            self._deaths.pop(0)
            driver.kill()
        elif count >= self._full_at:
            self._full_at = MATERIALS + 1
            with suppress(OSError), self.ballast.open("wb") as handle:
                while handle.write(bytes(2**16)):
                    handle.flush()
        elif count > self._begun_with and time.monotonic() > self._next_kill:
            workers = workers_of(driver)
            for victim in self._choose.sample(workers, min(1, len(workers))):
                with suppress(ProcessLookupError):
                    os.kill(victim, signal.SIGKILL)
                self.killed_workers += 1
            self._next_kill = time.monotonic() + self._choose.uniform(5, 15)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_chaos_loses_nothing_doubles_nothing_and_blames_only_the_guilty(
    disk: Path, tmp_path: Path
) -> None:
    """Some ten minutes on two cores. Deaths of drivers and the full disk come at fixed shares of the work."""
    crystals = write_cubes(tmp_path / "crystals.extxyz")
    script, marks, run = tmp_path / "driver.py", tmp_path / "marks", disk / "run"
    script.write_text(DRIVER)
    marks.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), chaotic.MARKS: str(marks)}
    chaos = Chaos(run, ballast=disk / "ballast")
    endings: list[int] = []
    deadline = time.monotonic() + 2300
    while not endings or endings[-1] != 0:
        log = tmp_path / f"driver-{len(endings)}.log"
        with log.open("w") as messages:
            driver = subprocess.Popen(
                [sys.executable, script, run, crystals],
                env=environment,
                cwd=ROOT,
                stderr=messages,
            )
        chaos.begin()
        while driver.poll() is None:
            if time.monotonic() > deadline:
                driver.kill()
            chaos.happen(driver)
            time.sleep(0.05)
        endings.append(driver.returncode)
        assert time.monotonic() < deadline, f"{done(run)} of {MATERIALS} done"
        if driver.returncode not in (0, -signal.SIGKILL):
            assert "No space left on device" in log.read_text()
        chaos.ballast.unlink(missing_ok=True)
    assert endings.count(-signal.SIGKILL) == DRIVER_DEATHS
    assert len([code for code in endings if code > 0]) == 1, "the full disk stops a driver, once"
    assert chaos.killed_workers >= 5
    guilty = chaotic.POISON | chaotic.HUNGRY
    failures = table(run, "SELECT material_id, kind FROM failures")
    assert {(chaotic.number_of(row["material_id"]), row["kind"]) for row in failures} == {
        (number, "worker_lost") for number in guilty
    }
    found = table(run, "SELECT material_id, volume_seen FROM results WHERE status = 'complete'")
    volumes = {chaotic.number_of(row["material_id"]): row["volume_seen"] for row in found}
    assert len(found) == len(volumes) == MATERIALS - len(guilty)
    for number, volume in volumes.items():
        assert volume == pytest.approx(length(number) ** 3, rel=1e-6)
    costs = table(run, "SELECT artifact, count(*) AS n FROM costs GROUP BY artifact")
    assert max(row["n"] for row in costs) == 1
