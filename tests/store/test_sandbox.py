"""The sandbox: hostile SQL is refused or stopped, and the next query is answered."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from screen.core.errors import StoreError
from screen.core.settings import PROTOCOLS
from screen.store.database import Writer, open_snapshot
from screen.store.sandbox import START_S, Limits, Sandbox
from tests.store.attacks import HUGE, LONG, REFUSED
from tests.store.samples import IDENTITY, MODEL, PROPERTIES, candidate, failed, outcome

SECONDS = 2.0
COUNT = "SELECT count(*) AS n FROM results"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two materials, one of which failed."""
    folder: Path = tmp_path_factory.mktemp("runs") / "it's a run"
    with Writer(folder, PROPERTIES) as writer:
        writer.add_model(MODEL, IDENTITY)
        writer.add_protocol(PROTOCOLS["quick"])
        writer.add_candidates([candidate("m1"), candidate("m2")])
        writer.upsert([outcome("m1"), failed("m2")])
        writer.publish()
    return folder


@pytest.fixture(scope="module")
def sandbox(run: Path) -> Iterator[Sandbox]:
    with Sandbox(run, Limits(SECONDS, rows=1000, result_mb=5, memory_mb=300), 1) as opened:
        yield opened


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "screen.store.confined" in child.cmdline()
    ]


@pytest.mark.parametrize("sql", [*REFUSED, *LONG, *HUGE], ids=lambda sql: sql[:40])
def test_an_attack_is_one_line_in_bounded_time_and_the_next_query_works(
    sandbox: Sandbox, sql: str
) -> None:
    expected = {**REFUSED, **LONG, **HUGE}[sql]
    started = time.monotonic()
    with pytest.raises(StoreError) as refused:
        sandbox.query(sql)
    assert time.monotonic() - started < SECONDS + START_S
    message = str(refused.value)
    assert re.search(expected, message), message
    assert "\n" not in message
    assert len(message) < 1000
    assert sandbox.query(COUNT).table.to_pylist() == [{"n": 2}]


def test_answers_are_those_of_a_snapshot_whatever_their_type(run: Path, sandbox: Sandbox) -> None:
    queries = (
        "FROM conductivity",
        "FROM outcomes ORDER BY ALL",
        "SELECT now()::TIMESTAMP::DATE AS d, 1::HUGEINT AS h, 1.5::DECIMAL(9, 2) AS c, "
        "INTERVAL 3 DAY AS i, {'a': [1, NULL]} AS s, MAP {'k': 1} AS m, 'it''s' AS t, NULL AS n, "
        "'\u03ba' AS g",
        "PIVOT results ON status USING count(*) GROUP BY protocol",
        "SUMMARIZE results",
        "SHOW TABLES",
        "SELECT 1 WHERE false",
        "SELECT 1 AS a, 2 AS a",
        "SELECT range AS n FROM range(500) ORDER BY hash(n); -- a comment",
        "EXPLAIN SELECT 1",
    )
    with open_snapshot(run) as snapshot:
        for sql in queries:
            assert sandbox.query(sql).table.equals(snapshot.query(sql)), sql


def test_rows_beyond_the_limit_are_cut_off_and_said_so(sandbox: Sandbox) -> None:
    cut = sandbox.query("FROM range(1001)")
    assert (len(cut.table), cut.truncated) == (1000, True)
    whole = sandbox.query("FROM range(1000)")
    assert (len(whole.table), whole.truncated) == (1000, False)


def test_the_process_sees_nothing_of_the_environment(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a secret")
    before = {child.pid for child in children()}
    with Sandbox(run, processes=1) as sandbox:
        sandbox.query(COUNT)
        (child,) = (child for child in children() if child.pid not in before)
        assert set(child.environ()) <= {
            *("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL"),
            *("OPENBLAS_NUM_THREADS", "LC_CTYPE"),  # Python sets the latter itself
        }


CONFINED = """
import os, socket, subprocess, sys
from screen.store.confined import confine
from screen.store.sandbox import Limits
confine(Limits(memory_mb=100, result_mb=10))
for act in (
    lambda: open("/etc/passwd"), lambda: os.listdir("/"), socket.socket, os.pipe,
    lambda: subprocess.run(["true"]), lambda: bytearray(400_000_000),
    lambda: os.dup(1), lambda: os.write(int(sys.argv[1]), b"x"),
):
    try:
        act()
        print("done")
    except (OSError, MemoryError) as error:
        print(type(error).__name__)
bytearray(50_000_000)
"""


def test_a_confined_process_opens_nothing_writes_no_file_and_takes_no_more_memory(
    tmp_path: Path,
) -> None:
    """What holds should DuckDB itself be broken: limits that the kernel keeps."""
    with (tmp_path / "file").open("wb") as handle:
        ended = subprocess.run(
            [sys.executable, "-c", CONFINED, str(handle.fileno())],
            pass_fds=[handle.fileno()],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=_ignore_size_signal,
        )
    assert ended.stderr == ""
    assert ended.stdout.split() == [*["OSError"] * 5, "MemoryError", "OSError", "OSError"]
    assert (tmp_path / "file").read_bytes() == b""


def _ignore_size_signal() -> None:
    """A write beyond the limit is to fail, not to end the process."""
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_queries_of_several_people_run_side_by_side_and_one_too_many_is_told_to_wait(
    run: Path,
) -> None:
    slow = "SELECT sleep_ms(1500) AS slept, 1 AS one"
    with Sandbox(run, Limits(seconds=30), processes=2) as sandbox, ThreadPoolExecutor(2) as pool:
        assert [answer.table["one"].to_pylist() for answer in pool.map(sandbox.query, [slow] * 2)]
        assert len(children()) >= 2
    limits = Limits(seconds=0.2)
    with Sandbox(run, limits, processes=1) as sandbox, ThreadPoolExecutor(1) as pool:
        first = pool.submit(sandbox.query, "SELECT sleep_ms(60000)")
        while sandbox._idle.qsize():
            time.sleep(0.01)
        with pytest.raises(StoreError, match="other queries are running: try again"):
            sandbox.query(COUNT)
        with pytest.raises(StoreError, match=r"was stopped after 0\.2 s"):
            first.result()


def test_a_process_that_dies_is_told_and_replaced(run: Path) -> None:
    before = {child.pid for child in children()}
    with Sandbox(run, processes=1) as sandbox:
        sandbox.query(COUNT)
        (child,) = (child for child in children() if child.pid not in before)
        child.terminate()
        child.wait()
        with pytest.raises(StoreError, match="it ended its process") as told:
            sandbox.query(COUNT)
        assert "\n" not in str(told.value)
        assert sandbox.query(COUNT).table["n"].to_pylist() == [2]


def test_a_closed_sandbox_leaves_no_process_and_still_answers_who_holds_it(run: Path) -> None:
    before = {child.pid for child in children()}
    sandbox = Sandbox(run)
    sandbox.query(COUNT)
    sandbox.close()
    assert sandbox.query(COUNT).table["n"].to_pylist() == [2]
    assert {child.pid for child in children()} <= before


def test_a_run_without_a_snapshot_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="has published no results yet"):
        Sandbox(tmp_path)
    with pytest.raises(StoreError, match="no run folder"):
        Sandbox(tmp_path / os.urandom(4).hex())
