"""The process in which untrusted SQL runs: ``python -m screen.store.confined``.

It opens one snapshot, whose connection reaches nothing else, and then gives away what it could
still do: the kernel lets it open no file or socket, write no file, take no more memory, and ends
it when a query's time is over. It speaks with ``screen.store.sandbox``: a JSON line in, a JSON
line and an Arrow stream out.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from screen.core.errors import StoreError
from screen.store.database import Snapshot, open_file
from screen.store.sandbox import Limits

GRACE_S = 1.0  # between DuckDB's own interrupt and the end
_FATAL = ("Out of Memory", "realloc", "malloc", "INTERNAL Error", "FATAL Error", "std::bad_alloc")
"""What a process does not go on after: memory is in pieces, or the database is out of order."""


def main() -> None:
    """Open the snapshot, shut the doors, answer until the caller has gone."""
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing but answers may go there
    first = json.loads(requests.readline())
    path = Path(first.pop("path"))
    limits = Limits(**first)
    try:
        snapshot = open_file(path, f"{limits.memory_mb}MB", limits.threads)
        _warm_up(snapshot)
    except StoreError as error:
        _answer(answers, {"error": str(error), "last": True})
        return
    confine(limits)
    for line in requests:
        if not _serve(snapshot, json.loads(line), limits, answers):
            return


def _warm_up(snapshot: Snapshot) -> None:
    """Import and allocate what a query needs, while files can still be opened."""
    table = snapshot.query("SELECT 1 AS a, 'b' AS b, now()::TIMESTAMP AS c", max_rows=1)
    _streamed(table)
    str(table.to_pylist())


def confine(limits: Limits) -> None:
    """Give away what no query needs."""
    os.nice(10)  # those who ask wait, not those who are shown a page
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    data = _data_bytes()
    if data is not None:
        most = data + int((limits.memory_mb + 3 * limits.result_mb) * 1e6)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    highest = max(int(path.name) for path in Path("/dev/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest, highest))
    with suppress(OSError):  # a closed descriptor's number could be taken again
        while True:
            os.open(os.devnull, os.O_RDONLY)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the kernel ends the process, whatever it does
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller


def _data_bytes() -> int | None:
    """Return the private memory of this process; None where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[5]
    except OSError:  # not Linux
        return None
    return int(pages) * resource.getpagesize()


def _serve(snapshot: Snapshot, request: dict[str, Any], limits: Limits, out: IO[bytes]) -> bool:
    """Answer one query; return whether the process is as good as new."""
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + GRACE_S)
    last, body, truncated, error = False, b"", False, None
    try:
        table = snapshot.query(
            request["sql"],
            timeout=limits.seconds,
            max_rows=limits.rows + 1,
            max_bytes=int(limits.result_mb * 1e6),
        )
        truncated = len(table) > limits.rows
        body = _streamed(table.slice(0, limits.rows))
    except StoreError as refused:
        error = str(refused)
        last = any(word in error for word in _FATAL) or "was stopped" in error
    except MemoryError:
        error, last = f"the query was stopped: it needs more than {limits.memory_mb} MB", True
    _answer(out, {"error": error, "truncated": truncated, "last": last}, body)
    signal.setitimer(signal.ITIMER_REAL, 0)
    return not last


def _streamed(table: pa.Table) -> bytes:
    """Return a table as Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(memoryview(sink.getvalue()))


def _answer(out: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Write a header and what it announces."""
    out.write(json.dumps({**head, "bytes": len(body)}).encode() + b"\n" + body)
    out.flush()


if __name__ == "__main__":
    main()
