"""SQL of people whom nobody vouches for: in processes of its own that cannot hurt the caller.

DuckDB's own advice is to keep untrusted SQL apart by means of the operating system
(https://duckdb.org/security). Its memory limit does not count strings and lists that a function
makes, and it looks for an interrupt only between chunks of rows: in the caller's process
``list_sort(range(200000000))`` went on for 15 s after an interrupt, with 1.7 GB at a limit of
0.5 GB. A process of its own has limits that the kernel keeps, see ``screen.store.confined``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, LifoQueue
from typing import IO, Any

import pyarrow as pa

from screen.core.errors import StoreError
from screen.store.database import open_snapshot
from screen.store.deadline import interrupted_after
from screen.store.refusals import too_long

START_S = 60.0  # a process has started by then, even where the disk is slow
_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL")
"""All that a process sees of the environment: not the credentials of the one who started it."""


@dataclass(frozen=True)
class Limits:
    """What one query may take."""

    seconds: float = 10.0
    rows: int = 10_000  # of the result; the rest is cut off
    result_mb: float = 50.0  # of the result; more is refused
    memory_mb: int = 500
    threads: int = 2


@dataclass(frozen=True)
class Answer:
    """Rows of a query."""

    table: pa.Table
    truncated: bool  # there are more rows than the limit


class Sandbox:
    """The newest snapshot of a run, for untrusted SQL; threads may share it.

    Parameters
    ----------
    run
        Run folder.
    limits
        Limits of each query.
    processes
        Queries at a time. The first process starts at once, another one when it is needed; both
        stay, unless a query took too much.

    Raises
    ------
    StoreError
        There is no snapshot, or it is broken.
    """

    def __init__(self, run: Path, limits: Limits | None = None, processes: int = 2) -> None:
        with open_snapshot(run) as snapshot:  # says so now if there is none
            self.path, self.version = snapshot.path, snapshot.version
        self.limits = limits or Limits()
        self._idle: LifoQueue[_Process | None] = LifoQueue()
        for _ in range(processes - 1):
            self._idle.put(None)
        self._idle.put(_Process(self.path, self.limits))  # the last in is the first out
        self._closed = False

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; those that answer, or are asked later, end after their answer."""
        self._closed = True
        idle = []
        with suppress(Empty):
            while True:
                idle.append(self._idle.get_nowait())
        for process in idle:
            if process is not None:
                process.close()
            self._idle.put(None)

    def query(self, sql: str) -> Answer:
        """Run one query.

        Raises
        ------
        StoreError
            The SQL is wrong, is no query, reaches for what is shut, or takes more than its limits;
            or all processes are busy. One line.
        """
        reason = too_long(sql)
        if reason is not None:
            raise StoreError(reason)
        try:
            process = self._idle.get(timeout=self.limits.seconds)
        except Empty:
            raise StoreError("other queries are running: try again in some seconds") from None
        try:
            if process is None:
                process = _Process(self.path, self.limits)
            return process.ask(sql)
        finally:
            if process is not None and (self._closed or not process.usable):
                process.close()
                process = None
            self._idle.put(process)


class _Process:
    """One process with an open snapshot, which answers one query after the other."""

    def __init__(self, path: Path, limits: Limits) -> None:
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._limits = limits
        self._child = subprocess.Popen(
            [sys.executable, "-m", "screen.store.confined"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "OPENBLAS_NUM_THREADS": "1"},
        )
        self.usable = True
        self._send({"path": str(path), **asdict(limits)})

    def ask(self, sql: str) -> Answer:
        """Send a query and wait for its answer, which the kernel makes sure comes to an end."""
        self.usable = False  # until it has answered
        self._send({"sql": sql})
        with interrupted_after(START_S + self._limits.seconds, self._child.kill):
            head, body = self._receive()
        self.usable = not head["last"]
        if head["error"] is not None:
            raise StoreError(head["error"])
        return Answer(pa.ipc.open_stream(body).read_all(), head["truncated"])

    def close(self) -> None:
        """End the process and wait until it has ended."""
        self.usable = False
        self._child.kill()
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # an unsent request of a process that has ended
                    continue

    def _send(self, request: Mapping[str, object]) -> None:
        """Write one line."""
        stream: IO[bytes] = self._child.stdin  # type: ignore[assignment]
        try:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
        except BrokenPipeError:
            self._explain()

    def _receive(self) -> tuple[dict[str, Any], bytes]:
        """Read a header and as many bytes as it announces."""
        stream: IO[bytes] = self._child.stdout  # type: ignore[assignment]
        line = stream.readline()
        if not line.endswith(b"\n"):
            self._explain()
        head: dict[str, Any] = json.loads(line)
        body = stream.read(head["bytes"])
        if len(body) < head["bytes"]:
            self._explain()
        return head, body

    def _explain(self) -> None:
        """Say why the process is gone.

        Raises
        ------
        StoreError
            Always.
        """
        self.usable = False
        code = self._child.wait()
        if code in {-signal.SIGALRM, -signal.SIGKILL}:
            raise StoreError(f"the query was stopped after {self._limits.seconds:g} s")
        name = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        raise StoreError(
            f"the query was stopped: it ended its process ({name}), as what takes more than "
            f"{self._limits.memory_mb} MB may"
        )
