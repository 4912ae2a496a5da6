"""An API server and a Dask operator: objects over HTTP, pods as real processes of this machine.

Manifests are validated against the definitions that the operator's package carries. A pod's command
runs as it is written, apart from what a pod has and a process has not: its file system (the mounts
of its secret) and the names of its services.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import yaml
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
CRDS = "operator/deployment/helm/dask-kubernetes-operator/crds"
PATH = re.compile(
    r"/(?:api|apis)/(?P<version>[^?]+)/namespaces/here/(?P<plural>\w+)(?:/(?P<name>[\w-]+))?"
)


def problems_of(manifest: dict[str, Any]) -> list[str]:
    """What the definition of a custom resource refuses; unknown fields, too."""
    file = {"DaskCluster": "daskcluster", "DaskWorkerGroup": "daskworkergroup"}[manifest["kind"]]
    definition = yaml.safe_load((files("dask_kubernetes") / CRDS / f"{file}.yaml").read_text())
    schema = closed(
        definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    )
    found = Draft202012Validator(schema).iter_errors(manifest["spec"])
    return [f"spec.{'.'.join(map(str, e.absolute_path))}: {e.message}" for e in found]


def closed(schema: Any) -> Any:
    """Schema that refuses fields it does not know, as ``kubectl --validate=strict`` does."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    shut = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        shut.setdefault("additionalProperties", False)
    return shut


class Kubernetes:
    """The objects, and the processes of the pods."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port  # of the scheduler, on this machine
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.pods: dict[str, subprocess.Popen[bytes]] = {}
        self.labels: dict[str, dict[str, str]] = {}
        self.waiting: dict[str, Any] = {}  # state of all containers, if they are to fail
        self.installed = True
        self.away = False
        self.log: list[str] = []
        self.lock = threading.RLock()

    def create(self, plural: str, manifest: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        name = manifest["metadata"]["name"]
        if plural.startswith("dask"):
            if not self.installed:
                return 404, {"message": "the server could not find the requested resource"}
            if problems := problems_of(manifest):
                return 422, {"message": f"{manifest['kind']} {name} is invalid: {problems[0]}"}
        elif plural == "secrets":
            for file, text in manifest["data"].items():
                (self.folder / file).write_bytes(base64.b64decode(text))
        self.objects[plural, name] = manifest
        if plural == "daskclusters":
            self.start(
                name, f"{name}-scheduler", "scheduler", manifest["spec"]["scheduler"]["spec"]
            )
        elif plural == "daskworkergroups":
            self.reconcile(manifest)
        return 201, manifest

    def patch(self, plural: str, name: str, change: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        group = self.objects[plural, name]
        group["spec"]["worker"]["replicas"] = change["spec"]["worker"]["replicas"]
        self.reconcile(group)
        return 200, group

    def reconcile(self, group: dict[str, Any]) -> None:
        """Start and end pods as the operator does."""
        name, spec = group["metadata"]["name"], group["spec"]
        here = sorted(pod for pod in self.pods if pod.startswith(f"{name}-worker"))
        for pod in here[spec["worker"]["replicas"] :]:
            self.end(pod)
        for number in range(len(here), spec["worker"]["replicas"]):
            self.start(spec["cluster"], f"{name}-worker-{number}", "worker", spec["worker"]["spec"])

    def start(self, cluster: str, pod: str, component: str, spec: dict[str, Any]) -> None:
        (container,) = spec["containers"]
        given = {item["name"]: item["value"] for item in container["env"]}
        given["DASK_WORKER_NAME"] = pod
        words = [
            self.local(word, cluster, given) for word in [*container["command"], *container["args"]]
        ]
        words = [sys.executable if word == "python" else word for word in words]
        self.labels[pod] = {"dask.org/cluster-name": cluster, "dask.org/component": component}
        environment = {**os.environ, **given, "PYTHONPATH": str(ROOT)}
        log = (self.folder / f"{pod}.log").open("wb")
        with log:
            self.pods[pod] = subprocess.Popen(
                words, env=environment, stdout=log, stderr=log, cwd=ROOT
            )

    def local(self, word: str, cluster: str, environment: dict[str, str]) -> str:
        """A pod's word on this machine."""
        word = re.sub(r"\$\((\w+)\)", lambda match: environment[match[1]], word)
        word = word.replace("/etc/thermoscreen/tls", str(self.folder))
        word = word.replace(f"{cluster}-scheduler:8786", f"127.0.0.1:{self.port}")
        return {"0.0.0.0": "127.0.0.1", "8786": str(self.port)}.get(word, word)

    def delete(self, plural: str, name: str) -> tuple[int, dict[str, Any]]:
        if self.objects.pop((plural, name), None) is None:
            return 404, {"message": f"{plural} {name} not found"}
        for pod in [pod for pod in self.pods if pod.startswith(name) and plural != "secrets"]:
            self.end(pod)
        return 200, {}

    def end(self, pod: str) -> None:
        process = self.pods.pop(pod)
        process.terminate()
        process.wait(timeout=30)

    def labelled(self, plural: str, query: str) -> dict[str, Any]:
        key, value = unquote(query.partition("labelSelector=")[2].partition("&")[0]).split("=")
        items = [
            thing
            for (kind, _), thing in self.objects.items()
            if kind == plural and thing["metadata"].get("labels", {}).get(key) == value
        ]
        return {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}

    def listed(self, cluster: str) -> dict[str, Any]:
        items = [
            {
                "metadata": {"name": pod, "namespace": "here", "labels": self.labels[pod]},
                "status": {
                    "conditions": [{"type": "Ready", "status": str(not self.waiting)}],
                    "containerStatuses": [{"restartCount": 9, "state": self.waiting}],
                },
            }
            for pod in self.pods
            if self.labels[pod]["dask.org/cluster-name"] == cluster
        ]
        return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}


@contextmanager
def kubernetes(folder: Path, port: int) -> Iterator[tuple[Kubernetes, Path]]:
    """Serve until the context ends; yields the state and a kubeconfig."""
    folder.mkdir()
    state = Kubernetes(folder, port)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length) or b"{}")
            with state.lock:
                state.log.append(f"{self.command} {self.path}")
                code, content = self.content(body)
            text = json.dumps(content).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def content(  # noqa: PLR0911 - one answer per verb
            self, body: dict[str, Any]
        ) -> tuple[int, dict[str, Any]]:
            path, _, query = self.path.partition("?")
            match = PATH.fullmatch(path)
            if state.away:
                return 503, {"message": "apiserver is shutting down"}
            if path == "/version/":
                return 200, {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
            if match is None:
                return 404, {"message": f"no {self.path}"}
            plural, name = match["plural"], match["name"]
            if self.command == "POST":
                return state.create(plural, body)
            if self.command == "PATCH":
                return state.patch(plural, name, body)
            if self.command == "DELETE":
                return state.delete(plural, name)
            if plural == "daskclusters":
                return 200, state.labelled(plural, query)
            cluster = re.search(r"cluster-name%3D([\w-]+)", query)
            assert cluster is not None, self.path
            return 200, state.listed(cluster[1])

        do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = folder / "kubeconfig"
    address = f"http://127.0.0.1:{server.server_port}"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "here",
                "clusters": [{"name": "here", "cluster": {"server": address}}],
                "users": [{"name": "me", "user": {"token": "t"}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            }
        )
    )
    try:
        yield state, config
    finally:
        for pod in list(state.pods):
            state.end(pod)
        server.shutdown()
        server.server_close()
