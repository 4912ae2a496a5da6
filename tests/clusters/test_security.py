"""Who may talk to a scheduler that others can reach."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from distributed import Client

from screen.clusters._security import check_encrypted, write_certificates
from screen.core.errors import CampaignError, SettingsError
from screen.core.protocols import WorkerKind
from screen.core.registry import find
from tests.clusters.programs import free_port, programs, scheduler, worker

KINDS = (WorkerKind(("cpu", "model:springs")),)
SECONDS = 60.0


def add(resources: frozenset[str], report: Any, value: int) -> int:
    return value + 1


@pytest.mark.parametrize(
    "address", ["tls://node7:8786", "tcp://127.0.0.1:8786", "tcp://localhost:8786", "tcp://[::1]:1"]
)
def test_tls_anywhere_and_plain_tcp_on_this_machine_are_accepted(address: str) -> None:
    check_encrypted(address, insecure=False)


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.7:8786", "node7:8786", "ws://node7:80", "tcp://127.0.0.1.node7.org:1"]
)
def test_plain_tcp_to_another_machine_must_be_asked_for(address: str) -> None:
    with (
        pytest.raises(SettingsError, match=r"is not encrypted.*tls://.*insecure = true"),
        find("clusters", "address").connect({"scheduler": address}, KINDS),
    ):
        raise AssertionError("it connected")
    check_encrypted(address, insecure=True)


def test_certificates_are_the_user_s_only_and_are_not_overwritten(tmp_path: Path) -> None:
    files = write_certificates(tmp_path / "tls")
    paths = (files.ca, files.cert, files.key)
    assert [stat.S_IMODE(path.stat().st_mode) for path in paths] == [0o600] * 3
    assert stat.S_IMODE(files.key.parent.stat().st_mode) == 0o700
    before = files.key.read_text()
    with pytest.raises(SettingsError, match="holds certificates already"):
        write_certificates(tmp_path / "tls")
    assert files.key.read_text() == before


def test_a_certificate_that_is_not_there_is_named(tmp_path: Path) -> None:
    gone = {part: tmp_path / f"{part}.pem" for part in ("ca", "cert", "key")}
    with (
        pytest.raises(SettingsError, match=r"cannot read .*ca\.pem.*certificates FOLDER"),
        find("clusters", "address").connect({"scheduler": "tls://h:1", "security": gone}, KINDS),
    ):
        raise AssertionError("it connected")


def test_a_scheduler_with_tls_works_for_who_holds_the_key_and_nobody_else(tmp_path: Path) -> None:
    files, others = write_certificates(tmp_path / "ours"), write_certificates(tmp_path / "theirs")
    port = free_port()
    there = f"tls://127.0.0.1:{port}"
    tls = ("--protocol", "tls", *files.arguments)
    ours = {"scheduler": there, "security": files.model_dump(), "wait_s": SECONDS}
    with programs(scheduler(port, *tls), worker(there, "cpu", "model:springs", *files.arguments)):
        with find("clusters", "address").connect(ours, KINDS) as workers:
            workers.submit("a", "cpu", add, 1)
            completed = workers.next_completed(SECONDS)
            assert completed is not None
            assert completed.result == 2
        with pytest.raises(OSError, match=r"Timed out|Connection reset"):
            Client(f"tcp://127.0.0.1:{port}", timeout=3)
        refused = {"no Dask scheduler answers": others.model_dump(), "wants certificates": None}
        for message, security in refused.items():
            wrong = {"security": security}
            with (
                pytest.raises(CampaignError, match=message),
                find("clusters", "address").connect({**ours, **wrong, "wait_s": 3}, KINDS),
            ):
                raise AssertionError("it connected")
