"""Workers on another "host": two network namespaces and a cable between them, which is pulled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from screen.clusters._security import SecurityFiles, write_certificates
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import EXECUTIONS, FCC, NUMBERS, table, tiny, write_fcc

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
OUTAGE_S = 60.0
MATERIALS = tuple(FCC)
DRIVER = """
import sys
from pathlib import Path
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import tiny

if __name__ == "__main__":
    run, crystals, address, ca, cert, key = sys.argv[1:]
    security = {"ca": ca, "cert": cert, "key": key}
    cluster = {"name": "address", "scheduler": address, "security": security}
    run_campaign(tiny(Path(run), Path(crystals), cluster=cluster))
"""


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@dataclass(frozen=True)
class Hosts:
    """The driver's and the workers' namespace, and the driver's end of the cable."""

    driver: str
    workers: str
    cable: str
    address: str = "10.231.77.1"

    @contextmanager
    def process(self, host: str, log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Program on one of the hosts, ended with the context."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        words = ["ip", "netns", "exec", host, sys.executable, *command]
        with log.open("wb") as output:
            process = subprocess.Popen(
                words, cwd=ROOT, env=environment, stdout=output, stderr=output
            )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    names = [f"thermo{os.getpid()}{side}" for side in "ab"]
    ends = [f"ts{os.getpid()}{side}" for side in "ab"]
    try:
        for name in names:
            ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"network namespaces need root and iproute2: {error}")
    try:
        ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for number, (name, end) in enumerate(zip(names, ends, strict=True), start=1):
            ip("link", "set", end, "netns", name)
            ip("-n", name, "address", "add", f"10.231.77.{number}/30", "dev", end)
            ip("-n", name, "link", "set", end, "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield Hosts(*names, ends[0])
    finally:
        for name in names:
            ip("netns", "delete", name)


def finished(run: Path) -> int:
    return len(list((run / "artifacts" / "expansion").glob("*/*.npz")))


def test_a_campaign_survives_a_link_that_is_down_for_a_minute(hosts: Hosts, tmp_path: Path) -> None:
    crystals, run = write_fcc(tmp_path / "crystals", *MATERIALS), tmp_path / "run"
    files = write_certificates(tmp_path / "tls")
    address = f"tls://{hosts.address}:8786"
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    with ExitStack() as stack:
        start = started_in(stack, hosts, tmp_path)
        listen = ("--host", hosts.address, "--port", "8786", "--no-dashboard", *files.arguments)
        start(hosts.driver, "scheduler", "-m", "screen.clusters", "scheduler", *listen)
        for name in ("worker-1", "worker-2"):
            offer = ("--resources", "cpu=1 model:springs=1", "--name", name, *files.arguments)
            start(hosts.workers, name, "-m", "screen.clusters", "worker", address, *offer)
        where = (run, crystals, address, *paths(files))
        driver = start(hosts.driver, "driver", str(script), *(str(word) for word in where))
        deadline = time.monotonic() + 180
        while not finished(run):
            assert driver.poll() is None, (tmp_path / "driver.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        ip("-n", hosts.driver, "link", "set", hosts.cable, "down")
        time.sleep(OUTAGE_S)
        assert driver.poll() is None, "it must wait for its workers"
        assert finished(run) < len(MATERIALS), "the link went down too late to matter"
        ip("-n", hosts.driver, "link", "set", hosts.cable, "up")
        assert driver.wait(timeout=400) == 0, (tmp_path / "driver.log").read_text()
    run_campaign(tiny(tmp_path / "undisturbed", crystals))
    assert table(run, NUMBERS) == table(tmp_path / "undisturbed", NUMBERS)
    executions = table(run, EXECUTIONS)
    assert all(row["n"] == 1 for row in executions), "no worker was lost, nothing ran twice"
    assert len(executions) == len(table(tmp_path / "undisturbed", EXECUTIONS))


def started_in(stack: ExitStack, hosts: Hosts, logs: Path):  # type: ignore[no-untyped-def]
    def start(host: str, name: str, *command: str) -> subprocess.Popen[bytes]:
        return stack.enter_context(hosts.process(host, logs / f"{name}.log", *command))

    return start


def paths(files: SecurityFiles) -> tuple[Path, Path, Path]:
    return files.ca, files.cert, files.key
