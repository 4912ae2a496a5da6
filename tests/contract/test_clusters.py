"""Every cluster, one contract: what the driver relies on, with real worker processes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import dask
import pytest
from distributed import Status

from screen.core.errors import CampaignError, RelaxationError, SettingsError
from screen.core.protocols import Completed, Slots, WorkerKind, Workers
from screen.core.registry import find, names
from tests.clusters.fake_slurm import install
from tests.clusters.programs import free_port, programs, scheduler, worker
from tests.environments.second import second_environment

ROOT = Path(__file__).parents[2]
RESOURCES = ("cpu", "model:springs")
KINDS = (WorkerKind(RESOURCES),)
SECONDS = 60.0  # after which a worker counts as hung


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Scheduler with one worker that offers everything."""
    port = free_port()
    found = f"tcp://127.0.0.1:{port}"
    with programs(scheduler(port), worker(found, *RESOURCES)):
        yield found


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Commands of Slurm that start real processes."""
    folder = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in install(folder / "bin", folder / "jobs").items():
            patch.setenv(name, value)
        patch.setenv("PYTHONPATH", str(ROOT))  # workers import this module
        yield


@dataclass(frozen=True)
class Connected:
    """A cluster in use."""

    name: str
    module: ModuleType
    workers: Workers

    def completed(self) -> Completed:
        """The next task that ends; one must."""
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            found = self.workers.next_completed(timeout=0.5)
            if found is not None:
                return found
        raise AssertionError("no task ended")


# What a cluster needs to start here; one that needs more than this machine is skipped.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "inline": {},
    "local": {"workers": 1},
    "address": {},
    "slurm": {"host": "127.0.0.1", "model": {"memory": "1G"}},
}
# cuda has workers that offer one resource each: it is tested apart


@pytest.fixture(scope="module", params=names("clusters"))
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Connected]:
    name = request.param
    if name not in OPTIONS:
        pytest.skip(f"{name} needs more than this machine; see OPTIONS")
    module, options = find("clusters", name), dict(OPTIONS[name])
    if name == "address":
        options = {"scheduler": request.getfixturevalue("address"), "wait_s": SECONDS}
    elif name == "slurm":
        request.getfixturevalue("slurm")
        options["folder"] = str(tmp_path_factory.mktemp("logs"))
    with module.connect(options, KINDS) as workers:
        deadline = time.monotonic() + SECONDS
        while not workers.slots.total:  # some wait in a queue before the first worker comes
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield Connected(name, module, workers)


def double(resources: frozenset[str], report: Any, value: int) -> tuple[int, frozenset[str]]:
    return 2 * value, resources


def fail(resources: frozenset[str], report: Any, message: str) -> None:
    raise RelaxationError(message, kind="no_space_group")


def wait_for(resources: frozenset[str], report: Any, go: Path) -> str:
    """Report a stage and go on when the file appears."""
    report("fc3_forces")
    deadline = time.monotonic() + SECONDS
    while not go.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return "went"


def interpreter(resources: frozenset[str], report: Any) -> str:
    return sys.executable


def die(resources: frozenset[str], report: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_every_result_comes_back_once_under_its_key(cluster: Connected) -> None:
    for value in range(7):
        cluster.workers.submit(f"m{value}", "cpu", double, value)
    found = [cluster.completed() for _ in range(7)]
    assert {item.key: item.result[0] for item in found} == {f"m{n}": 2 * n for n in range(7)}
    assert all(item.error is None and not item.lost for item in found)
    assert cluster.workers.next_completed(timeout=0.2) is None


def test_a_key_can_be_used_again(cluster: Connected) -> None:
    """A material comes back for its next stages under the same key."""
    for value in (1, 2, 2):
        cluster.workers.submit("LiBr", "cpu", double, value)
        assert cluster.completed().result[0] == 2 * value


def test_a_task_is_told_what_its_worker_offers(cluster: Connected) -> None:
    for resource in RESOURCES:
        cluster.workers.submit("LiBr", resource, double, 0)
        assert cluster.completed().result[1] == frozenset(RESOURCES)


def test_there_is_a_slot_and_nothing_runs_at_first(cluster: Connected) -> None:
    assert cluster.workers.slots == Slots(1, dict.fromkeys(RESOURCES, 1))
    assert cluster.workers.stages() == {}
    assert cluster.workers.next_completed(timeout=0.1) is None


def test_an_exception_arrives_with_its_type_message_and_kind(cluster: Connected) -> None:
    """Workers send it back; the inline cluster raises where it happens, for a debugger to see."""
    cluster.workers.submit("LiBr", "cpu", fail, "no space group at 1e-5 Å")
    if cluster.name == "inline":
        with pytest.raises(RelaxationError, match="no space group") as raised:
            cluster.workers.next_completed()
        error: BaseException | None = raised.value
    else:
        completed = cluster.completed()
        assert (completed.key, completed.result, completed.lost) == ("LiBr", None, False)
        error = completed.error
    assert isinstance(error, RelaxationError)
    assert str(error) == "no space group at 1e-5 Å"
    assert error.kind == "no_space_group"
    cluster.workers.submit("LiBr", "cpu", double, 4)  # and the worker goes on
    assert cluster.completed().result[0] == 8


def test_the_driver_sees_the_stage_while_a_task_runs(cluster: Connected, tmp_path: Path) -> None:
    go = tmp_path / "go"
    if cluster.name == "inline":  # it runs when asked: look from inside
        seen: list[Mapping[str, str]] = []

        def look(resources: frozenset[str], report: Any) -> str:
            for stage in ("relax", "fc3_forces"):
                report(stage)
                seen.append(cluster.workers.stages())
            return "went"

        cluster.workers.submit("LiBr", "cpu", look)
        assert cluster.completed().result == "went"
        assert seen == [{"LiBr": "relax"}, {"LiBr": "fc3_forces"}]
    else:
        cluster.workers.submit("LiBr", "cpu", wait_for, go)
        deadline = time.monotonic() + SECONDS
        while cluster.workers.stages() != {"LiBr": "fc3_forces"}:
            assert cluster.workers.next_completed(timeout=0.05) is None
            assert time.monotonic() < deadline
        go.touch()
        assert cluster.completed().result == "went"
    assert cluster.workers.stages() == {}


@pytest.mark.parametrize("name", names("clusters"))
def test_an_unknown_option_is_named_before_anything_starts(name: str) -> None:
    wrong = {"scheduler": "tcp://127.0.0.1:1"} if name == "address" else {}
    with (
        pytest.raises(SettingsError, match="wrokers"),
        find("clusters", name).connect({**wrong, "wrokers": 2}, KINDS),
    ):
        raise AssertionError("it connected")


def test_a_worker_that_dies_is_a_lost_task_and_another_comes() -> None:
    """SIGKILL in the task, four times (Dask's three allowed failures); then a healthy task."""
    with find("clusters", "local").connect({"workers": 1}, KINDS) as workers:
        local = Connected("local", find("clusters", "local"), workers)
        workers.submit("poison", "cpu", die)
        completed = local.completed()
        assert (completed.key, completed.lost, completed.error) == ("poison", True, None)
        workers.submit("healthy", "cpu", double, 1)
        assert local.completed().result[0] == 2


def test_another_interpreter_s_worker_works_and_comes_back_after_it_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # workers import this module
    python = second_environment(tmp_path / "second")
    kinds = (*KINDS, WorkerKind(("cpu", "model:other"), python))
    with find("clusters", "local").connect({}, kinds) as workers:
        local = Connected("local", find("clusters", "local"), workers)
        for task, resource in (("here", "model:springs"), ("there", "model:other")):
            workers.submit(task, resource, interpreter)
        found = {item.key: item.result for item in (local.completed(), local.completed())}
        assert found == {"here": sys.executable, "there": str(python)}
        workers.submit("poison", "model:other", die)
        assert local.completed().lost
        workers.submit("there", "model:other", interpreter)
        assert local.completed().result == str(python)


def visible(resources: frozenset[str], report: Any) -> tuple[frozenset[str], str | None]:
    return resources, os.environ.get("CUDA_VISIBLE_DEVICES")


def test_each_gpu_has_a_worker_of_each_kind_and_the_processor_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program stands for nvidia-smi: there is no GPU here, and none is used."""
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with find("clusters", "cuda").connect({"workers": 1}, KINDS) as workers:
        cuda = Connected("cuda", find("clusters", "cuda"), workers)
        assert workers.slots == Slots(3, {"cpu": 1, "model:springs": 2})
        for task, resource in (("a", "model:springs"), ("b", "model:springs"), ("c", "cpu")):
            workers.submit(task, resource, visible)
        found = sorted(cuda.completed().result for _ in range(3))
        assert (frozenset({"cpu"}), "") in found
        assert {gpu for resources, gpu in found if resources == {"model:springs"}} <= {"0", "1"}


@pytest.mark.parametrize(("given", "message"), [("", "names no GPU"), (None, "no GPU is visible")])
def test_a_machine_without_gpus_says_so(
    given: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if given is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", given)
    with (
        pytest.raises(CampaignError, match=message),
        find("clusters", "cuda").connect({}, KINDS),
    ):
        raise AssertionError("it connected")


def test_the_inline_cluster_has_no_other_interpreter(tmp_path: Path) -> None:
    kinds = (WorkerKind(("cpu", "model:other"), tmp_path / "python"),)
    with (
        pytest.raises(SettingsError, match=r"model:other need .*python; use cluster local"),
        find("clusters", "inline").connect({}, kinds),
    ):
        raise AssertionError("it connected")


@pytest.mark.parametrize(
    "wrong", [{}, {"scheduler": 5}, {"scheduler": "tcp://127.0.0.1:1", "wait_s": -1}]
)
def test_the_address_cluster_wants_an_address_and_a_time(wrong: dict[str, Any]) -> None:
    with (
        pytest.raises(SettingsError, match=r"scheduler|wait_s"),
        find("clusters", "address").connect(wrong, KINDS),
    ):
        raise AssertionError("it connected")


def test_an_encrypted_address_without_certificates_says_what_is_missing() -> None:
    with (
        pytest.raises(CampaignError, match=r"wants certificates: give \[cluster\] security"),
        find("clusters", "address").connect(
            {"scheduler": "tls://127.0.0.1:1", "wait_s": 0.5}, KINDS
        ),
    ):
        raise AssertionError("it connected")


@pytest.mark.parametrize("there", ["tcp://127.0.0.1:1", "no address"])
def test_an_address_where_nothing_listens_is_a_campaign_error_soon(there: str) -> None:
    start = time.monotonic()
    with (
        pytest.raises(
            CampaignError, match=f"no Dask scheduler answers at {there}.*clusters scheduler"
        ),
        find("clusters", "address").connect(
            {"scheduler": there, "wait_s": 0.5, "insecure": there == "no address"}, KINDS
        ),
    ):
        raise AssertionError("it connected")
    assert time.monotonic() - start < 10


def test_a_campaign_starts_when_every_resource_is_offered_and_not_before() -> None:
    """No worker at all, or none that holds the potential: a task would wait for ever."""
    module, port = find("clusters", "address"), free_port()
    there = f"tcp://127.0.0.1:{port}"

    def attempt() -> str:
        with (
            pytest.raises(CampaignError) as caught,
            module.connect({"scheduler": there, "wait_s": 0.5}, KINDS),
        ):
            raise AssertionError("it connected")
        return str(caught.value)

    def complaint(text: str) -> str:
        """What is said once the processes have started."""
        deadline = time.monotonic() + SECONDS
        while text not in (message := attempt()):
            assert time.monotonic() < deadline, message
        return message

    with programs(scheduler(port)):
        complaint("no worker that offers cpu or model:springs;")
        with programs(worker(there, "cpu")):
            message = complaint("no worker that offers model:springs;")
            options = {"scheduler": there, "wait_s": SECONDS}
            with programs(worker(there, "model:springs")), module.connect(options, KINDS) as w:
                each_runs_where_its_resource_is(Connected("address", module, w))
    command = f'screen.clusters worker {there} --resources "cpu=1 model:springs=1"`'
    assert f"`{sys.executable} -m {command}" in message


def each_runs_where_its_resource_is(cluster: Connected) -> None:
    """One worker has the processor, the other the potential."""
    assert cluster.workers.slots == Slots(2, dict.fromkeys(RESOURCES, 1))
    for number in range(8):
        cluster.workers.submit(f"m{number}", RESOURCES[number // 4], double, number)
    for _ in range(8):
        completed = cluster.completed()
        number = int(completed.key[1:])
        assert completed.result == (2 * number, frozenset({RESOURCES[number // 4]}))


@pytest.mark.parametrize("failed", [False, True], ids=["closed", "failed to start"])
def test_a_local_cluster_that_lost_all_its_workers_starts_new_ones(
    failed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that is killed while it starts takes its nanny with it; nobody else restarts it."""
    monkeypatch.setattr("screen.clusters._dask.EMPTY_S", 2.0)
    with (
        # the cluster forgets a worker that had registered after this time, one that never did never
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour" if failed else "1 s"}),
        find("clusters", "local").connect({"workers": 2}, KINDS) as workers,
    ):
        cluster = workers._client.cluster

        async def lose() -> None:
            for nanny in list(cluster.workers.values()):
                await nanny.close()
            if failed:  # as a nanny ends whose worker was killed while it started
                for nanny in cluster.workers.values():
                    nanny.status = Status.failed

        cluster.sync(lose)
        assert not workers._client.nthreads()
        workers.submit("task", "cpu", double, 21)
        deadline, completed = time.monotonic() + SECONDS, None
        while completed is None and time.monotonic() < deadline:
            assert workers.slots.total >= 0  # the driver asks in each turn
            completed = workers.next_completed(1.0)
    assert completed == Completed("task", (42, frozenset(RESOURCES)))
