"""Workers of a Dask scheduler that already runs, e.g. ``tls://host:8786``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dask
from distributed import Client

from screen.clusters._dask import CONFIG, DaskWorkers, slots_of
from screen.clusters._outliving import TasksOutliveDrivers
from screen.clusters._security import SecurityFiles, check_encrypted
from screen.core.errors import CampaignError
from screen.core.protocols import WorkerKind, Workers
from screen.core.settings import Positive, Settings, validated

POLL_S = 0.2  # between looks at the workers


class AddressOptions(Settings):
    """Options of the address cluster."""

    scheduler: str
    security: SecurityFiles | None = None  # None: as Dask's own configuration says
    insecure: bool = False  # unencrypted beyond the loopback interface
    wait_s: Positive = 60.0  # for the scheduler, and for a worker of each resource


OPTIONS = AddressOptions


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Join a scheduler whose workers were started with ``--resources "cpu=1 model:<family>=1"``.

    Raises
    ------
    SettingsError
        An option is unknown or wrong, or the address is not encrypted.
    CampaignError
        The scheduler does not answer, or no worker offers one of the resources.
    """
    chosen = validated(AddressOptions, options, "[cluster] address")
    check_encrypted(chosen.scheduler, chosen.insecure)
    with (
        dask.config.set(CONFIG),
        client_of(chosen.scheduler, chosen.security, chosen.wait_s) as client,
    ):
        _wait_for_workers(client, chosen, kinds)
        wanted = {name for kind in kinds for name in kind.resources}
        client.register_plugin(TasksOutliveDrivers())
        yield DaskWorkers(client, wanted)


def client_of(scheduler: str, files: SecurityFiles | None, wait_s: float) -> Client:
    """Client of a scheduler that runs somewhere else.

    Raises
    ------
    SettingsError
        A certificate cannot be read.
    CampaignError
        It does not answer within ``wait_s`` seconds, wants a certificate, or refuses it.
    """
    security = None if files is None else files.security
    try:
        return Client(scheduler, security=security, timeout=wait_s)
    except TypeError as error:  # Dask's own configuration has no certificates either
        raise CampaignError(
            f"{scheduler} wants certificates: give [cluster] security = {{ ca, cert, key }}, the files "
            "of the scheduler; `python -m screen.clusters certificates FOLDER` makes new ones"
        ) from error
    except (OSError, TimeoutError, ValueError) as error:
        raise CampaignError(
            f"no Dask scheduler answers at {scheduler}: {error}; start one with "
            "`python -m screen.clusters scheduler`, or correct [cluster] scheduler and security"
        ) from error


def _wait_for_workers(client: Client, chosen: AddressOptions, kinds: Sequence[WorkerKind]) -> None:
    """Wait until each resource is offered: a task for which none is would wait for ever."""
    wanted = {name for kind in kinds for name in kind.resources}
    deadline = time.monotonic() + chosen.wait_s
    while missing := wanted - slots_of(client).offering.keys():
        if time.monotonic() > deadline:
            commands = " and ".join(
                f"`{worker_command(kind, chosen)}`"
                for kind in kinds
                if missing.intersection(kind.resources)
            )
            raise CampaignError(
                f"the scheduler at {chosen.scheduler} has no worker that offers "
                f"{' or '.join(sorted(missing))}; start workers with {commands}"
            )
        time.sleep(POLL_S)


def worker_command(kind: WorkerKind, chosen: AddressOptions) -> str:
    """Command line of a worker, where the interpreter and the certificates have the same paths."""
    offered = " ".join(f"{name}=1" for name in kind.resources)
    files = "" if chosen.security is None else " " + " ".join(chosen.security.arguments)
    return (
        f'{kind.python} -m screen.clusters worker {chosen.scheduler} --resources "{offered}"{files}'
    )
