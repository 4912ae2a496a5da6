"""A server starts by a command and ends by a signal, with all that it has started."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dashboard.access import LOOPBACK
from dashboard.launch import command, free_port, wait_until_healthy

from .chromium import Watched, needs_browser

THERMOSCREEN = [sys.executable, "-c", "from screen.cli import main; main()"]
ENDLESS = "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n > 0) SELECT max(n) FROM t"
PATIENCE = 30.0  # s

Start = Callable[[], tuple[subprocess.Popen[bytes], int]]


@pytest.fixture
def start(run: Path, tmp_path: Path) -> Iterator[Start]:
    """Start ``thermoscreen dashboard`` in a process group of its own; give it and its port."""
    servers: list[subprocess.Popen[bytes]] = []

    def started() -> tuple[subprocess.Popen[bytes], int]:
        port = free_port()
        words = [*THERMOSCREEN, "dashboard", "--run", str(run), "--port", str(port)]
        with (tmp_path / "errors.txt").open("w+b") as said:
            server = subprocess.Popen(
                words, stdout=subprocess.DEVNULL, stderr=said, start_new_session=True
            )
            servers.append(server)
            wait_until_healthy(server, port, said)
        return server, port

    yield started
    for server in servers:
        if members(server.pid):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def members(group: int) -> list[str]:
    """Command lines of the living processes of a group."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if int(fields[2]) == group and fields[0] not in "ZX":
            found.append(words.replace(b"\0", b" ").decode().strip())
    return found


def waited(happened: Callable[[], bool]) -> bool:
    """Wait until something has happened; False if it has not in time."""
    deadline = time.monotonic() + PATIENCE
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.05)
    return happened()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_the_command_ends_the_server(
    start: Start, run: Path, number: signal.Signals
) -> None:
    server, port = start()
    assert members(server.pid) == [" ".join(command(run, port))]  # one process: the server itself
    server.send_signal(number)
    assert server.wait(PATIENCE) == 0
    assert members(server.pid) == []
    with socket.socket() as probe:
        assert probe.connect_ex((LOOPBACK, port)) != 0


@needs_browser[0]
@needs_browser[1]
def test_link_to_a_page_of_a_fresh_server_opens_it_and_a_signal_ends_its_query(
    start: Start, watched: Watched
) -> None:
    server, port = start()
    watched.address = f"http://{LOOPBACK}:{port}"
    watched.open(f"sql?sql={quote(ENDLESS, safe='')}")  # the first visitor of all
    watched.page.get_by_role("link", name="Insulators").wait_for()
    watched.expect("Saved queries")
    assert waited(lambda: any("screen.store.confined" in words for words in members(server.pid)))
    server.terminate()
    assert server.wait(PATIENCE) == 0
    assert waited(lambda: not members(server.pid)), members(server.pid)
