"""Slurm: jobs of GPU and CPU workers under one scheduler, as many as the work needs.

dask-jobqueue 0.9 makes one kind of job per cluster object and gives each its own scheduler; it
neither starts another interpreter per kind nor ends a worker in time for the running task. Jobs
of all kinds join one scheduler here, in the driver or started apart.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Scheduler, SpecCluster
from pydantic import model_validator

from screen.clusters._dask import CONFIG
from screen.clusters._growing import GrowingWorkers
from screen.clusters._outliving import TasksOutliveDrivers
from screen.clusters._security import NAMES, SecurityFiles, check_encrypted, temporary_certificates
from screen.clusters._slurm_jobs import Group, Jobs
from screen.clusters._slurm_script import JobOptions, Place, job_script
from screen.clusters.address import client_of
from screen.core.errors import CampaignError, SettingsError
from screen.core.folders import data_folder
from screen.core.protocols import WorkerKind, Workers
from screen.core.settings import Positive, Settings, validated

CPU = "cpu"
CLOSE_S = 20
QUEUE = {"distributed.scheduler.no-workers-timeout": None}  # the queue may be long


class SlurmOptions(Settings):
    """Options of the slurm cluster."""

    model: JobOptions  # jobs that evaluate a potential; each of a campaign's has its own
    cpu: JobOptions | None = None  # jobs for all else; None: those of the potential do it
    host: str | None = None  # of the scheduler, as the nodes reach it
    interface: str | None = None  # network of scheduler and workers, e.g. "ib0"
    port: int = 0  # of the scheduler; 0: any
    folder: Path | None = None  # logs and certificates; None: in the user's data folder
    scheduler: str | None = None  # one that runs already; None: in the driver
    security: SecurityFiles | None = None  # of that one
    wait_s: Positive = 60.0  # for that one

    @model_validator(mode="after")
    def _either_here_or_there(self) -> SlurmOptions:
        if (self.scheduler is None) != (self.security is None):
            raise ValueError("scheduler and security (ca, cert, key) go together")
        return self


OPTIONS = SlurmOptions


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Submit jobs for each kind of worker, and cancel all of them with the context.

    Returns before a job runs: the queue may be long.

    Raises
    ------
    SettingsError
        An option is unknown or wrong, or the folder cannot be written.
    CampaignError
        Slurm is not here or refuses the jobs, or the scheduler does not answer.
    """
    chosen = validated(SlurmOptions, options, "[cluster] slurm")
    name = f"thermoscreen-{secrets.token_hex(4)}"
    folder = (chosen.folder or data_folder() / "slurm").expanduser().absolute() / _stamp(name)
    with dask.config.set({**CONFIG, **QUEUE}), _scheduler(chosen, folder) as (client, files):
        place = Place(name, client.scheduler_info()["address"], folder, files, chosen.interface)
        groups = groups_of(chosen, kinds, place)
        jobs = Jobs(name, folder, groups, client)
        wanted = {resource for group in groups for resource in group.resources}
        try:
            jobs.tend(None)
            yield GrowingWorkers(client, wanted, jobs.tend)
        finally:
            jobs.cancel()


def example_scripts(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> list[str]:
    """Text of each kind of job that ``connect`` would submit, with an address as an example.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    """
    chosen = validated(SlurmOptions, options, "[cluster] slurm")
    folder = chosen.folder or data_folder() / "slurm"
    names = {part: folder / file for part, file in NAMES.items()}
    place = Place(
        "thermoscreen-example",
        "tls://driver:8786",
        folder,
        SecurityFiles(**names),
        chosen.interface,
    )
    return [group.script for group in groups_of(chosen, kinds, place)]


def groups_of(options: SlurmOptions, kinds: Sequence[WorkerKind], place: Place) -> list[Group]:
    """Jobs of each potential's environment, and jobs for the processor where they are asked for."""
    groups = []
    for kind in kinds:
        apart = options.cpu is not None
        resources = tuple(name for name in kind.resources if not (apart and name == CPU))
        script = job_script(place, options.model, resources, kind.python)
        groups.append(Group(resources, options.model, script))
    if options.cpu is not None:
        script = job_script(place, options.cpu, (CPU,), kinds[0].python)
        groups.append(Group((CPU,), options.cpu, script))
    return groups


@contextmanager
def _scheduler(options: SlurmOptions, folder: Path) -> Iterator[tuple[Client, SecurityFiles]]:
    """Join the scheduler that was named, or start one in this process with its own certificates."""
    if options.scheduler is not None and options.security is not None:
        check_encrypted(options.scheduler, insecure=False)
        try:
            folder.mkdir(mode=0o700, parents=True)
        except OSError as error:
            raise SettingsError(f"cannot write logs to {folder}: {error.strerror}") from error
        with client_of(options.scheduler, options.security, options.wait_s) as client:
            client.register_plugin(TasksOutliveDrivers())
            yield client, options.security
        return
    with temporary_certificates(folder) as files:
        security = files.security
        here = {"host": options.host, "interface": options.interface, "port": options.port}
        _check_host(options)
        unset = {key: value for key, value in here.items() if value is not None}
        try:
            cluster = SpecCluster(
                scheduler={
                    "cls": Scheduler,
                    "options": {
                        "protocol": "tls",
                        "security": security,
                        "dashboard_address": "127.0.0.1:0",
                        **unset,
                    },
                },
                workers={},
                security=security,
                silence_logs=logging.ERROR,  # a worker that comes or goes is no news
                name="thermoscreen",
            )
        except (OSError, ValueError, RuntimeError) as error:
            raise _cannot_listen(options, error) from error
        client = Client(cluster)
        try:
            yield client, files
        finally:
            with suppress(TimeoutError, AssertionError, OSError):
                # results are stored before this point: a failing teardown loses nothing
                client.close(timeout=CLOSE_S)
                cluster.close(timeout=CLOSE_S)


def _check_host(options: SlurmOptions) -> None:
    """Try the host and port that were named: Dask says no more than that it failed to start."""
    if options.host is None:
        return
    try:
        family = socket.getaddrinfo(options.host, options.port)[0][0]
        socket.create_server((options.host, options.port), family=family).close()
    except OSError as error:
        raise _cannot_listen(options, error) from error


def _cannot_listen(options: SlurmOptions, error: Exception) -> CampaignError:
    where = f"host {options.host}, interface {options.interface}, port {options.port}"
    return CampaignError(
        f"the scheduler cannot listen at {where}: {error}; correct [cluster] host, interface or "
        "port"
    )


def _stamp(name: str) -> str:
    """Name of a run's folder: time first, for a listing in order."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{name.rpartition('-')[2]}-{os.getpid()}"
