"""One campaign on three clusters: the same numbers to the last digit, each stage computed once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from screen.clusters._security import write_certificates
from screen.pipeline.campaign import run_campaign
from tests.clusters.fake_slurm import install, jobs_of
from tests.clusters.programs import ROOT, free_port, programs, scheduler, worker
from tests.pipeline.campaigns import EXECUTIONS, table, tiny, write_fcc

EVERYTHING = "SELECT * EXCLUDE (wall_s, cpu_s, finished_at) FROM results ORDER BY material_id"
FAILURES = "SELECT material_id, stage, kind, message FROM failures ORDER BY ALL"
ELEMENTS = ("Ag", "Al", "Au", "Cu")  # aluminium is harmonic here, gold has no springs
JOB = {"time": "10:00", "memory": "1G", "drain_s": 60}


@contextmanager
def local(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    yield {"name": "local", "workers": 1}


@contextmanager
def address(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """TLS, and a worker for the processor beside the one with the potential."""
    files, port = write_certificates(folder / "tls"), free_port()
    there, tls = f"tls://127.0.0.1:{port}", files.arguments
    with programs(
        scheduler(port, "--protocol", "tls", *tls),
        worker(there, "cpu", *tls),
        worker(there, "model:springs", *tls),
    ):
        yield {"name": "address", "scheduler": there, "security": files.model_dump()}


@contextmanager
def slurm(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    for name, value in install(folder / "bin", folder / "jobs").items():
        patch.setenv(name, value)
    patch.setenv("PYTHONPATH", str(ROOT))
    gpu, cpu = {**JOB, "partition": "gpu", "gpus": 1}, {**JOB, "partition": "cpu"}
    logs = str(folder / "logs")
    yield {"name": "slurm", "host": "127.0.0.1", "folder": logs, "model": gpu, "cpu": cpu}
    assert {job["state"] for job in jobs_of(folder / "jobs")} == {"CANCELLED"}


@pytest.mark.slow
def test_local_address_with_tls_and_slurm_give_identical_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crystals = write_fcc(tmp_path / "crystals", *ELEMENTS)
    crystals.joinpath("broken.cif").write_text("data_broken\n")
    found: dict[str, Any] = {}
    for cluster in (local, address, slurm):
        folder = tmp_path / cluster.__name__
        folder.mkdir()
        with cluster(folder, monkeypatch) as options:
            state = run_campaign(tiny(folder / "run", crystals, cluster=options))
        assert state.statuses == {"complete": 2, "failed": 3}
        executions = table(folder / "run", EXECUTIONS)
        assert all(row["n"] == 1 for row in executions)
        found[cluster.__name__] = (
            table(folder / "run", EVERYTHING),
            table(folder / "run", FAILURES),
            sorted((row["material_id"], row["stage"], row["artifact"]) for row in executions),
        )
    assert found["local"] == found["address"] == found["slurm"]
