"""Kubernetes: a scheduler and a group of worker pods per kind, made by the Dask operator.

Manifests and calls are our own, by kr8s: ``KubeCluster`` of dask-kubernetes speaks plain TCP to its
scheduler, and the operator's autoscaler asks that scheduler without a certificate. The operator's
own part, from a ``DaskWorkerGroup`` to pods, needs neither.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dask

from screen.clusters._dask import CONFIG
from screen.clusters._growing import GrowingWorkers, units_wanted
from screen.clusters._kubernetes_api import Api, AwayError
from screen.clusters._kubernetes_manifests import (
    COMM,
    DRIVER_LABEL,
    PodOptions,
    SharedOptions,
    cluster_manifest,
    group_manifest,
    owned,
    secret_manifest,
    worker_pod,
)
from screen.clusters._security import write_certificates
from screen.clusters.address import client_of
from screen.core.errors import CampaignError
from screen.core.protocols import WorkerKind, Workers
from screen.core.settings import Positive, validated

CPU = "cpu"
IDLE_S = 120.0  # a group without work is kept so long
QUEUE = {"distributed.scheduler.no-workers-timeout": None}  # nodes may have to be added first


class KubernetesOptions(SharedOptions):
    """Options of the kubernetes cluster."""

    model: PodOptions  # pods that evaluate a potential; each of a campaign's has its own
    cpu: PodOptions | None = None  # pods for all else; None: those of the potential do it
    namespace: str = "default"
    scheduler: str | None = None  # its address as the driver reaches it; None: as the pods do
    wait_s: Positive = 300.0  # for the scheduler; its image may have to be pulled


@dataclass(frozen=True)
class Kind:
    """Worker pods that are alike."""

    resources: tuple[str, ...]
    options: PodOptions
    python: Path


OPTIONS = KubernetesOptions


@contextmanager
def connect(options: Mapping[str, Any], kinds: Sequence[WorkerKind]) -> Iterator[Workers]:
    """Create a cluster of the Dask operator, and remove it with the context.

    Raises
    ------
    SettingsError
        An option is unknown or wrong.
    CampaignError
        kr8s or the operator is not installed, Kubernetes refuses a manifest, a pod cannot start,
        or the scheduler does not answer.
    """
    chosen = validated(KubernetesOptions, options, "[cluster] kubernetes")
    name = f"thermoscreen-{secrets.token_hex(4)}"
    api, groups = Api(chosen.namespace), kinds_of(chosen, kinds)
    with dask.config.set({**CONFIG, **QUEUE}), TemporaryDirectory() as folder:
        files = write_certificates(Path(folder) / "tls")
        pods = _Pods(api, name, groups)
        owner = driver_pod()
        if owner is not None:  # what this pod made before it was killed and started again
            api.delete_labelled("DaskCluster", DRIVER_LABEL, owner["uid"])
        try:
            api.create(owned(secret_manifest(name, files), owner))
            cluster = cluster_manifest(name, chosen, chosen.cpu or chosen.model)
            api.create(owned(cluster, owner))
            for number, kind in enumerate(groups):
                pod = worker_pod(name, chosen, kind.options, kind.resources, kind.python)
                api.create(group_manifest(name, number, pods.replicas[number], pod))
            address = chosen.scheduler or f"tls://{name}-scheduler.{chosen.namespace}:{COMM}"
            _wait_for_scheduler(api, name, chosen.wait_s)
            with client_of(address, files, chosen.wait_s) as client:
                wanted = {resource for kind in groups for resource in kind.resources}
                yield GrowingWorkers(client, wanted, pods.tend)
        finally:
            for number in range(len(groups)):
                api.delete("DaskWorkerGroup", f"{name}-{number}")
            api.delete("DaskCluster", name)
            api.delete("Secret", f"{name}-tls")


def kinds_of(options: KubernetesOptions, kinds: Sequence[WorkerKind]) -> list[Kind]:
    """Pods of each potential's environment, and pods for the processor where they are asked for."""
    found = []
    for kind in kinds:
        resources = tuple(r for r in kind.resources if options.cpu is None or r != CPU)
        found.append(Kind(resources, options.model, kind.python))
    if options.cpu is not None:
        found.append(Kind((CPU,), options.cpu, Path(sys.executable)))
    return found


def driver_pod() -> dict[str, str] | None:
    """Name and uid of the pod that this process runs in, if the manifest tells them."""
    name, uid = os.environ.get("POD_NAME"), os.environ.get("POD_UID")
    return {"name": name, "uid": uid} if name and uid else None


class _Pods:
    """Numbers of pods of each kind."""

    def __init__(self, api: Api, name: str, kinds: Sequence[Kind]) -> None:
        self._api, self._name, self._kinds = api, name, kinds
        self.replicas = [self._wanted(kind, None) for kind in kinds]
        self._worked = [time.monotonic()] * len(kinds)

    def tend(self, tasks: Mapping[str, int] | None) -> None:
        """Grow with the tasks; shrink only a kind without any: the operator may end a busy pod.

        Raises
        ------
        CampaignError
            A pod cannot start, and will not by waiting.
        """
        with suppress(AwayError):  # asked again soon; what runs goes on without Kubernetes' API
            self._tend(tasks)

    def _tend(self, tasks: Mapping[str, int] | None) -> None:
        """Look at the pods, then set the numbers."""
        self._api.check_pods(self._name)
        now = time.monotonic()
        for number, kind in enumerate(self._kinds):
            wanted = self._wanted(kind, tasks)
            idle = tasks is not None and not any(tasks.get(name, 0) for name in kind.resources)
            if not idle:
                self._worked[number] = now
            shrink = wanted < self.replicas[number] and now - self._worked[number] > IDLE_S
            if wanted > self.replicas[number] or shrink:
                self._api.scale("DaskWorkerGroup", f"{self._name}-{number}", wanted)
                self.replicas[number] = wanted

    @staticmethod
    def _wanted(kind: Kind, tasks: Mapping[str, int] | None) -> int:
        options = kind.options
        return units_wanted(tasks, kind.resources, 1, options.min_pods, options.max_pods)


def _wait_for_scheduler(api: Api, name: str, wait_s: float) -> None:
    """Wait until the scheduler's pod is ready.

    Raises
    ------
    CampaignError
        It cannot start, or is not ready in time.
    """
    deadline = time.monotonic() + wait_s
    while not api.ready(name, "scheduler"):
        api.check_pods(name)
        if time.monotonic() > deadline:
            raise CampaignError(
                f"the scheduler of {name} is not ready after {wait_s:g} s; is the Dask operator "
                "running? (deploy/README.md)"
            )
        time.sleep(0.5)
