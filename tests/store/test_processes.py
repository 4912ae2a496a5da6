"""Several processes, some of them dying: nothing acknowledged is lost, nothing is torn."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from screen.core.errors import StoreError
from screen.store.database import Writer, open_snapshot
from tests.store.samples import PROPERTIES, outcome
from tests.store.victim import BATCH, batch

ROOT = Path(__file__).parents[2]


@contextmanager
def victim(mode: str, run: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """Start ``victim.py``; it is killed in the end."""
    command = [sys.executable, "-m", "tests.store.victim", mode, str(run), *more]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def stored_batches(run: Path) -> set[int]:
    """Batches that are there, each checked to be whole in every table."""
    with Writer(run, PROPERTIES) as writer:
        writer.publish()
    with open_snapshot(run) as snapshot:
        rows = snapshot.query(
            "SELECT kappa_300, count(*) AS n, count(stable) AS s, count(expansion_300) AS e, "
            "count(wall_s) AS c, count(failure_message) AS f, "
            "bool_and(failure_message IS NULL OR failure_message::DOUBLE = kappa_300) AS fits "
            "FROM results GROUP BY 1"
        ).to_pylist()
    for row in rows:
        n_failures = BATCH * (int(row["kappa_300"]) % 2)
        assert (row["n"], row["s"], row["e"], row["c"]) == (BATCH,) * 4
        assert (row["f"], row["fits"]) == (n_failures, True)
    return {int(row["kappa_300"]) for row in rows}


@pytest.mark.parametrize("mode", ["upsert_for_ever", "publish_for_ever"])
def test_a_killed_writer_loses_nothing_acknowledged_and_tears_nothing(run: Path, mode: str) -> None:
    acknowledged: set[int] = set()
    for wait in (0.05, 0.2, 0.35):
        with victim(mode, run) as process:
            output(process).readline()
            time.sleep(wait)
            process.kill()
            acknowledged |= {int(line) for line in output(process) if line.endswith("\n")}
        stored = stored_batches(run)
        assert acknowledged <= stored
        assert stored <= acknowledged | {max(stored, default=0)}, (
            "at most one commit was not acknowledged"
        )
        acknowledged = stored
    left = {path.name for path in (run / "snapshots").iterdir()}
    assert len(left) == 4, "three snapshots and CURRENT; no drafts"


STEPS = {
    "ATTACH": 1,
    "COPY FROM DATABASE": 1,
    "CHECKPOINT draft": 1,
    "DETACH": 1,
    "sync_file": 1,
    "sync_folder": 1,  # the new file has its name, CURRENT is still the old one
    "write_atomically": 1,
    "_retain": 2,
}


@pytest.mark.parametrize(("step", "version"), STEPS.items())
def test_a_kill_between_any_two_steps_of_publishing_is_harmless(
    run: Path, step: str, version: int
) -> None:
    with victim("die_in_publish", run, step) as process:
        assert process.wait(60) == -signal.SIGKILL
    with open_snapshot(run) as snapshot:
        assert snapshot.version == version
        assert len(snapshot.query("FROM outcomes")) == BATCH * version
    with Writer(run, PROPERTIES) as writer:
        assert not list((run / "snapshots").glob(".*"))
        path = writer.publish()
    with open_snapshot(run) as snapshot:
        assert snapshot.path == path
        assert len(snapshot.query("FROM outcomes")) == BATCH * 2
    current = (run / "snapshots" / "CURRENT").read_text().strip()
    assert current == path.name


def test_a_second_writer_is_told_who_has_the_database(run: Path) -> None:
    with victim("hold", run) as process:
        output(process).readline()
        with pytest.raises(StoreError, match=rf"in use by process {process.pid}.*thermoscreen"):
            Writer(run, PROPERTIES)
        with open_snapshot(run) as snapshot:
            assert len(snapshot.query("FROM outcomes")) == BATCH
    with Writer(run, PROPERTIES) as writer:
        writer.upsert(batch(1))


def test_publishing_does_not_drop_the_lock(writer: Writer) -> None:
    """Any open and close of the live file in the writer's process would drop the POSIX lock."""
    writer.upsert([outcome("m1")])
    writer.publish()
    with victim("hold", writer.run) as process:
        assert process.wait(60) == 1
        assert output(process).read() == ""


def test_a_reader_in_another_process_sees_whole_snapshots_while_the_writer_writes(
    run: Path,
) -> None:
    with Writer(run, PROPERTIES) as writer:
        writer.upsert(batch(0))
        writer.publish()
        with victim("watch", run) as process:
            output(process).readline()
            number = 0
            while process.poll() is None:
                number += 1
                writer.upsert(batch(number))
                writer.publish()
            lines = [line.split() for line in output(process)]
        assert process.returncode == 0
    versions = [int(version) for version, _, _ in lines]
    assert len(versions) == 40
    assert versions == sorted(versions)
    assert versions[-1] > versions[0], "the reader saw new snapshots"
    assert all(int(version) == int(n) for version, n, _ in lines), "a version holds its batches"
    assert all(whole == "True" for *_, whole in lines)


def test_a_reader_never_blocks_the_writer(run: Path) -> None:
    with Writer(run, PROPERTIES) as writer:
        writer.upsert(batch(0))
        writer.publish()
    with victim("hold_snapshot", run) as process:
        assert output(process).readline() == "1\n"
        with Writer(run, PROPERTIES) as writer:
            for number in range(1, 5):
                writer.upsert(batch(number))
                writer.publish()
        assert process.stdin is not None
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert output(process).readline() == f"{BATCH}\n", "it still reads its own version"


def test_nobody_else_holds_the_database_after_close(run: Path) -> None:
    Writer(run, PROPERTIES).close()
    with victim("hold", run) as process:
        assert output(process).readline() == "ready\n"
        assert process.pid != os.getpid()
