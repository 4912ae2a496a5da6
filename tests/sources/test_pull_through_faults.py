"""2,500 documents through everything that goes wrong, killed in the middle: all of them, once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from screen.core.records import Candidate
from screen.sources import catalog
from tests.sources import fake_mp
from tests.sources.fake_mp import Fault

PROGRAM = Path(sys.executable).parent / "thermoscreen"
COUNT = 2500


def test_2500_documents_come_once_through_faults_and_a_kill(mp, data, waits, tmp_path):
    mp.documents = fake_mp.documents(COUNT)
    mp.faults = [Fault(status=429, headers={"Retry-After": "0.1"}), Fault(status=500)]
    pages = kill_after_the_first_page(mp, tmp_path, data)
    assert pages == ["1", "1", "1"]  # too many requests, server error, an answer
    mp.requests.clear()
    mp.faults = [
        Fault(status=503, path="/heartbeat"),
        Fault(status=429, headers={"Retry-After": "7"}),
        Fault(reset=True),
        Fault(delay=2.0),
        Fault(body=b'{"data": [{"material_id"'),
        Fault(status=500),
    ]
    options = {"endpoint": mp.url, "timeout": 1.0}
    found = catalog.pull_from("materials_project", options, lambda *_: None, quick=False)
    with (tmp_path / "x.parquet").open("wb") as handle:
        catalog.write(found, handle)
    asked = [query["_page"] for query in mp.pages]
    assert sorted(set(asked)) == ["2", "3"]  # the first page was kept
    assert len(asked) == 2 + 5
    assert len(waits) == 6
    identifiers = pq.read_table(tmp_path / "x.parquet")["id"].to_pylist()
    assert len(identifiers) == len(set(identifiers)) == COUNT
    assert set(identifiers) == {document["material_id"] for document in mp.documents}
    assert found.dropped == {}
    back = list(catalog.candidates({"file": tmp_path / "x.parquet"}))
    assert all(isinstance(item, Candidate) for item in back)
    assert len({item.crystal.digest for item in back}) == COUNT
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert len(files) >= 4
    assert not [file for file in files if fake_mp.KEY.encode() in file.read_bytes()]


def kill_after_the_first_page(mp, tmp_path, data) -> list[str]:
    """Pages that a pull asks for until it is killed, which is when its first one is on disk."""
    command = ["catalog", "pull", "--source", "materials_project"]
    options = ["--option", f'endpoint="{mp.url}"', "-o", str(tmp_path / "x.parquet")]
    environment = {**os.environ, "THERMOSCREEN_HOME": str(data)}
    with subprocess.Popen(
        [PROGRAM, *command, *options], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        while not list(data.rglob("page-000001.json.gz")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        _, messages = process.communicate()
    assert "status 429; try 2 of 6" in messages
    assert fake_mp.KEY not in messages
    return [query["_page"] for query in mp.pages]
