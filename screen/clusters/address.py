"""Workers of a Dask scheduler that already runs, e.g. ``tcp://host:8786`` or ``tls://…``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client

from screen.clusters._dask import CONFIG, DaskWorkers
from screen.core.errors import CampaignError
from screen.core.protocols import Workers
from screen.core.settings import Positive, Settings, validated

POLL_S = 0.2  # between looks at the workers


class AddressOptions(Settings):
    """Options of the address cluster."""

    scheduler: str
    wait_s: Positive = 60.0  # for the scheduler, and for a worker of each resource


@contextmanager
def connect(options: Mapping[str, Any], resources: Sequence[str]) -> Iterator[Workers]:
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
            _wait_for_workers(client, chosen, resources)
            yield DaskWorkers(client)


def _wait_for_workers(client: Client, chosen: AddressOptions, resources: Sequence[str]) -> None:
    """Wait until each resource is offered: a task for which none is would wait for ever."""
    deadline = time.monotonic() + chosen.wait_s
    while missing := set(resources) - _offered(client):
        if time.monotonic() > deadline:
            wanted = " ".join(f"{name}=1" for name in resources)
            raise CampaignError(
                f"the scheduler at {chosen.scheduler} has no worker that offers "
                f"{' or '.join(sorted(missing))}; start workers with "
                f'`dask worker {chosen.scheduler} --nthreads 1 --resources "{wanted}"`'
            )
        time.sleep(POLL_S)


def _offered(client: Client) -> set[str]:
    """Resources of all workers."""
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return {name for worker in workers for name in worker["resources"]}
