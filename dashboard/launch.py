"""Start the dashboard's server: the one place that knows Streamlit's command line."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from dashboard.access import LOOPBACK, is_loopback

APP = Path(__file__).resolve().parent / "app.py"
START_TIMEOUT = 60.0  # s
EVERYWHERE = ("0.0.0.0", "::")


def command(
    run: Path,
    port: int | None = None,
    address: str = LOOPBACK,
    password_file: Path | None = None,
) -> list[str]:
    """Return the command line of a server; the app itself refuses strangers without a password.

    Parameters
    ----------
    run
        Run folder; it may appear later.
    port
        None: Streamlit takes 8501 or the next free one.
    address
        Where it listens; beyond the loopback address only with a password.
    password_file
        File with the password; None: the environment may have one.
    """
    chosen = [] if port is None else ["--server.port", str(port)]
    told = [] if is_loopback(address) else ["--browser.serverAddress", _name_of(address)]
    secret = [] if password_file is None else ["--password-file", str(password_file)]
    return [
        *(sys.executable, "-m", "streamlit", "run", str(APP)),
        *("--server.address", address),
        *("--server.headless", "true"),
        *("--browser.gatherUsageStats", "false"),
        *chosen,
        *told,
        *("--", "--run", str(run)),
        *secret,
    ]


def _name_of(address: str) -> str:
    """Return how others call this machine; left alone, Streamlit asks a server on the internet."""
    return socket.gethostname() if address in EVERYWHERE else address


@contextmanager
def serving(
    run: Path,
    password_file: Path | None = None,
    listen: str = LOOPBACK,
    log: Path | None = None,
) -> Iterator[str]:
    """Serve a run on a free port while the context is open; give the address on this machine.

    Parameters
    ----------
    log
        File for what the server says of errors; None: nowhere, unless it does not start.

    Raises
    ------
    RuntimeError
        The server ended, or did not answer in time.
    """
    port = free_port()
    # not a pipe: nobody reads it, and a server that has filled one stands still
    with tempfile.TemporaryFile() if log is None else log.open("w+b") as said:
        server = subprocess.Popen(
            command(run, port, listen, password_file), stdout=subprocess.DEVNULL, stderr=said
        )
        try:
            wait_until_healthy(server, port, said)
            yield f"http://{LOOPBACK}:{port}"
        finally:
            server.terminate()
            server.wait()


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def wait_until_healthy(server: subprocess.Popen[bytes], port: int, said: IO[bytes]) -> None:
    """Wait until the server answers.

    Raises
    ------
    RuntimeError
        It ended, for the reason that the file ``said`` holds, or did not answer in time.
    """
    address = f"http://{LOOPBACK}:{port}"
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            said.seek(0)
            raise RuntimeError(f"the server ended at once: {said.read().decode().strip()}")
        try:
            with urlopen(f"{address}/_stcore/health", timeout=2):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"{address} did not answer within {START_TIMEOUT:g} s")
