"""A Dask client as the driver sees it: submit, wait for the next, know the stage."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import CancelledError
from queue import Empty, Queue
from typing import Any

from dask.base import tokenize
from distributed import Client, Future, get_worker
from distributed.client import ClosedClientError
from distributed.scheduler import KilledWorker, NoValidWorkerError, NoWorkerError

from screen.clusters._outliving import PREFIX
from screen.core.errors import CampaignError
from screen.core.protocols import Completed, Slots

TOPIC = "thermoscreen-stage"
SLOTS_S = 2.0  # each look at the workers is a round trip to the scheduler
RESULT_S = 30.0  # for a result of some kilobytes
EMPTY_S = 60.0  # without any worker; a nanny starts one in seconds

CONFIG: dict[str, Any] = {
    # measured reasons: docs/architecture.md, "Dask settings"
    "distributed.scheduler.allowed-failures": 3,
    "distributed.scheduler.worker-ttl": "30 minutes",
    "distributed.scheduler.no-workers-timeout": "15 minutes",
    "distributed.worker.preload": ["screen.clusters._preload"],
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": 0.85,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.comm.timeouts.connect": "60s",
    # a link that is down for a minute or two costs nothing; a host without power shows after this
    "distributed.comm.timeouts.tcp": "5 minutes",
    "distributed.admin.tick.limit": "30s",
}


def slots_of(client: Client) -> Slots:
    """Threads of the workers that take tasks, in all and by resource; who drains takes none."""
    # a client that has lost its scheduler for good knows no workers
    workers = client.scheduler_info(n_workers=-1).get("workers", {}).values()
    taking = [worker for worker in workers if worker["status"] == "running"]
    offering: Counter[str] = Counter()
    for worker in taking:
        offering.update(dict.fromkeys(worker["resources"], worker["nthreads"]))
    return Slots(sum(worker["nthreads"] for worker in taking), offering)


def run_on_worker(key: str, function: Callable[..., Any], *args: Any) -> Any:
    """Run a task on a Dask worker with what that worker offers."""
    worker = get_worker()

    def report(stage: str) -> None:
        worker.log_event(TOPIC, {"key": key, "stage": stage})

    return function(frozenset(worker.state.total_resources), report, *args)


class DaskWorkers:
    """Workers of a Dask cluster. One thread per worker process: slots = threads."""

    def __init__(
        self,
        client: Client,
        wanted: Collection[str],
        refill: Callable[[], None] = lambda: None,
        *,
        full: int = 0,
    ) -> None:
        """Use the workers of a client.

        ``refill`` is called when a ``wanted`` resource has had no worker for ``EMPTY_S``, or there
        have been less than ``full`` slots.
        """
        self._client = client
        self._address = client.scheduler_info(n_workers=0)["address"]
        self._wanted = frozenset(wanted)
        self._refill = refill
        self._full = full
        self._last_seen = time.monotonic()
        self._ended: Queue[tuple[str, Future[Any]]] = Queue()
        self._running: dict[str, Future[Any] | None] = {}  # None: being submitted
        self._stages: dict[str, str] = {}
        self._attempts: Counter[int] = Counter()  # by hash: names of 100,000 tasks take 30 MB
        self._slots = Slots(0, {})
        self._counted = float("-inf")
        client.subscribe_topic(TOPIC, self._reported)

    @property
    def slots(self) -> Slots:
        """Threads of all workers and of each resource's, asked for every ``SLOTS_S`` seconds.

        Raises
        ------
        CampaignError
            The scheduler is gone.
        """
        now = time.monotonic()
        if now - self._counted > SLOTS_S:
            self._check_scheduler()
            self._slots = slots_of(self._client)
            self._counted = now
            if self._wanted <= self._slots.offering.keys() and self._slots.total >= self._full:
                self._last_seen = now
            elif now - self._last_seen > EMPTY_S:
                self._refill()
                self._last_seen = now
        return self._slots

    def need(self, tasks: Mapping[str, int]) -> None:
        """Nothing follows the work here: these workers were all there from the start."""

    def submit(self, key: str, resource: str, function: Callable[..., Any], *args: Any) -> None:
        """Submit under a Dask key of the task and of how often this driver has submitted it.

        A task submitted again must not meet its old error. One that a killed driver left running
        on a scheduler that outlives it (``_outliving``) has the key of a first attempt: this driver
        takes it over.

        Raises
        ------
        CampaignError
            The scheduler is gone.
        """
        # digest first: what comes before it names a group, which Dask keeps statistics of for ever
        name = f"{tokenize(function, *args)}-{key}"
        self._attempts[hash(name)] += 1
        self._running[key] = None  # its first report may be here before ``submit`` returns
        try:
            future = self._client.submit(
                run_on_worker,
                key,
                function,
                *args,
                key=f"{PREFIX}{name}-{self._attempts[hash(name)]}",
                resources={resource: 1},
            )
        except ClosedClientError as error:
            raise self._gone() from error
        self._running[key] = future
        future.add_done_callback(lambda done: self._ended.put((key, done)))

    def next_completed(self, timeout: float | None = None) -> Completed | None:
        """Wait for the next task to end.

        Raises
        ------
        CampaignError
            No worker offers the resource that a task needs, or the scheduler is gone.
        """
        self._check_scheduler()  # with it all futures are cancelled: no task lost its worker
        try:
            key, future = self._ended.get(timeout=timeout)
        except Empty:
            return None
        self._running.pop(key, None)
        completed = self._completed(key, future)
        self._stages.pop(key, None)
        future.release()
        return completed

    def stages(self) -> Mapping[str, str]:
        """Stage that each running task has last reported."""
        return dict(self._stages)

    def _check_scheduler(self) -> None:
        if self._client.status in ("closing", "closed"):
            raise self._gone()

    def _gone(self) -> CampaignError:
        return CampaignError(
            f"the Dask scheduler at {self._address} is gone; start it and its workers again, then "
            "run the same command: it goes on where this one ended"
        )

    def _completed(self, key: str, future: Future[Any]) -> Completed:
        if future.status == "finished":
            try:
                return Completed(key, future.result(timeout=RESULT_S))
            except (TimeoutError, CancelledError, KilledWorker):
                # the worker died when it was done, and its result with it
                return Completed(key, lost=True)
        if future.status != "error":  # cancelled or lost with its worker
            return Completed(key, lost=True)
        error = future.exception(timeout=RESULT_S)
        if isinstance(error, KilledWorker):
            return Completed(key, lost=True)
        if isinstance(error, NoValidWorkerError | NoWorkerError):
            raise CampaignError(
                f"no worker offers what the task needs ({error}); start workers with that "
                "resource or change [cluster]"
            ) from error
        return Completed(key, error=error)

    def _reported(self, event: tuple[float, Mapping[str, str]]) -> None:
        _, message = event
        if message["key"] in self._running:
            self._stages[message["key"]] = message["stage"]
