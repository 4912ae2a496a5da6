"""Manifests of a run in Kubernetes, for the Dask operator: pure functions from options to dicts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from screen.clusters._processes import thread_environment
from screen.clusters._security import NAMES, SecurityFiles
from screen.core.settings import Settings

GROUP = "kubernetes.dask.org/v1"
TLS = Path("/etc/thermoscreen/tls")  # where pods find the certificates
COMM = 8786
PORTS = (("tcp-comm", COMM), ("http-dashboard", 8787))  # the operator looks for both names
DRIVER_LABEL = "thermoscreen/driver-pod"  # its value: the uid
Manifest = dict[str, Any]


class PodOptions(Settings):
    """What one worker pod of a kind asks for; it is one process of one thread."""

    cpus: Annotated[int, Field(ge=1)] = 1
    memory: Annotated[str, Field(pattern=r"^[1-9]\d*(Mi|Gi|Ti)$")]  # e.g. "16Gi"
    gpus: Annotated[int, Field(ge=0)] = 0
    gpu_resource: str = "nvidia.com/gpu"
    min_pods: Annotated[int, Field(ge=0)] = 0
    max_pods: Annotated[int, Field(ge=1)] = 4
    node_selector: dict[str, str] = Field(default_factory=dict)
    tolerations: tuple[dict[str, str], ...] = ()

    @model_validator(mode="after")
    def _rises(self) -> PodOptions:
        if self.min_pods > self.max_pods:
            raise ValueError(f"min_pods = {self.min_pods} exceeds max_pods = {self.max_pods}")
        return self


class SharedOptions(Settings):
    """What all pods of a run share."""

    image: str
    claim: str  # PersistentVolumeClaim that holds the run folder, for reading and writing by many
    mount: Path  # where the driver and all pods see it
    group: int = 1000  # of the image's user, who must read the certificates
    environment: dict[str, str] = Field(default_factory=dict)


def secret_manifest(name: str, files: SecurityFiles) -> Manifest:
    """Certificates of a run."""
    paths = {"ca": files.ca, "cert": files.cert, "key": files.key}
    data = {NAMES[part]: base64.b64encode(path.read_bytes()) for part, path in paths.items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": f"{name}-tls"},
        "type": "Opaque",
        "data": {file: text.decode("ascii") for file, text in data.items()},
    }


def cluster_manifest(name: str, shared: SharedOptions, worker: PodOptions) -> Manifest:
    """Scheduler with its service, and the group of workers that the operator insists on, empty.

    That group cannot be of another kind than the rest, or left out: each kind has its own.
    """
    python = "python"
    listen = ["--host", "0.0.0.0", "--port", str(COMM), "--protocol", "tls", "--no-dashboard"]
    scheduler = _pod(name, shared, "scheduler", [python, "-m", "screen.clusters", "scheduler"])
    container = scheduler["containers"][0]
    container["args"] = [*listen, *_arguments()]
    container["ports"] = [
        {"name": port, "containerPort": number, "protocol": "TCP"} for port, number in PORTS
    ]
    container["readinessProbe"] = {"tcpSocket": {"port": "tcp-comm"}, "periodSeconds": 5}
    selector = {"dask.org/cluster-name": name, "dask.org/component": "scheduler"}
    return {
        "apiVersion": GROUP,
        "kind": "DaskCluster",
        "metadata": {"name": name},
        "spec": {
            "scheduler": {
                "spec": scheduler,
                "service": {
                    "type": "ClusterIP",
                    "selector": selector,
                    "ports": [
                        {"name": port, "protocol": "TCP", "port": number, "targetPort": port}
                        for port, number in PORTS
                    ],
                },
            },
            "worker": {
                "replicas": 0,
                "spec": worker_pod(name, shared, worker, ("none",), Path(python)),
            },
        },
    }


def group_manifest(name: str, number: int, replicas: int, pod: Manifest) -> Manifest:
    """Workers of one kind; ``number`` tells the kinds of a run apart."""
    return {
        "apiVersion": GROUP,
        "kind": "DaskWorkerGroup",
        "metadata": {
            "name": f"{name}-{number}",
            "labels": {"dask.org/cluster-name": name, "dask.org/component": "workergroup"},
        },
        "spec": {"cluster": name, "worker": {"replicas": replicas, "spec": pod}},
    }


def worker_pod(
    name: str,
    shared: SharedOptions,
    options: PodOptions,
    resources: tuple[str, ...],
    python: Path,
) -> Manifest:
    """Pod of one worker, which the operator names."""
    pod = _pod(name, shared, "worker", [str(python), "-P", "-m", "screen.clusters", "worker"])
    container = pod["containers"][0]
    container["args"] = [
        f"tls://{name}-scheduler:{COMM}",
        *("--name", "$(DASK_WORKER_NAME)"),
        *("--resources", " ".join(f"{resource}=1" for resource in resources)),
        *("--memory-limit", f"{options.memory}B"),
        *_arguments(),
    ]
    container["env"] += _environment(thread_environment(options.cpus, 1))
    asked = {"cpu": str(options.cpus), "memory": options.memory}
    if options.gpus:
        asked[options.gpu_resource] = str(options.gpus)
    container["resources"] = {"requests": asked, "limits": asked}
    container["volumeMounts"].append({"name": "scratch", "mountPath": "/tmp"})
    pod["volumes"].append({"name": "scratch", "emptyDir": {}})
    if options.node_selector:
        pod["nodeSelector"] = dict(options.node_selector)
    if options.tolerations:
        pod["tolerations"] = [dict(item) for item in options.tolerations]
    return pod


def owned(manifest: Manifest, owner: Mapping[str, str] | None) -> Manifest:
    """Return the manifest as a dependant of the driver's pod, which it then ends with."""
    if owner is None:
        return manifest
    metadata = manifest["metadata"]
    labels = {**metadata.get("labels", {}), DRIVER_LABEL: owner["uid"]}
    reference = {"apiVersion": "v1", "kind": "Pod", "name": owner["name"], "uid": owner["uid"]}
    owners = {"ownerReferences": [reference], "labels": labels}
    return {**manifest, "metadata": {**metadata, **owners}}


def _pod(name: str, shared: SharedOptions, role: str, command: list[str]) -> Manifest:
    return {
        "containers": [
            {
                "name": role,
                "image": shared.image,
                "command": command,
                "env": _environment(shared.environment),
                "workingDir": str(shared.mount),
                "securityContext": {"allowPrivilegeEscalation": False},
                "volumeMounts": [
                    {"name": "run", "mountPath": str(shared.mount)},
                    {"name": "tls", "mountPath": str(TLS), "readOnly": True},
                ],
            }
        ],
        "securityContext": {"fsGroup": shared.group},
        "volumes": [
            {"name": "run", "persistentVolumeClaim": {"claimName": shared.claim}},
            # 0o440: the group is fsGroup
            {"name": "tls", "secret": {"secretName": f"{name}-tls", "defaultMode": 0o440}},
        ],
    }


def _environment(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": key, "value": value} for key, value in values.items()]


def _arguments() -> tuple[str, ...]:
    """Options that name the certificates as the pods see them."""
    return SecurityFiles(**{part: TLS / file for part, file in NAMES.items()}).arguments
