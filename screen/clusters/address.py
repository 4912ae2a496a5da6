"""Workers of a Dask scheduler that already runs, e.g. ``tcp://host:8786`` or ``tls://…``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client

from screen.clusters._dask import CONFIG, DaskWorkers, threads_offering
from screen.core.errors import CampaignError
from screen.core.protocols import WorkerKind, Workers
from screen.core.settings import Positive, Settings, validated

POLL_S = 0.2  # between looks at the workers


class AddressOptions(Settings):
    """Options of the address cluster."""

    scheduler: str
    wait_s: Positive = 60.0  # for the scheduler, and for a worker of each resource


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Join a scheduler whose workers were started with ``--resources "cpu=1 model:<family>=1"``.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    CampaignError
        The scheduler does not answer, or no worker offers one of the resources.
    """
    chosen = validated(AddressOptions, options, "[cluster] address")
    with dask.config.set(CONFIG):
        try:
            client = Client(chosen.scheduler, timeout=chosen.wait_s)
        except (OSError, TimeoutError, ValueError, TypeError) as error:  # TypeError: TLS unset
            raise CampaignError(
                f"no Dask scheduler answers at {chosen.scheduler}: {error}; start one with "
                "`dask scheduler` or correct [cluster] scheduler"
            ) from error
        with client:
            _wait_for_workers(client, chosen, kinds)
            yield DaskWorkers(client, {name for kind in kinds for name in kind.resources})


def _wait_for_workers(client: Client, chosen: AddressOptions, kinds: Sequence[WorkerKind]) -> None:
    """Wait until each resource is offered: a task for which none is would wait for ever."""
    wanted = {name for kind in kinds for name in kind.resources}
    deadline = time.monotonic() + chosen.wait_s
    while missing := wanted - threads_offering(client).keys():
        if time.monotonic() > deadline:
            commands = " and ".join(
                _worker_command(kind, chosen.scheduler)
                for kind in kinds
                if missing.intersection(kind.resources)
            )
            raise CampaignError(
                f"the scheduler at {chosen.scheduler} has no worker that offers "
                f"{' or '.join(sorted(missing))}; start workers with {commands}"
            )
        time.sleep(POLL_S)


def _worker_command(kind: WorkerKind, scheduler: str) -> str:
    """Command line of a worker, where the interpreter has the same path."""
    offered = " ".join(f"{name}=1" for name in kind.resources)
    return f'`{kind.python} -m dask worker {scheduler} --nthreads 1 --resources "{offered}"`'
