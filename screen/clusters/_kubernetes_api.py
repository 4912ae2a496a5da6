"""The few calls to Kubernetes that a run makes, with errors that say what to do."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from screen.core.errors import CampaignError

LOGGER = logging.getLogger("thermoscreen.kubernetes")
DASK_KINDS = ("DaskCluster", "DaskWorkerGroup")
HOPELESS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError"}
)
"""Reasons for which a container waits until somebody changes something."""
CRASHES = 3  # restarts after which a container counts as broken


class AwayError(CampaignError):
    """Kubernetes does not answer now; it may later."""


class Api:
    """Objects of one namespace, as the service account or the kubeconfig allows."""

    def __init__(self, namespace: str) -> None:
        """Read the configuration.

        Raises
        ------
        CampaignError
            kr8s is not installed, or there is no configuration.
        """
        try:
            import kr8s
            from kr8s.objects import Pod, Secret, new_class
        except ImportError as error:
            raise CampaignError(
                f"{error}; install thermoscreen[kubernetes] to use that cluster"
            ) from error
        self._kr8s: Any = kr8s
        self._namespace = namespace
        with self._explained("reach Kubernetes"):
            # named, as kr8s keeps one connection per name, whatever the environment says later
            self._api = kr8s.api(kubeconfig=os.environ.get("KUBECONFIG"))
        version = "kubernetes.dask.org/v1"
        dask = {name: new_class(name, version, asyncio=False) for name in DASK_KINDS}
        self._classes: dict[str, Any] = {"Secret": Secret, "Pod": Pod, **dask}

    def create(self, manifest: dict[str, Any]) -> None:
        """Create an object.

        Raises
        ------
        CampaignError
            Kubernetes refuses it.
        """
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        with self._explained(f"create {kind} {name}"):
            self._object(kind, manifest).create()

    def scale(self, kind: str, name: str, replicas: int) -> None:
        """Set the number of replicas of a worker group."""
        with self._explained(f"scale {kind} {name}"):
            self._object(kind, name).patch({"spec": {"worker": {"replicas": replicas}}})

    def delete(self, kind: str, name: str) -> None:
        """Delete an object; one that is not there, or an API that is away, ends nothing."""
        try:
            with self._explained(f"delete {kind} {name}"):
                self._object(kind, name).delete()
        except CampaignError as error:
            LOGGER.info("%s", error)

    def delete_labelled(self, kind: str, label: str, value: str) -> None:
        """Delete the objects of a kind that have a label."""
        with self._explained(f"list each {kind}"):
            found = self._classes[kind].list(
                api=self._api, namespace=self._namespace, label_selector=f"{label}={value}"
            )
            names = [thing.name for thing in found]
        for name in names:
            self.delete(kind, name)

    def ready(self, cluster: str, component: str) -> bool:
        """Whether a pod of a cluster's component is ready."""
        return any(
            condition["type"] == "Ready" and condition["status"] == "True"
            for pod in self._pods(cluster)
            if pod["metadata"]["labels"]["dask.org/component"] == component
            for condition in pod.get("status", {}).get("conditions", ())
        )

    def check_pods(self, cluster: str) -> None:
        """Look for containers that will never start.

        Raises
        ------
        CampaignError
            There is one.
        """
        for pod in self._pods(cluster):
            for status in pod.get("status", {}).get("containerStatuses", ()):
                waiting = status.get("state", {}).get("waiting", {})
                reason, name = waiting.get("reason", ""), pod["metadata"]["name"]
                broken = reason == "CrashLoopBackOff" and status["restartCount"] >= CRASHES
                if reason in HOPELESS or broken:
                    raise CampaignError(
                        f"pod {name} cannot start: {reason}: {waiting.get('message', '')}; see "
                        f"`kubectl --namespace {self._namespace} logs {name}`"
                    )

    def _pods(self, cluster: str) -> list[dict[str, Any]]:
        selector = f"dask.org/cluster-name={cluster}"
        with self._explained(f"list the pods of {cluster}"):
            found = self._classes["Pod"].list(
                api=self._api, namespace=self._namespace, label_selector=selector
            )
            return [pod.raw for pod in found]

    def _object(self, kind: str, resource: Any) -> Any:
        return self._classes[kind](resource, namespace=self._namespace, api=self._api)

    @contextmanager
    def _explained(self, deed: str) -> Iterator[None]:
        """Turn errors of kr8s and its connection into one line."""
        import httpx

        kr8s = self._kr8s
        try:
            yield
        except kr8s.NotFoundError as error:
            raise CampaignError(f"cannot {deed}: {error}") from error
        except kr8s.ServerError as error:
            if error.response is None or error.response.status_code >= 500:
                raise AwayError(f"cannot {deed}: {error}") from error
            absent = error.response.status_code == 404
            way = "; is the Dask operator installed?" if absent and "Dask" in deed else ""
            raise CampaignError(f"cannot {deed}: {error}{way}") from error
        except (kr8s.APITimeoutError, kr8s.ConnectionClosedError, httpx.HTTPError) as error:
            raise AwayError(f"cannot {deed}: Kubernetes does not answer: {error}") from error
        except ValueError as error:  # no kubeconfig and no service account
            raise CampaignError(f"cannot {deed}: {error}") from error
