"""``thermoscreen catalog`` and campaigns on databases: the key is in no file and in no output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from screen.cli.app import app
from screen.core.errors import ThermoscreenError
from screen.pipeline.campaign import run_campaign
from tests.pipeline.campaigns import table, tiny
from tests.sources import fake_mp

PROGRAM = Path(sys.executable).parent / "thermoscreen"


@pytest.fixture
def call():
    """Run ``thermoscreen catalog`` in this process; returns what it prints, or raises."""

    def run(*arguments):
        result = CliRunner().invoke(app, ["catalog", *map(str, arguments)])
        assert fake_mp.KEY not in result.output
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return run


def pulling(service, file, *more):
    return (
        *("pull", "--source", "materials_project", "--option", f'endpoint="{service.url}"'),
        *("-o", file, *more),
    )


def holders_of_the_key(*folders):
    """Files that have the key in them."""
    files = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert files
    return [file for file in files if fake_mp.KEY.encode() in file.read_bytes()]


def test_a_pull_says_what_was_found_dropped_and_written(mp, call, tmp_path):
    mp.documents.append({**mp.documents[0], "material_id": "mp-9"})
    mp.ignored = frozenset({"band_gap_min"})
    file = tmp_path / "new" / "x.parquet"
    told = call(*pulling(mp, file, "--where", "band_gap>0.4"))
    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "materials_project: 13/13" in lines
    assert "found 13 entries" in lines
    assert f"database version {fake_mp.DB_VERSION}" in lines
    dropped = sum(d["band_gap"] <= 0.4 for d in mp.documents)
    assert f"dropped: band_gap > 0.4 {dropped}" in lines
    assert f"written {13 - dropped}" in lines
    assert f"licences CC BY 4.0 ({13 - dropped})" in lines
    shown = call("show", file)
    assert "band_gap > 0.4 and deprecated = false and gnome = false" in shown
    assert json.loads(call("show", file, "--json"))["written"] == 13 - dropped
    rows = json.loads(call("list", "catalog", "--option", f"file={file}", "--format", "json"))
    assert len(rows) == 13 - dropped
    assert not holders_of_the_key(tmp_path)


def test_a_quick_pull_says_that_it_is_not_all(mp, call, tmp_path):
    mp.documents = fake_mp.documents(102)
    told = call(*pulling(mp, tmp_path / "x.parquet", "--quick", "--where", "elements has O"))
    assert "100 entries of 102" not in told  # the server has applied the filter
    told = call(*pulling(mp, tmp_path / "x.parquet", "--quick"))
    assert "100 entries of 102" in " ".join(told.split())


def test_nothing_is_written_where_nothing_fits(mp, call, tmp_path):
    with pytest.raises(ThermoscreenError, match="no entry that fits"):
        call(*pulling(mp, tmp_path / "x.parquet", "--where", "band_gap > 90"))
    assert not (tmp_path / "x.parquet").exists()


def test_two_filters_are_refused(mp, call, tmp_path):
    with pytest.raises(ThermoscreenError, match="not by both"):
        call(*pulling(mp, tmp_path / "x", "--where", "nsites=1", "--option", "where=nsites=2"))


def test_ctrl_c_keeps_the_pages_and_the_same_command_goes_on(mp, call, tmp_path, data):
    """The first page has come, the answer to the second request hangs."""
    mp.faults = [fake_mp.Fault(delay=60)]
    where = "space_group in 225, 216"  # two searches
    mp.documents = [*fake_mp.documents(4), *fake_mp.documents(850)[840:844]]
    mp.faults[0].times = 0

    def arrange(found, _):
        mp.faults[0].times = 1
        return found

    mp.arrange = arrange
    file = tmp_path / "x.parquet"
    command = [str(PROGRAM), "catalog", *map(str, pulling(mp, file, "--where", where))]
    with subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "THERMOSCREEN_HOME": str(data)},
        # a shell that starts CI in the background lets its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "materials_project: 4/4\n"
        while len(mp.pages) < 2:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, messages = process.communicate(timeout=60)
    assert process.returncode == 130
    assert messages.endswith("stopped; what has come is kept. Go on with the same command.\n")
    assert "Traceback" not in messages
    assert fake_mp.KEY not in out + messages
    assert not file.exists()
    mp.arrange = lambda found, _: found
    mp.faults.clear()
    mp.requests.clear()
    told = call(*pulling(mp, file, "--where", where))
    assert "written" in told
    assert [query["spacegroup_number"] for query in mp.pages] == ["216"]
    assert not holders_of_the_key(tmp_path)


def test_a_campaign_on_the_database_and_one_on_its_catalog_agree(mp, call, tmp_path, data):
    """What the database knows reaches the store; the key reaches nothing."""
    mp.documents = mp.documents[:3]
    mp.documents[0]["builder_meta"]["license"] = "BY-NC"
    options = {"endpoint": mp.url, "include_gnome": True}
    file = tmp_path / "x.parquet"
    call(*pulling(mp, file, "--option", "include_gnome=true"))
    sources = {
        "direct": {"name": "materials_project", **options},
        "catalog": {"name": "catalog", "file": str(file)},
    }
    sql = (
        "SELECT material_id, formula, n_atoms, mp_id, band_gap, energy_above_hull, licence, "
        "db_version, crystal_digest FROM materials ORDER BY material_id"
    )
    found = {}
    for name, source in sources.items():
        campaign = tiny(tmp_path / name, tmp_path, source=source, properties=["benchmarks.trivial"])
        state = run_campaign(campaign)
        assert state.done == 3
        found[name] = table(tmp_path / name, sql)
    assert found["direct"] == found["catalog"]
    first = found["direct"][0]
    assert (first["material_id"], first["mp_id"]) == ("mp-1000", "mp-1000")
    assert [row["licence"] for row in found["direct"]] == ["CC BY-NC 4.0", "CC BY 4.0", "CC BY 4.0"]
    assert {row["db_version"] for row in found["direct"]} == {fake_mp.DB_VERSION}
    gaps = [document["band_gap"] for document in mp.documents]
    assert [row["band_gap"] for row in found["direct"]] == gaps
    assert not holders_of_the_key(tmp_path)


def test_the_command_line_does_not_load_the_client_before_it_is_needed():
    heavy = "('mp_api', 'boto3', 'deltalake', 'requests', 'pymatgen')"
    code = f"import sys, screen.cli.app; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
