"""``thermoscreen store`` and ``export`` on real campaigns with failures, stopped and resumed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from ase.build import bulk
from ase.io import write
from typer.testing import CliRunner, Result

from screen.cli.app import app
from screen.core.errors import ThermoscreenError
from screen.core.records import Execution
from screen.pipeline.campaign import run_campaign
from screen.store import ledger
from screen.store.artifacts import Artifacts
from screen.store.database import open_snapshot
from screen.store.layout import artifacts_folder
from screen.store.location import Location
from tests.pipeline.campaigns import EXECUTIONS, NUMBERS, TINY, table, tiny, write_fcc
from tests.store.conftest import s3  # noqa: F401  # a fixture

ROOT = Path(__file__).parents[2]
BROKEN = "tests.pipeline.broken"
PROPERTIES = ["conductivity", "expansion", BROKEN]


@pytest.fixture(scope="module")
def crystals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good crystal, a bug, an unknown element, garbage and an unstable one."""
    folder = write_fcc(tmp_path_factory.mktemp("crystals"), "Cu", "Xe", "Au")
    (folder / "garbage.cif").write_text("this is no CIF\n")
    write(folder / "simple_cubic.vasp", bulk("Cu", "sc", a=2.5))
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, crystals: Path) -> Path:
    """A finished run; two protocols, failures of every sort."""
    run = tmp_path_factory.mktemp("finished") / "run"
    run_campaign(tiny(run, crystals, properties=PROPERTIES))
    protocol = {**TINY, "temperatures": [200, 300]}
    run_campaign(tiny(run, crystals, protocol=protocol, properties=["conductivity", BROKEN]))
    return run


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished run."""
    shutil.copytree(finished, tmp_path / "run", copy_function=shutil.copy2)
    return tmp_path / "run"


def command(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def answer(*words: object, code: int = 0, properties: tuple[str, ...] = (BROKEN,)) -> Any:
    """JSON that a command of ``store`` prints."""
    given = [word for name in properties for word in ("--property", name)]
    result = command("store", *words, "--json", *given)
    assert result.exit_code == code, (result.output, result.exception)
    return json.loads(result.stdout)


def contents(run: Path) -> dict[str, list[str]]:
    """All rows of all tables and of the view, in no order."""
    with open_snapshot(run) as snapshot:
        names = snapshot.query("SELECT DISTINCT table_name FROM columns")["table_name"].to_pylist()
        assert {"materials", "models", "protocols", "outcomes", "failures", "costs"} < set(names)
        found = {name: snapshot.query(f'FROM "{name}"').to_pylist() for name in names}
    return {name: sorted(map(_text, rows)) for name, rows in found.items()}


def _text(row: dict[str, Any]) -> str:
    """Row as text; a sum of costs depends in its last digit on the order of the summands."""
    return str([f"{x:.12g}" if isinstance(x, float) else x for x in row.values()])


def test_a_rebuilt_database_equals_the_old_one_table_by_table(run: Path) -> None:
    before = contents(run)
    kinds = {row["kind"] for row in table(run, "SELECT DISTINCT kind FROM failures")}
    assert kinds == {
        "unexpected_error",
        "unsupported_element",
        "unreadable_file",
        "imaginary_modes",
    }
    (run / "campaign.duckdb").unlink()
    rebuilt = answer("rebuild", "--run", run)
    assert rebuilt["outcomes"] == 10
    assert rebuilt["lost"] == {}
    after = contents(run)
    assert after.keys() == before.keys()
    for name in before:
        assert after[name] == before[name], name


def test_a_resumed_run_after_a_rebuild_computes_nothing(run: Path, crystals: Path) -> None:
    (run / "campaign.duckdb").write_bytes(b"no database at all")
    shutil.rmtree(run / "snapshots")
    answer("rebuild", "--run", run)
    assert (run / "campaign.duckdb.old").read_bytes() == b"no database at all"
    before = table(run, EXECUTIONS)
    state = run_campaign(tiny(run, crystals, properties=["conductivity", "expansion"]))
    assert state.resumed == 4, "all but the bug, which is tried again"
    assert table(run, f"FROM ({EXECUTIONS}) WHERE stage <> 'broken' ORDER BY ALL") == sorted(
        (row for row in before if row["stage"] != "broken"), key=lambda row: list(row.values())
    )


def test_a_rebuild_names_what_is_lost_and_the_next_run_computes_it(
    run: Path, crystals: Path
) -> None:
    numbers = table(run, NUMBERS)
    (key,) = table(run, "SELECT artifact FROM costs WHERE stage = 'expansion' AND material_id='Cu'")
    path = Path(str(Artifacts(artifacts_folder(run)).path("expansion", key["artifact"])))
    path.write_bytes(path.read_bytes()[:-9])
    assert list(answer("verify", "--run", run, "--set-aside", code=1)["broken"]) == [str(path)]
    found = answer("verify", "--run", run, code=1)
    assert found["missing"] == [{"stage": "expansion", "key": key["artifact"], "materials": ["Cu"]}]
    assert found["broken"] == {}
    rebuilt = answer("rebuild", "--run", run, code=1)
    assert list(rebuilt["lost"]) == ["Cu"]
    run_campaign(tiny(run, crystals, properties=PROPERTIES))
    answer("verify", "--run", run)
    again = table(run, NUMBERS)
    assert [list(row.values())[:2] for row in again] == [list(r.values())[:2] for r in numbers]


def test_a_rebuild_needs_to_know_every_property(run: Path) -> None:
    result = command("store", "rebuild", "--run", run)
    assert isinstance(result.exception, ThermoscreenError)
    assert "--property mygroup.broken" in str(result.exception)
    assert contents(run), "the old database is as it was"


def test_readers_see_whole_snapshots_while_a_rebuild_runs(run: Path) -> None:
    seen, stop = set[tuple[int, str]](), threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add((len(table(run, "FROM outcomes")), str(sorted(map(str, table(run, NUMBERS))))))

    reader = threading.Thread(target=read)
    reader.start()
    answer("rebuild", "--run", run)
    stop.set()
    reader.join()
    assert len(seen) == 1


def test_a_driver_at_work_keeps_rebuild_gc_and_compact_out(run: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from screen.store.database import Writer\n"
        "with Writer(Path(sys.argv[1])):\n  print('open', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", program, str(run)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        for name in ("rebuild", "gc --delete", "compact"):
            given = () if name == "compact" else ("--property", BROKEN)
            result = command("store", *name.split(), "--run", run, *given)
            assert "in use by process" in str(result.exception), name
        answer("verify", "--run", run)
        answer("gc", "--run", run)
        driver.kill()


class Fallen(BaseException):
    """The driver's end."""


def stopped(run: Path, crystals: Path, stage: str, patch: pytest.MonkeyPatch) -> None:
    """Run a campaign until the second material has computed a stage, then fall over."""
    append, seen = ledger.append, []

    def fall(place: Location, execution: Execution) -> None:
        append(place, execution)
        seen.append(execution.stage)
        if seen.count(stage) == 2:
            raise Fallen

    with patch.context() as context:
        context.setattr(ledger, "append", fall)
        with pytest.raises(Fallen):
            run_campaign(tiny(run, crystals, properties=PROPERTIES))


@pytest.mark.parametrize("compacted", [pytest.param(False, marks=pytest.mark.slow), True])
def test_gc_in_the_middle_of_a_campaign_deletes_nothing_that_a_resume_needs(
    finished: Path,
    crystals: Path,
    tmp_path: Path,
    compacted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "run"
    stopped(run, crystals, "fc3_fit", monkeypatch)
    artifacts = Artifacts(artifacts_folder(run))
    before = {place for place, _ in artifacts.listed()}
    referenced = table(run, "SELECT artifacts FROM outcomes")
    half = {key for row in referenced for key in json.loads(row["artifacts"]).values()}
    assert any(key not in half for _, key in before), "some belong to unfinished materials"
    stray = artifacts.write("relax", "0" * 24, artifacts.read(*sorted(before)[0]))
    dry = answer("gc", "--run", run, "--older-than", 0)
    assert [file["name"] for file in dry["files"]] == [f"relax/00/{'0' * 24}.npz"]
    assert Path(str(stray)).is_file()
    if compacted:
        assert command("store", "compact", "--run", run, "--older-than", 0).exit_code == 0
        assert not list(run.glob("artifacts/relax/*/*.npz"))
    deleted = answer("gc", "--run", run, "--older-than", 0, "--delete")
    assert deleted["files"] == dry["files"]
    assert {place for place, _ in artifacts.listed()} == before
    run_campaign(tiny(run, crystals, properties=PROPERTIES))
    where = "WHERE stage <> 'broken'"
    twice = table(
        run, f"SELECT stage FROM costs {where} GROUP BY stage, artifact HAVING count(*)>1"
    )
    assert twice == []
    first = f"FROM ({NUMBERS}) "
    calm = {row["material_id"]: row for row in table(finished, first + "WHERE expansion_300 > 0")}
    for row in table(run, first + "WHERE expansion_300 > 0"):
        for name, value in calm.pop(row["material_id"]).items():
            assert row[name] == (
                value if isinstance(value, str) else pytest.approx(value, rel=1e-9)
            )
    assert calm == {}


def test_compaction_leaves_few_files_and_every_number(run: Path, crystals: Path) -> None:
    before, rows = contents(run), table(run, NUMBERS)
    files = sum(1 for path in run.rglob("*") if path.is_file())
    assert command("store", "compact", "--run", run, "--older-than", 0).exit_code == 0
    left = [path for path in run.rglob("*") if path.is_file()]
    assert len(left) < files
    assert [path.name for path in (run / "ledger").iterdir()] == ["compact-000001.parquet"]
    assert len(list((run / "snapshots").glob("view-*"))) == 1
    answer("verify", "--run", run)
    (run / "campaign.duckdb").unlink()
    answer("rebuild", "--run", run)
    assert contents(run) == before
    state = run_campaign(tiny(run, crystals, properties=["conductivity", "expansion"]))
    assert state.resumed == 4
    assert [row["kappa_300"] for row in table(run, NUMBERS)] == [row["kappa_300"] for row in rows]


def test_what_was_in_a_broken_pack_is_computed_again(run: Path, crystals: Path) -> None:
    numbers = table(run, NUMBERS)
    assert command("store", "compact", "--run", run, "--older-than", 0).exit_code == 0
    (key,) = table(run, "SELECT artifact FROM costs WHERE stage = 'expansion' AND material_id='Cu'")
    pack = run / "artifacts" / "expansion" / key["artifact"][:2] / "packed.zip"
    pack.write_bytes(pack.read_bytes()[:-30])
    for words in (("gc", "--run", run), ("compact", "--run", run)):
        result = command("store", *words, *(("--property", BROKEN) if words[0] == "gc" else ()))
        assert result.exit_code == 0, (words, result.exception)
    assert "1 broken packs left as they are" in result.output
    found = answer("verify", "--run", run, "--set-aside", code=1)
    assert list(found["broken"]) == [str(pack)]
    assert [place["materials"] for place in found["missing"]] == [["Cu"]]
    assert answer("verify", "--run", run, code=1)["broken"] == {}
    assert list(answer("rebuild", "--run", run, code=1)["lost"]) == ["Cu"]
    run_campaign(tiny(run, crystals, properties=PROPERTIES))
    answer("verify", "--run", run)
    assert len(table(run, NUMBERS)) == len(numbers)


@pytest.fixture(params=["folder", "s3"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Location]:
    """A place for artifacts outside the run folder."""
    if request.param == "folder":
        yield tmp_path / "shelf"
        return
    request.getfixturevalue("s3")
    from tests.store.places import bucket

    yield bucket()


def test_a_campaign_keeps_its_artifacts_elsewhere(
    finished: Path, tmp_path: Path, elsewhere: Location
) -> None:
    run, other, crystals = tmp_path / "run", tmp_path / "other", tmp_path / "crystals"
    write_fcc(crystals, "Cu")
    changes: dict[str, Any] = {"artifacts": str(elsewhere)}
    if isinstance(elsewhere, str):  # of another process, which is told nothing but the URL
        changes["cluster"] = {"name": "local", "workers": 1}
    run_campaign(tiny(run, crystals, **changes))
    assert not (run / "artifacts").exists()
    assert (run / "ledger").exists() == isinstance(elsewhere, Path)
    (there,) = table(run, NUMBERS)
    (here,) = table(finished, f"FROM ({NUMBERS}) WHERE material_id='Cu' AND expansion_300 > 0")
    for name, value in there.items():
        assert here[name] == (value if isinstance(value, str) else pytest.approx(value, rel=1e-9))
    before = contents(run)
    found = answer("verify", "--run", run, properties=())
    assert found["checked"] == len(json.loads(table(run, "FROM outcomes")[0]["artifacts"]))
    assert found["orphaned"] == []
    (run / "campaign.duckdb").unlink()
    answer("rebuild", "--run", run, properties=())
    assert contents(run) == before
    run_campaign(tiny(other, crystals, artifacts=str(elsewhere), properties=["conductivity"]))
    assert table(other, "SELECT kappa_300 FROM results") == [{"kappa_300": there["kappa_300"]}]
    assert table(other, "FROM costs") == [], "the first run has computed it all"
    result = command("store", "gc", "--run", run)
    assert "also holds artifacts of" in str(result.exception)
    both = ("--run", run, "--run", other)
    assert answer("gc", *both, "--older-than", 0, properties=())["files"] == []


def test_every_table_is_exported_with_its_meaning(run: Path, tmp_path: Path) -> None:
    result = command("export", "tables", tmp_path / "out", "--run", run)
    assert result.exit_code == 0, result.output
    names = {path.stem for path in (tmp_path / "out").iterdir()}
    assert names == set(contents(run)) | {"results"}
    kappa = pyarrow.parquet.read_table(tmp_path / "out" / "conductivity.parquet")
    assert kappa.num_rows == 4
    about = kappa.schema.field("kappa_300").metadata
    assert about[b"unit"] == b"W/m/K"
    assert about[b"description"]
    told = json.loads(kappa.schema.metadata[b"thermoscreen"])
    assert told["table"] == "conductivity"
    assert told["run"] == "run"


def test_force_constants_of_many_materials_are_exported_by_a_condition(
    run: Path, tmp_path: Path
) -> None:
    import phono3py

    out = tmp_path / "out"
    where = "formula IN ('Cu', 'Xe') AND kappa_300 > 0 AND list_contains(elements, 'Cu')"
    result = command("export", "phono3py", out, "--run", run, "--where", where)
    assert result.exit_code == 0, (result.output, result.exception)
    folders = sorted(path.parent for path in out.rglob("fc3.hdf5"))
    assert len(folders) == 2, "one for each protocol"
    assert {folder.parent.name for folder in folders} == {"Cu"}
    loaded = phono3py.load(
        folders[0] / "phono3py_params.yaml",
        fc2_filename=folders[0] / "fc2.hdf5",
        fc3_filename=folders[0] / "fc3.hdf5",
        log_level=0,
    )
    assert loaded.fc3 is not None
    result = command("export", "phono3py", out, "--run", run, "--where", "kappa_300 > 1e9")
    assert "no material where kappa_300 > 1e9" in str(result.exception)


def test_materials_of_similar_names_are_exported_to_folders_of_their_own(tmp_path: Path) -> None:
    crystals = write_fcc(tmp_path / "crystals", "Cu")
    for name in ("Cu x", "Cu_x", "cu"):
        shutil.copy(crystals / "Cu.vasp", crystals / f"{name}.vasp")
    run_campaign(tiny(tmp_path / "run", crystals, properties=["conductivity"]))
    out = tmp_path / "out"
    result = command("export", "phono3py", out, "--run", tmp_path / "run")
    assert "force constants of 4 outcomes" in result.output
    names = sorted(path.name for path in out.iterdir())
    assert len({name.casefold() for name in names}) == 4, "also where case does not count"
    assert "Cu_x" in names
    assert all((out / name / "fc3.hdf5").is_file() for name in names)
    again = tmp_path / "again"
    where = "material_id = 'Cu x'"
    command("export", "phono3py", again, "--run", tmp_path / "run", "--where", where)
    (alone,) = again.iterdir()
    assert alone.name in names, "its name does not depend on what else is exported"
    assert alone.name != "Cu_x"


@pytest.mark.parametrize("name", ["verify", "rebuild", "gc", "compact"])
def test_a_run_that_is_not_there_is_not_made(tmp_path: Path, name: str) -> None:
    result = command("store", name, "--run", tmp_path / "nothing")
    assert isinstance(result.exception, ThermoscreenError)
    assert not (tmp_path / "nothing").exists()
