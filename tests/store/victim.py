"""A process to be killed or watched: ``python -m tests.store.victim <mode> <run> [...]``."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from screen.core.records import Failure, Outcome
from screen.store import snapshots
from screen.store.database import Writer, open_snapshot
from tests.store.samples import PROPERTIES, execution, outcome

BATCH = 20


def batch(number: int) -> list[Outcome]:
    """Outcomes of a batch; κ is the batch's number, odd ones carry a failure."""
    failures = (Failure("expansion", "expansion", str(number)),) if number % 2 else ()
    return [
        outcome(
            f"b{number}-{index}",
            kappa=float(number),
            failures=failures,
            executions=(execution(f"e{number}-{index}", f"b{number}-{index}"),),
        )
        for index in range(BATCH)
    ]


def upsert_for_ever(run: Path) -> None:
    """Store batch after batch; say so after each."""
    with Writer(run, PROPERTIES) as writer:
        writer.upsert([])  # DuckDB's lazy imports take longer than many batches
        print("ready", flush=True)
        for number in itertools.count():
            writer.upsert(batch(number))
            print(number, flush=True)


def publish_for_ever(run: Path) -> None:
    """Store and publish without end."""
    with Writer(run, PROPERTIES) as writer:
        writer.upsert([])  # DuckDB's lazy imports take longer than many batches
        print("ready", flush=True)
        for number in itertools.count():
            writer.upsert(batch(number))
            writer.publish()
            print(number, flush=True)


def hold(run: Path) -> None:
    """Keep the database open."""
    with Writer(run, PROPERTIES) as writer:
        writer.upsert(batch(0))
        writer.publish()
        print("ready", flush=True)
        time.sleep(600)


def hold_snapshot(run: Path) -> None:
    """Keep a snapshot open."""
    with open_snapshot(run) as snapshot:
        print(snapshot.version, flush=True)
        sys.stdin.readline()
        print(len(snapshot.query("FROM outcomes")), flush=True)


def watch(run: Path) -> None:
    """Read whatever is the newest snapshot, over and over; say what it held."""
    print("ready", flush=True)
    seen = 0
    while seen < 40:
        with open_snapshot(run) as snapshot:
            rows = snapshot.query("SELECT kappa_300, count(*) AS n FROM results GROUP BY 1")
            whole = set(rows["n"].to_pylist()) == {BATCH}
            print(f"{snapshot.version} {len(rows)} {whole}", flush=True)
        seen += 1


def die(*_: Any, **__: Any) -> None:
    """Die as if the power had gone."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_in_publish(run: Path, step: str) -> None:
    """Publish once, then die at a step of the second time."""
    with Writer(run, PROPERTIES) as writer:
        writer.upsert(batch(0))
        writer.publish()
        writer.upsert(batch(1))
        if hasattr(snapshots, step):
            setattr(snapshots, step, die)
        else:
            writer._execute = _dying_at(step, writer._execute)  # type: ignore[method-assign]
        writer.publish()


def _dying_at(sql: str, execute: Callable[..., Any]) -> Callable[..., Any]:
    return lambda text, *rest: die() if text.startswith(sql) else execute(text, *rest)


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
