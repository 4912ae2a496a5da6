"""Programs of ``python -m screen.clusters``, as a user starts them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def checker(name: str, package: str) -> str:
    """A program that checks files, beside this interpreter or on the path; else the test skips."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if found is None:
        pytest.skip(f"no {name}: install {package}")
    return found


@contextmanager
def programs(*commands: list[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run them until the context ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # workers import the tests
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "screen.clusters", *command],
            cwd=ROOT,
            env=environment,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for command in commands
    ]
    try:
        yield started
    finally:
        for process in reversed(started):
            os.killpg(process.pid, signal.SIGTERM)
        for process in reversed(started):
            process.wait(timeout=30)


def scheduler(port: int, *options: str) -> list[str]:
    return ["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", *options]


def worker(address: str, *words: str) -> list[str]:
    """Worker that offers the words up to the first option."""
    count = next((n for n, word in enumerate(words) if word.startswith("--")), len(words))
    offered = " ".join(f"{name}=1" for name in words[:count])
    return ["worker", address, "--resources", offered, *words[count:]]
