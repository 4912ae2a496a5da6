"""Little memory: batches get smaller, and what cannot fit is refused in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from screen.core.errors import TransportError
from screen.wigner import scattering
from screen.wigner.memory import free_in_cgroups, in_batches
from tests.shared import shared_path
from tests.wigner.cases import eager, solved

REPOSITORY = Path(__file__).parents[2]

# Limits the address space of a process whose tables are built, so that no more than ``extra`` bytes
# can be added; ``resources`` of a terabyte ask for everything at once.
LIMITED = """
import json, resource, sys
import numpy as np, torch
torch.set_num_threads(1)
from screen.core.errors import TransportError
from screen.wigner import scattering
from screen.wigner.engine import Conventions, solve_harmonic
from screen.wigner.folding import fold
from screen.wigner.interaction import build_transform
from screen.wigner.memory import free_bytes
from screen.wigner.tables import build_tables
from tests.wigner.cases import prepared

what, backend, extra = sys.argv[1], sys.argv[2], int(sys.argv[3])
harmonic = solve_harmonic(prepared("AlN-LDA", (9, 9, 7)))
grid, cpu = harmonic.grid, torch.device("cpu")
tables = build_tables(grid, harmonic.phonons, (300.0,), cpu, True)
folded = fold(harmonic.interaction)
transform = build_transform(folded, grid, cpu)
points = grid.irreducible.tolist()[-6:]
scattering.CACHE_BYTES, scattering.BATCH = 1e12, 1 << 20
ample = scattering.choose_resources(backend=backend, budget=1 << 40)
small = scattering.choose_resources(backend=backend, budget=1)
reference = scattering.phonon_rates(transform, tables, grid, points, small)

tried = []
usual = scattering.in_batches
def watched(calculate, total, size):
    def noted(begin, size):
        tried.append(size)
        return calculate(begin, size)
    return usual(noted, total, size)
scattering.in_batches = watched

before = free_bytes()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + extra, resource.RLIM_INFINITY))
report = {"free": free_bytes(), "before": before}
try:
    if what == "rates":
        rates = scattering.phonon_rates(transform, tables, grid, points, ample)
        report["error"] = float(np.abs(rates / reference - 1)[reference > 0].max())
    else:
        fold(harmonic.interaction)
except TransportError as error:
    report["refused"] = [error.kind, str(error)]
report["tried"] = tried
print(json.dumps(report))
"""


def limited(what: str, backend: str, extra: int) -> dict[str, object]:
    """Run ``LIMITED`` in a process of its own."""
    shared_path("dft")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, what, backend, str(extra)],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPOSITORY,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return report


@pytest.mark.parametrize("backend", ["eager", "auto"])
def test_rates_go_on_with_little_memory(backend: str) -> None:
    report = limited("rates", backend, 40 << 20)
    assert report["free"] == 40 << 20  # what ulimit leaves is what counts as free
    tried = report["tried"]
    assert isinstance(tried, list)
    assert any(later == size // 2 for size, later in pairwise(tried)), "the limit was not felt"
    # sums are taken in the same order up to the ends of blocks
    assert report["error"] < 1e-12  # type: ignore[operator]


def test_force_constants_that_do_not_fit_are_refused() -> None:
    kind, message = limited("fold", "auto", 40 << 20)["refused"]  # type: ignore[misc]
    assert kind == "memory"
    assert "conductivity.solver = 'phono3py'" in message


def test_rates_that_never_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError("full")

    monkeypatch.setattr(scattering.eager, "add_triplets", full)
    with pytest.raises(TransportError, match="phono3py") as caught:
        solved("Si-PBE", (3, 3, 3), resources=eager())
    assert caught.value.kind == "memory"


@pytest.mark.parametrize(("name", "mesh"), [("Si-PBE", (6, 6, 6)), ("AlN-LDA", (5, 5, 4))])
def test_several_points_at_once_give_the_same_rates(
    monkeypatch: pytest.MonkeyPatch, name: str, mesh: tuple[int, int, int]
) -> None:
    """With room for it, whole meshes of several q go through every step together, as on a GPU."""
    usual = solved(name, mesh).scattering
    monkeypatch.setattr(scattering, "CACHE_BYTES", 1e12)
    monkeypatch.setattr(scattering, "BATCH", 8)
    for backend in ("eager", "auto"):
        resources = scattering.choose_resources(backend=backend, budget=1 << 40)
        found = solved(name, mesh, resources=resources).scattering
        np.testing.assert_allclose(found.phonons, usual.phonons, rtol=1e-12, atol=1e-18)
        np.testing.assert_allclose(found.isotopes, usual.isotopes, rtol=1e-12, atol=1e-18)


def test_batches_are_halved_for_good_when_memory_runs_out() -> None:
    tried = []

    def calculate(begin: int, size: int) -> torch.Tensor:
        tried.append((begin, size))
        if size > 3:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        return torch.arange(begin, min(begin + size, 5))

    found = in_batches(calculate, 5, 16)
    assert torch.cat(found).tolist() == [0, 1, 2, 3, 4]
    assert tried == [(0, 16), (0, 8), (0, 4), (0, 2), (2, 2), (4, 2)]


def test_a_batch_of_one_that_does_not_fit_ends_it() -> None:
    def calculate(begin: int, size: int) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(MemoryError, match="CUDA out of memory"):
        in_batches(calculate, 5, 4)


def test_other_errors_are_not_taken_for_memory() -> None:
    def calculate(begin: int, size: int) -> torch.Tensor:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        in_batches(calculate, 5, 4)


@pytest.mark.parametrize(
    ("line", "folder", "files"),
    [
        ("0::/batch/job", "", ("memory.max", "memory.current", "inactive_file")),
        (
            "4:memory:/batch/job",
            "memory",
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ),
    ],
)
def test_the_tightest_cgroup_counts(
    tmp_path: Path, line: str, folder: str, files: tuple[str, str, str]
) -> None:
    """A job limited by its parent, in the layouts of both versions of cgroups."""
    limit, usage, cache = files
    job = tmp_path / folder / "batch" / "job"
    job.mkdir(parents=True)
    (job / limit).write_text("max\n" if not folder else str(2**60))
    (job / usage).write_text("500")
    (job / "memory.stat").write_text(f"anon 1\n{cache} 100\n")
    (job.parent / limit).write_text("1000\n")
    (job.parent / usage).write_text("700\n")
    (job.parent / "memory.stat").write_text(f"anon 1\n{cache} 200\n")
    members = tmp_path / "members"
    members.write_text(f"9:cpu:/elsewhere\n{line}\n")
    assert free_in_cgroups(members, tmp_path) == 1000 - (700 - 200)
    members.write_text("9:cpu:/elsewhere\n")
    assert free_in_cgroups(members, tmp_path) == sys.maxsize
