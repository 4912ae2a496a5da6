"""Slurm: real worker processes in jobs of stand-ins for sbatch, squeue and scancel."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from screen.clusters import _growing, _slurm_jobs
from screen.clusters._security import write_certificates
from screen.core.errors import CampaignError, SettingsError
from screen.core.protocols import Completed, WorkerKind, Workers
from screen.core.registry import find
from tests.clusters.fake_slurm import install, jobs_of
from tests.clusters.programs import free_port, programs, scheduler

ROOT = Path(__file__).parents[2]
KINDS = (WorkerKind(("cpu", "model:springs")),)
SECONDS = 60.0
JOB = {"time": "10:00", "memory": "1G", "drain_s": 60}


@pytest.fixture
def jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the jobs of a Slurm of our own; looks at it often."""
    for name, value in install(tmp_path / "bin", tmp_path / "jobs").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # workers import this module
    monkeypatch.setattr(_growing, "TEND_S", 0.2)
    return tmp_path / "jobs"


def options(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    given = {"host": "127.0.0.1", "folder": str(tmp_path / "logs"), "model": JOB}
    return {**given, **changes}


def connect(given: Mapping[str, Any]) -> Any:
    return find("clusters", "slurm").connect(given, KINDS)


def states(jobs: Path) -> list[str]:
    return [job["state"] for job in jobs_of(jobs)]


def until(
    workers: Workers, seen: Callable[[Completed | None], bool], seconds: float = SECONDS
) -> None:
    """Turn as the driver does: it asks for slots, then waits for a task."""
    deadline = time.monotonic() + seconds
    while True:
        assert workers.slots.total >= 0
        if seen(workers.next_completed(0.1)):
            return
        assert time.monotonic() < deadline


def result_of(workers: Workers) -> Completed:
    found: list[Completed] = []

    def arrived(completed: Completed | None) -> bool:
        found.extend([completed] if completed is not None else [])
        return bool(found)

    until(workers, arrived)
    return found[0]


def offer(resources: frozenset[str], report: Any) -> tuple[frozenset[str], str | None, str]:
    names = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
    return resources, os.environ.get(names[0]), os.environ[names[1]]


def wishes(dask_scheduler: Any) -> list[int]:
    """How many want the result of each task."""
    return [len(task.who_wants) for task in dask_scheduler.tasks.values()]


def note_and_wait(resources: frozenset[str], report: Any, note: Path, go: Path) -> str:
    with note.open("a") as file:
        file.write(os.environ["SLURM_JOB_ID"] + "\n")
    while not go.exists():
        time.sleep(0.05)
    return os.environ["SLURM_JOB_ID"]


def test_jobs_of_gpus_hold_the_potential_and_others_the_processor(
    jobs: Path, tmp_path: Path
) -> None:
    """Two processes of a job see one GPU each; cores are shared out; all jobs end with the run."""
    gpu = {**JOB, "partition": "gpu", "gpus": "a100:2", "cpus": 4, "lines": ["--constraint=a100"]}
    given = options(tmp_path, model=gpu, cpu={**JOB, "cpus": 3, "prologue": ["echo module"]})
    with connect(given) as workers:
        until(workers, lambda _: workers.slots.total == 3)
        assert workers.slots.offering == {"model:springs": 2, "cpu": 1}
        for key in ("a", "b"):
            workers.submit(key, "model:springs", offer)
        found = sorted(result_of(workers).result for _ in range(2))
        assert found == [(frozenset({"model:springs"}), n, "2") for n in ("0", "1")]
        workers.submit("c", "cpu", offer)
        assert result_of(workers).result == (frozenset({"cpu"}), None, "3")
        first, second = jobs_of(jobs)
        assert first["options"]["--partition"] == "gpu"
        assert first["options"]["--gres"] == "gpu:a100:2"
        assert first["options"]["--constraint"] == "a100"
        (folder,) = (tmp_path / "logs").iterdir()
        assert (folder / f"{second['id']}.log").read_text().startswith("module\n")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert all(file.stat().st_mode & 0o077 == 0 for file in folder.glob("*.pem"))
    assert states(jobs) == ["CANCELLED", "CANCELLED"]
    assert not list(folder.glob("*.pem")), "keys of a run end with it"


@pytest.mark.slow
def test_a_job_that_nears_its_limit_is_replaced_and_its_task_ends(
    jobs: Path, tmp_path: Path
) -> None:
    """The task runs on past the moment from which its job begins nothing new."""
    short = {**JOB, "time": "1:00", "drain_s": 8}  # nothing new from its 24th to 32nd second on
    note, go = tmp_path / "note", tmp_path / "go"
    with connect(options(tmp_path, model=short)) as workers:
        until(workers, lambda _: workers.slots.total == 1)
        workers.submit("long", "cpu", note_and_wait, note, go)
        until(workers, lambda _: len(states(jobs)) == 2)  # the replacement
        until(workers, lambda _: workers.slots.total == 1 and taking(workers) == "102-0")
        go.touch()
        assert result_of(workers) == Completed("long", "101")
        workers.submit("next", "cpu", note_and_wait, note, go)
        assert result_of(workers) == Completed("next", "102")
        until(workers, lambda _: states(jobs)[0] == "COMPLETED")  # before its limit, by itself
    assert note.read_text() == "101\n102\n", "each ran once"


@pytest.mark.slow
def test_a_task_that_outlasts_its_job_goes_elsewhere(jobs: Path, tmp_path: Path) -> None:
    """It ran in vain, but it is neither lost nor suspect."""
    short = {**JOB, "time": "1:00", "drain_s": 8}
    with connect(options(tmp_path, model=short)) as workers:
        until(workers, lambda _: workers.slots.total == 1)
        workers.submit("long", "cpu", hold_the_first, tmp_path / "note")
        assert result_of(workers) == Completed("long", "second")
        until(workers, lambda _: states(jobs)[0] != "RUNNING")
    assert states(jobs)[0] == "COMPLETED", "before its limit"


def taking(workers: Any) -> str:
    """Name of the worker that takes tasks."""
    found = workers._client.scheduler_info(n_workers=-1)["workers"].values()
    return next((str(w["name"]) for w in found if w["status"] == "running"), "")


def hold_the_first(resources: frozenset[str], report: Any, note: Path) -> str:
    if note.exists():
        return "second"
    note.touch()
    time.sleep(60)
    return "first"


def test_the_number_of_jobs_follows_the_work(
    jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_slurm_jobs, "IDLE_S", 0.5)
    with connect(options(tmp_path, model={**JOB, "max_jobs": 2})) as workers:
        assert states(jobs) in (["PENDING"], ["RUNNING"])
        workers.need({"cpu": 1, "model:springs": 70})
        until(workers, lambda _: workers.slots.total == 2)
        assert len(states(jobs)) == 2, "max_jobs"
        workers.submit("last", "cpu", note_and_wait, tmp_path / "note", tmp_path / "go")
        workers.need({"cpu": 1})
        until(workers, lambda _: workers.slots.total == 1)
        (tmp_path / "go").touch()
        busy = result_of(workers).result
        done = [str(job["id"]) for job in jobs_of(jobs) if job["state"] == "COMPLETED"]
        assert busy not in done
        workers.need({})
        until(workers, lambda _: workers.slots.total == 0)
        until(workers, lambda _: states(jobs) == ["COMPLETED"] * 2)


def test_jobs_that_wait_are_cancelled_when_nobody_needs_them(
    jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_slurm_jobs, "IDLE_S", 0.5)
    given = options(tmp_path, model={**JOB, "partition": "busy"})
    with connect(given) as workers:
        assert states(jobs) == ["PENDING"]
        workers.need({})
        until(workers, lambda _: states(jobs) == ["CANCELLED"])


def test_a_host_that_this_machine_does_not_have_is_named(jobs: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(
            CampaignError, match=r"cannot listen at host 192\.0\.2\.1, .*assign.*; correct"
        ),
        connect(options(tmp_path, host="192.0.2.1")),
    ):
        raise AssertionError("it connected")


def test_a_partition_that_is_not_there_is_said_in_slurm_s_words(jobs: Path, tmp_path: Path) -> None:
    given = options(tmp_path, model={**JOB, "partition": "nope"})
    with (
        pytest.raises(CampaignError, match=r"sbatch refuses .*Invalid partition name specified"),
        connect(given),
    ):
        raise AssertionError("it connected")
    assert states(jobs) == []


def test_a_job_that_can_never_start_is_a_campaign_error(jobs: Path, tmp_path: Path) -> None:
    given = options(tmp_path, model={**JOB, "partition": "down"})
    with (
        pytest.raises(CampaignError, match=r"never start job .*PartitionDown"),
        connect(given) as workers,
    ):
        until(workers, lambda _: False, 10)
    assert states(jobs) == ["CANCELLED"]


def test_jobs_that_fail_at_once_are_not_submitted_for_ever(jobs: Path, tmp_path: Path) -> None:
    broken = {**JOB, "prologue": ["echo 'cuda: no such module' >&2; exit 1"]}
    with (
        pytest.raises(
            CampaignError,
            match=r"3 jobs in a row for cpu model:springs ended .*cuda: no such module",
        ),
        connect(options(tmp_path, model=broken)) as workers,
    ):
        until(workers, lambda _: False, 30)
    assert states(jobs) == ["FAILED"] * 3


def test_a_controller_that_is_away_for_a_while_ends_nothing(
    jobs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(options(tmp_path)) as workers:
        until(workers, lambda _: workers.slots.total == 1)
        squeue = tmp_path / "bin" / "squeue"
        squeue.rename(tmp_path / "away")
        squeue.write_text("#!/bin/sh\necho 'Unable to contact slurm controller' >&2\nexit 1\n")
        squeue.chmod(0o755)
        time.sleep(0.3)
        workers.submit("task", "cpu", offer)
        assert result_of(workers).key == "task"
        (tmp_path / "away").rename(squeue)
        time.sleep(0.3)
        assert workers.slots.total == 1
        assert len(states(jobs)) == 1


def test_ctrl_c_cancels_all_jobs(jobs: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), connect(options(tmp_path)):
        raise KeyboardInterrupt
    assert states(jobs) == ["CANCELLED"]


def test_jobs_of_a_driver_that_was_killed_end_by_themselves(jobs: Path, tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.clusters.test_slurm import KINDS, connect, options\n"
        "with connect(options(Path(sys.argv[1]))) as workers:\n"
        "    while not workers.slots.total:\n"
        "        time.sleep(0.1)\n"
        "    time.sleep(2.5)\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    driver = subprocess.Popen(
        [sys.executable, script, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    with driver.stdout as said:
        assert said.readline() == "ready\n"
    driver.kill()
    driver.wait()
    deadline = time.monotonic() + SECONDS
    while states(jobs) != ["COMPLETED"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_jobs_can_join_a_scheduler_that_runs_already(jobs: Path, tmp_path: Path) -> None:
    """It outlives the driver, whose jobs end with the driver."""
    files, port = write_certificates(tmp_path / "tls"), free_port()
    there = f"tls://127.0.0.1:{port}"
    given = options(tmp_path, scheduler=there, security=files.model_dump())
    with programs(scheduler(port, "--protocol", "tls", *files.arguments)):
        for number in (1, 2):
            with connect(given) as workers:
                workers.submit("task", "cpu", offer)
                assert result_of(workers).key == "task"
            assert states(jobs) == ["CANCELLED"] * number
    assert files.key.exists(), "these are not the run's own"


def test_on_a_scheduler_apart_the_work_of_a_killed_driver_goes_on(
    jobs: Path, tmp_path: Path
) -> None:
    """Its job ends the task, and the next driver gets the result."""
    files, port = write_certificates(tmp_path / "tls"), free_port()
    there = f"tls://127.0.0.1:{port}"
    given = options(tmp_path, scheduler=there, security=files.model_dump())
    note, go, script = tmp_path / "note", tmp_path / "go", tmp_path / "driver.py"
    script.write_text(
        "import pickle, sys, time\n"
        "from tests.clusters.test_slurm import connect, note_and_wait\n"
        "given, note, go = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "with connect(given) as workers:\n"
        "    workers.submit('task', 'cpu', note_and_wait, note, go)\n"
        "    while workers.slots:\n"
        "        time.sleep(0.1)\n"
    )
    with programs(scheduler(port, "--protocol", "tls", *files.arguments)):
        told = pickle.dumps((given, note, go)).hex()
        driver = subprocess.Popen([sys.executable, script, told], cwd=ROOT)
        deadline = time.monotonic() + SECONDS
        while not note.exists():
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        driver.kill()
        driver.wait()
        with connect(given) as workers:
            workers.submit("task", "cpu", note_and_wait, note, go)
            client = workers._client
            while client.run_on_scheduler(wishes) != [2]:  # the scheduler's own, and this driver's
                assert time.monotonic() < deadline
            go.touch()
            first = result_of(workers).result
        assert note.read_text().split() == [first]
        assert states(jobs) == ["RUNNING", "CANCELLED"]
        subprocess.run(["scancel", first], check=True)


def test_where_slurm_is_not_installed_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with (
        pytest.raises(CampaignError, match="sbatch is not on this machine"),
        connect(options(tmp_path)),
    ):
        raise AssertionError("it connected")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {**JOB, "time": "1 day"}}, "no time limit such as 12:00:00"),
        ({"model": {**JOB, "memory": "64 GB"}}, "no size such as 64G"),
        ({"model": {"time": "10:00"}}, "model.memory"),
        ({"model": {**JOB, "time": "2:00"}}, "would begin nothing"),
        ({"model": {**JOB, "min_jobs": 5}}, "exceeds max_jobs"),
        ({"scheduler": "tls://127.0.0.1:1"}, "go together"),
        ({"model": {**JOB, "gpus": "a100"}}, "gpus"),
    ],
)
def test_options_that_slurm_or_the_workers_would_refuse_are_named(
    changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with (
        pytest.raises(SettingsError, match=message),
        connect(options(tmp_path, **changes)),
    ):
        raise AssertionError("it connected")
