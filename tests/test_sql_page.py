"""The page on SQL: made from what is declared; what it says of other programs holds."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from screen.store.database import open_snapshot
from screen.store.examples import examples
from screen.store.views import relations
from tests.test_ranking import OUTCOMES, published

CLI = Path(sys.executable).with_name("duckdb")
DOCS = Path(__file__).parents[1] / "docs"
TEXT = (DOCS / "sql.md").read_text(encoding="utf-8")
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->"


def node_has_duckdb() -> bool:
    """Say whether Node.js is there with DuckDB's package, e.g. below ``NODE_PATH``."""
    node = shutil.which("node")
    if node is None:
        return False
    ask = [node, "-e", "require.resolve('@duckdb/node-api')"]
    return subprocess.run(ask, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands of the page are given: it holds ``runs/demo``."""
    here: Path = tmp_path_factory.mktemp("user")
    published(here / "runs" / "demo", OUTCOMES).close()
    return here


def rows_of(command: list[str | Path], folder: Path) -> list[dict[str, object]]:
    """Run a program that prints one record per line."""
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in ended.stdout.splitlines() if line]


def test_the_committed_page_is_what_the_program_makes() -> None:
    page = runpy.run_path(str(DOCS / "make_sql_page.py"))["page"]
    written, _, _ = TEXT.partition(BEGIN)
    assert page(f"{written}{BEGIN}{END}\n") == TEXT, "run python docs/make_sql_page.py"


def test_the_page_explains_every_view_macro_and_example() -> None:
    for item in relations((), ()):
        assert f"### `{item.name}" in TEXT
    for example in examples():
        assert example.sql in TEXT
    assert "| `kappa_300` | DOUBLE | W/m/K | κ_P + κ_C at 300 K, mean of xx, yy, zz |" in TEXT


def test_plain_duckdb_reads_a_snapshot_as_the_page_says(folder: Path) -> None:
    """In a process that has no Thermoscreen, nor a way to find it."""
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    code = code.replace("450", "350")  # no grid of this run reaches further
    tell = (
        "import json, sys\n"
        "assert not [name for name in sys.modules if name.startswith('screen')]\n"
        "for row in rows: print(json.dumps(row))"
    )
    found = rows_of([sys.executable, "-I", "-c", f"{code}\n{tell}"], folder)
    with open_snapshot(folder / "runs" / "demo") as snapshot:
        expected = snapshot.query("SELECT formula, kappa FROM insulators_at(350) ORDER BY rank")
    assert found == [list(row.values()) for row in expected.to_pylist()]
    assert len(found) == 3


@pytest.mark.skipif(not node_has_duckdb(), reason="no Node.js that finds @duckdb/node-api")
def test_node_reads_a_snapshot_as_the_page_says(folder: Path) -> None:
    (code,) = re.findall(r"```js\n(.*?)```", TEXT, re.DOTALL)
    tell = "read().then((rows) => rows.forEach((row) => console.log(JSON.stringify(row))));"
    found = rows_of(["node", "-e", code.replace("450", "350") + tell], folder)
    with open_snapshot(folder / "runs" / "demo") as snapshot:
        expected = snapshot.query("SELECT formula, kappa FROM insulators_at(350) ORDER BY rank")
    assert found == [list(row.values()) for row in expected.to_pylist()]
    assert len(found) == 3


@pytest.mark.skipif(not CLI.exists(), reason="DuckDB's command line is not installed: duckdb-cli")
def test_duckdbs_command_line_reads_every_view_macro_and_example(folder: Path) -> None:
    """Version 1.5: it lacks some functions of 2.0, which views must not use."""
    (command,) = (line for line in TEXT.splitlines() if line.startswith("duckdb -readonly"))
    shell = f'PATH="{CLI.parent}:$PATH"; {command.replace("-readonly", "-readonly -jsonlines")}'
    ranked = rows_of(["bash", "-c", shell], folder)
    with open_snapshot(folder / "runs" / "demo") as snapshot:
        assert [row["kappa"] for row in ranked] == snapshot.query("FROM insulators ORDER BY kappa")[
            "kappa"
        ].to_pylist()
        calls = (f"{item.name}{'(300)' * bool(item.parameters)}" for item in relations((), ()))
        for sql in (*(f"FROM {call}" for call in calls), *(item.sql for item in examples())):
            found = rows_of([CLI, "-readonly", "-jsonlines", snapshot.path, sql], folder)
            assert len(found) == len(snapshot.query(sql)), sql
