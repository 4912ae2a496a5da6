"""``thermoscreen sql`` as people and programs use it."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet
import pytest

from screen.store.database import open_snapshot
from screen.store.examples import examples
from tests.command_line import Answer, Call
from tests.test_ranking import OUTCOMES, published

SQL = "SELECT formula, material_id, kappa, elements FROM insulators_at(350) ORDER BY rank"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("runs") / "demo"
    published(folder, OUTCOMES).close()
    return folder


@pytest.fixture
def expected(run: Path) -> list[dict[str, object]]:
    with open_snapshot(run) as snapshot:
        rows: list[dict[str, object]] = snapshot.query(SQL).to_pylist()
    assert len(rows) == 3
    return rows


def read(content: bytes, kind: str) -> list[dict[str, object]]:
    """What another program finds in the output."""
    if kind == "parquet":
        rows: list[dict[str, object]] = pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()
        return rows
    text = content.decode()
    if kind == "json":
        found: list[dict[str, object]] = json.loads(text)
        return found
    if kind == "jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return [
        {
            "formula": row["formula"] or None,
            "material_id": row["material_id"],
            "kappa": float(row["kappa"]),
            "elements": json.loads(row["elements"] or "null"),
        }
        for row in csv.DictReader(io.StringIO(text))
    ]


def one_line(answer: Answer) -> str:
    """The message of a refusal: one line, nothing on the standard output."""
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert answer.err.count("\n") == 1
    return answer.err


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet"])
def test_every_format_holds_the_same_rows_in_a_file_and_on_the_standard_output(
    run: Path, expected: list[dict[str, object]], call: Call, tmp_path: Path, kind: str
) -> None:
    printed = call("sql", "--run", run, SQL, "--format", kind)
    assert (printed.code, printed.err) == (0, "")
    assert read(printed.raw, kind) == expected
    file = tmp_path / f"rows.{kind}"
    written = call("sql", "--run", run, SQL, "--output", file)
    assert (written.code, written.out) == (0, "")
    assert written.err == f"{file}: 3 rows\n"
    assert read(file.read_bytes(), kind) == expected
    named = tmp_path / "rows.data"
    assert call("sql", "--run", run, SQL, "-o", named, "--format", kind).code == 0
    assert read(named.read_bytes(), kind) == expected


def test_the_table_is_for_people(run: Path, call: Call) -> None:
    answer = call("sql", "--run", run, SQL)
    assert answer.code == 0
    for word in ("material_id", "low", "middle", "[Br, Li]"):
        assert word in answer.out
    united = call("sql", "--run", run, "SELECT temperature, rank FROM insulators LIMIT 1")
    heading, unit = united.out.splitlines()[1:3]
    assert ("temperature" in heading, "[K]" in unit) == (True, True)


def test_a_wide_table_is_shown_row_by_row(run: Path, call: Call) -> None:
    answer = call("sql", "--run", run, "FROM results LIMIT 2")
    assert answer.out.count("row 1") == answer.out.count("row 2") == 1
    assert "wall_s [s]" in answer.out
    assert call("sql", "--run", run, "FROM results WHERE false").out == "no rows\n"


def test_a_date_that_python_does_not_know_is_refused_in_one_line(run: Path, call: Call) -> None:
    date = "SELECT DATE '290000-01-01' AS day"
    for kind in ("table", "json"):
        assert "VARCHAR" in one_line(call("sql", "--run", run, date, "--format", kind))
    assert "290000" in call("sql", "--run", run, f"SELECT day::VARCHAR AS d FROM ({date})").out


def test_the_sql_comes_from_a_file_or_the_standard_input(
    run: Path,
    expected: list[dict[str, object]],
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = tmp_path / "query.sql"
    file.write_text(f"-- κ of everything\n{SQL};\n", encoding="utf-8")
    assert json.loads(call("sql", "--run", run, "-f", file, "--format", "json").out) == expected
    with file.open(encoding="utf-8") as handle:
        monkeypatch.setattr(sys, "stdin", handle)
        assert json.loads(call("sql", "--run", run, "-", "--format", "json").out) == expected


def test_every_example_can_be_given_as_a_file(run: Path, call: Call) -> None:
    for example in examples():
        file = Path(__file__).parents[1] / "catalogs" / "queries" / example.file
        answer = call("sql", "--run", run, "--file", file, "--format", "csv")
        assert (answer.code, answer.err) == (0, ""), example.name


def test_what_is_wrong_is_one_line(run: Path, call: Call, tmp_path: Path) -> None:
    assert "kapa" in one_line(call("sql", "--run", run, "SELECT kapa FROM results"))
    assert "read-only" in one_line(call("sql", "--run", run, "DROP TABLE stability"))
    assert "disabled" in one_line(call("sql", "--run", run, "FROM read_text('/etc/passwd')"))
    assert "ask one at a time" in one_line(call("sql", "--run", run, "SELECT 1; SELECT 2"))
    assert "not a query" in one_line(call("sql", "--run", run, ""))
    assert "no run folder" in one_line(call("sql", "--run", tmp_path / "no", SQL))
    assert "has published no results yet" in one_line(call("sql", "--run", tmp_path, SQL))
    missing = tmp_path / "no.sql"
    assert f"cannot read the SQL in {missing}" in one_line(call("sql", "--run", run, "-f", missing))
    (tmp_path / "latin.sql").write_bytes(b"SELECT '\xe9'")
    unread = call("sql", "--run", run, "-f", tmp_path / "latin.sql")
    assert "cannot read the SQL" in one_line(unread)
    unknown = call("sql", "--run", run, SQL, "-o", tmp_path / "rows.xlsx")
    assert "no format 'xlsx'; known: csv, json, jsonl, parquet" in one_line(unknown)
    nowhere = call("sql", "--run", run, SQL, "-o", tmp_path / "latin.sql" / "rows.csv")
    assert "cannot write" in one_line(nowhere)


def test_what_takes_too_long_or_too_much_is_stopped_with_one_line(run: Path, call: Call) -> None:
    slow = call("sql", "--run", run, "--timeout", "0.2", "SELECT sleep_ms(600000)")
    assert "was stopped after 0.2 s" in one_line(slow)
    large = "SELECT count(*) FROM (SELECT DISTINCT hash(range) FROM range(100000000))"
    assert "Out of Memory" in one_line(call("sql", "--run", run, "--memory", "50MB", large))


def test_sql_from_two_places_or_none_is_a_usage_error(run: Path, call: Call) -> None:
    for arguments in ((), (SQL, "--file", "query.sql")):
        answer = call("sql", "--run", run, *arguments)
        assert answer.code == 2
        assert "give SQL, - or --file, one of them" in " ".join(answer.err.split())


def test_ctrl_c_ends_a_query_without_a_traceback(run: Path) -> None:
    endless = "SELECT count(*) FROM range(1000000000000) AS a, range(1000) AS b"
    with subprocess.Popen(
        [sys.executable, "-c", ANNOUNCED, "sql", "--run", run, endless],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that starts CI in the background lets its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 130
    assert messages.strip() in {"", "Aborted."}


ANNOUNCED = """
import sys
from screen import cli
from screen.store import database
fetch = database._fetched
def announced(*arguments):
    print("asked", flush=True)
    return fetch(*arguments)
database._fetched = announced
cli.main()
"""


def test_a_query_imports_nothing_that_computes(run: Path) -> None:
    """It starts quickly, and compiled packages have nothing to complain about when it ends."""
    program = (
        "import atexit, sys\n"
        "heavy = {'phonopy', 'phono3py', 'symfc', 'spglib', 'scipy', 'torch', 'dask', 'pymatgen'}\n"
        "atexit.register(lambda: print(sorted(heavy & sys.modules.keys()), file=sys.stderr))\n"
        "from screen import cli\ncli.main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, "sql", "--run", run, SQL, "--format", "csv"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == "[]\n"
