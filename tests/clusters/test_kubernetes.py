"""Kubernetes: manifests against their definitions, and a run against an API with real processes."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("kr8s", reason="pip install thermoscreen[kubernetes]")
pytest.importorskip("dask_kubernetes", reason="pip install dask-kubernetes: it has the definitions")

from screen.clusters import _growing
from screen.clusters import kubernetes as adapter
from screen.clusters._kubernetes_manifests import (
    PodOptions,
    SharedOptions,
    cluster_manifest,
    group_manifest,
    owned,
    worker_pod,
)
from screen.core.errors import CampaignError, SettingsError
from screen.core.protocols import WorkerKind
from screen.core.registry import find
from tests.clusters.fake_kubernetes import Kubernetes, kubernetes, problems_of
from tests.clusters.programs import ROOT, free_port
from tests.clusters.test_slurm import offer, result_of, until

KINDS = (WorkerKind(("cpu", "model:springs")),)
GPU = {"memory": "16Gi", "cpus": 4, "gpus": 1, "node_selector": {"gpu": "a100"}}
TOLERATION = {"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}
SHARED = SharedOptions(image="registry/thermoscreen:1", claim="runs", mount=Path("/data"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubernetes]:
    monkeypatch.setattr(_growing, "TEND_S", 0.2)
    with kubernetes(tmp_path / "pods", free_port()) as (state, config):
        monkeypatch.setenv("KUBECONFIG", str(config))
        yield state


def options(here: Kubernetes, **changes: Any) -> dict[str, Any]:
    given = {
        **{"namespace": "here", "image": "registry/thermoscreen:1", "claim": "runs"},
        **{"mount": str(ROOT), "scheduler": f"tls://127.0.0.1:{here.port}", "wait_s": 60},
        "model": {"memory": "1Gi"},
    }
    return {**given, **changes}


def connect(given: dict[str, Any]) -> Any:
    return find("clusters", "kubernetes").connect(given, KINDS)


def test_every_manifest_is_what_the_operator_s_definitions_allow() -> None:
    gpu = PodOptions.model_validate({**GPU, "tolerations": [TOLERATION]})
    pod = worker_pod("run", SHARED, gpu, ("model:mace",), Path(sys.executable))
    cluster = cluster_manifest("run", SHARED, PodOptions(memory="2Gi"))
    group = group_manifest("run", 0, 3, pod)
    for manifest in (cluster, group, owned(group, {"name": "driver", "uid": "1-2"})):
        assert problems_of(manifest) == []
    (container,) = group["spec"]["worker"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "1"}
    group["spec"]["worker"]["spec"]["containers"][0]["imagee"] = "x"
    assert "imagee" in problems_of(group)[0], "the check sees a misspelt field"


def test_kinds_have_groups_of_pods_that_follow_the_work_and_end_with_the_run(
    here: Kubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "IDLE_S", 0.5)
    monkeypatch.setenv("POD_NAME", "driver-x")
    monkeypatch.setenv("POD_UID", "u-1")
    left = owned(cluster_manifest("left", SHARED, PodOptions(memory="1Gi")), adapter.driver_pod())
    here.objects["daskclusters", "left"] = left  # by this pod, before it was started again
    with connect(options(here, model={**GPU, "max_pods": 2}, cpu={"memory": "1Gi"})) as workers:
        assert ("daskclusters", "left") not in here.objects
        until(workers, lambda _: workers.slots.total == 2)
        assert workers.slots.offering == {"model:springs": 1, "cpu": 1}
        for resource, threads in (("model:springs", "4"), ("cpu", "1")):
            workers.submit("a", resource, offer)
            assert result_of(workers).result == (frozenset({resource}), None, threads)
        workers.need({"model:springs": 9, "cpu": 1})
        until(workers, lambda _: workers.slots.offering.get("model:springs") == 2)
        here.away = True
        time.sleep(0.5)
        assert workers.slots.total == 3, "the API may be away for a while"
        here.away = False
        workers.need({"cpu": 1})
        until(workers, lambda _: workers.slots.offering == {"cpu": 1})
        owners = [thing["metadata"].get("ownerReferences") for thing in here.objects.values()]
        assert (
            owners[0]
            == owners[1]
            == [{"apiVersion": "v1", "kind": "Pod", "name": "driver-x", "uid": "u-1"}]
        )
    assert here.objects == {}
    assert here.pods == {}


def test_where_the_operator_is_not_installed_it_says_so(here: Kubernetes) -> None:
    here.installed = False
    with (
        pytest.raises(CampaignError, match=r"create DaskCluster.*is the Dask operator installed"),
        connect(options(here)),
    ):
        raise AssertionError("it connected")
    assert here.objects == {}, "the secret is removed"


def test_an_image_that_cannot_be_pulled_ends_the_wait(here: Kubernetes) -> None:
    here.waiting = {"waiting": {"reason": "ErrImagePull", "message": "registry/x: not found"}}
    with (
        pytest.raises(CampaignError, match=r"cannot start: ErrImagePull: registry/x: not found"),
        connect(options(here)),
    ):
        raise AssertionError("it connected")
    assert here.pods == {}


def test_an_api_that_is_not_there_is_a_campaign_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Kubernetes
) -> None:
    gone = tmp_path / "gone"
    there = (here.folder / "kubeconfig").read_text()
    gone.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:1", there))
    monkeypatch.setenv("KUBECONFIG", str(gone))
    with pytest.raises(CampaignError, match="Kubernetes does not answer"), connect(options(here)):
        raise AssertionError("it connected")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"memory": "16GB"}}, r"model\.memory"),
        ({"model": {"memory": "1Gi", "min_pods": 9}}, "exceeds max_pods"),
        ({"claim": None}, "claim"),
    ],
)
def test_options_that_kubernetes_would_refuse_are_named(
    changes: dict[str, Any], message: str, here: Kubernetes
) -> None:
    with pytest.raises(SettingsError, match=message), connect(options(here, **changes)):
        raise AssertionError("it connected")
