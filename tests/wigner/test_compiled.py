"""Compiled kernels: where they are kept, and that workers which start together compile once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

REPOSITORY = Path(__file__).parents[2]

# Runs the smallest kernel; Numba counts what it compiled (misses) and loaded (hits).
KERNEL = """
import json
import numpy as np
from screen.wigner import kernels
from screen.wigner.compiled import run_kernel

one = np.ones((1, 1))
e = np.ones((1, 1, 1, 3), dtype=complex)
isotopes = kernels.Isotopes(e[0], e, np.ones(1), one > 0, np.zeros((1, 1), dtype=np.int64))
gamma = np.zeros(1)
run_kernel(kernels.add_isotopes_smeared, isotopes, np.ones(1), one, 0.5, gamma)
stats = kernels.add_isotopes_smeared.stats
print(json.dumps({
    "gamma": gamma[0],
    "compiled": sum(stats.cache_misses.values()),
    "loaded": sum(stats.cache_hits.values()),
    "folder": stats.cache_path,
    "module": kernels.__file__,
}))
"""
GAMMA = 9 / (2 * 3.141592653589793) ** 0.5 / 0.5  # |e*·e'|² = 9 times the peak of the Gaussian


def start(root: Path, **environment: str) -> subprocess.Popen[str]:
    """Start ``KERNEL`` with the package below a folder."""
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    given = {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        [sys.executable, "-c", KERNEL],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=root,
        env={**inherited, **given},
    )


def finish(process: subprocess.Popen[str]) -> dict[str, object]:
    """Read what a process found."""
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    report: dict[str, object] = json.loads(output)
    assert report["gamma"] == pytest.approx(GAMMA, rel=1e-14)
    return report


def test_workers_that_start_together_compile_once(tmp_path: Path) -> None:
    together = [start(REPOSITORY, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(3)]
    reports = [finish(process) for process in together]
    assert sorted(report["compiled"] for report in reports) == [0, 0, 1]  # type: ignore[type-var]
    assert sorted(report["loaded"] for report in reports) == [0, 1, 1]  # type: ignore[type-var]
    assert {str(report["folder"]).startswith(str(tmp_path)) for report in reports} == {True}


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Folder with the package, beside whose modules nothing can be written."""
    root = tmp_path / "installed"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "screen", root / "screen", ignore=ignore)
    (root / "screen" / "wigner" / "__pycache__").touch()  # a file where a folder should be
    return root


def test_a_read_only_installation_keeps_kernels_with_the_user(
    installed: Path, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    first = finish(start(installed, **environment))
    second = finish(start(installed, **environment))
    assert str(first["module"]).startswith(str(installed))
    assert (first["compiled"], second["compiled"], second["loaded"]) == (1, 0, 1)
    assert str(second["folder"]).startswith(str(home))


def test_without_any_writable_folder_kernels_run_all_the_same(installed: Path) -> None:
    nowhere = "/proc/nowhere"
    report = finish(start(installed, HOME=nowhere, XDG_CACHE_HOME=nowhere))
    assert report["folder"] is None
