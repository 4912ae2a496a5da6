"""Workers of a Dask scheduler that already runs, e.g. ``tcp://host:8786`` or ``tls://…``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client

from screen.clusters._dask import CONFIG, DaskWorkers
from screen.core.errors import CampaignError, SettingsError
from screen.core.protocols import Workers
from screen.core.settings import Settings


class AddressOptions(Settings):
    """Options of the address cluster."""

    scheduler: str
    wait_s: float = 60.0  # for the first worker


@contextmanager
def connect(options: Mapping[str, Any], resources: Sequence[str]) -> Iterator[Workers]:
    """Join a scheduler whose workers were started with ``--resources "cpu=1 model:<family>=1"``.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    CampaignError
        The scheduler does not answer, or has no worker.
    """
    try:
        chosen = AddressOptions.model_validate(dict(options))
    except ValueError as error:
        raise SettingsError(f"[cluster] address: {error}") from error
    with dask.config.set(CONFIG):
        try:
            client = Client(chosen.scheduler, timeout=chosen.wait_s)
        except (OSError, TimeoutError, ValueError) as error:
            raise CampaignError(
                f"no Dask scheduler answers at {chosen.scheduler}: {error}; start one with "
                "`dask scheduler` or correct [cluster] scheduler"
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=chosen.wait_s)
            except TimeoutError as error:
                raise CampaignError(
                    f"the scheduler at {chosen.scheduler} has no workers; start them with "
                    f'`dask worker {chosen.scheduler} --resources "{_wanted(resources)}"`'
                ) from error
            yield DaskWorkers(client)


def _wanted(resources: Sequence[str]) -> str:
    return " ".join(f"{name}=1" for name in resources)
