"""The cost ledger: one line per computation, whatever happens to the writer."""

from __future__ import annotations

import os
import socket
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from screen.core.errors import StoreError
from screen.store import ledger
from tests.store.samples import execution


def append_many(folder: Path, first: int) -> None:
    for number in range(first, first + 50):
        ledger.append(folder, execution(f"e{number}", "m1"))


def test_an_execution_reads_back(tmp_path: Path) -> None:
    ledger.append(tmp_path / "ledger", execution("e1", "Σ3-boundary\n"))
    (found,) = ledger.read(tmp_path / "ledger")
    assert vars(found) == vars(execution("e1", "Σ3-boundary\n"))
    assert (tmp_path / "ledger" / f"{socket.gethostname()}-{os.getpid()}.jsonl").is_file()


def test_no_ledger_is_an_empty_one(tmp_path: Path) -> None:
    assert list(ledger.read(tmp_path / "ledger")) == []


def test_processes_do_not_disturb_each_other(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(append_many, [tmp_path, tmp_path], [0, 50]))
    assert {item.execution_id for item in ledger.read(tmp_path)} == {f"e{n}" for n in range(100)}


def test_a_torn_last_line_is_skipped_and_does_not_swallow_the_next(tmp_path: Path) -> None:
    ledger.append(tmp_path, execution("e1", "m1"))
    ledger.append(tmp_path, execution("e2", "m2"))
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-40])
    assert [item.execution_id for item in ledger.read(tmp_path)] == ["e1"]
    ledger.append(tmp_path, execution("e3", "m3"))
    assert [item.execution_id for item in ledger.read(tmp_path)] == ["e1", "e3"]


def test_a_whole_line_that_is_no_execution_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "n1-1.jsonl").write_text('{"execution_id": "e1"}\n')
    with pytest.raises(StoreError, match=r"n1-1\.jsonl, line 1"):
        list(ledger.read(tmp_path))


def test_a_ledger_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file is in the way")
    with pytest.raises(StoreError, match="cannot write the cost ledger"):
        ledger.append(tmp_path / "ledger", execution("e1", "m1"))
