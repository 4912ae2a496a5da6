"""The command line as people and programs use it: real commands on one tiny campaign."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import phono3py
import pyarrow.parquet
import pytest
from phono3py.file_IO import read_fc3_from_hdf5
from rich.console import Console
from rich.text import Text

from screen import cli, console
from screen.core.registry import names
from screen.core.settings import PROTOCOLS
from screen.pipeline.state import State
from screen.wigner.engine import run_engine
from tests.command_line import Answer, Call
from tests.pipeline.campaigns import write_fcc

PROGRAM = Path(sys.executable).parent / "thermoscreen"
COMMANDS = {  # command: a word of its help that says what it is for
    "run": "campaign",
    "status": "failures",
    "rank": "insulators",
    "sql": "SQL",
    "show": "material",
    "catalog": "candidates",
    "models": "potentials",
    "plan": "cost",
    "store": "compact",
    "export": "Parquet",
    "protocols": "protocols",
    "report": "shortlist",
    "benchmark": "SRME",
    "dashboard": "browser",
}
CAMPAIGN = """
name = "tiny"

[source]
name = "files"
path = "{crystals}"

[model]
family = "springs"

[cluster]
name = "inline"

[protocol]
base = "quick"
temperatures = [100, 300]
displacements = {{fc2_minimum_image = 7, fc3_minimum_image = 7, fc3_scheme = "finite_differences"}}
conductivity = {{mesh = {{length = 12}}}}
expansion = {{mesh = {{length = 12}}, temperatures = [0, 100, 300]}}
"""
README_QUERY = "SELECT formula, kappa_300, expansion_300 FROM results"


def program(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run ``thermoscreen`` in a process of its own."""
    return subprocess.run(
        [PROGRAM, *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


@dataclass(frozen=True)
class Tiny:
    """A finished run of copper, silver and gold, which springs do not know."""

    folder: Path  # in which the command was given
    toml: Path
    run: Path
    first: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("cli")
    toml = folder / "tiny.toml"
    toml.write_text(CAMPAIGN.format(crystals=write_fcc(folder / "crystals", "Cu", "Ag", "Au")))
    first = program("run", toml.name, cwd=folder)
    return Tiny(folder, toml, folder / "runs" / "tiny", first)


def test_a_run_writes_to_runs_beside_the_user_and_says_what_came_out(tiny: Tiny) -> None:
    assert tiny.first.returncode == 0, tiny.first.stderr
    assert tiny.first.stdout == ""  # messages go to the standard error
    assert tiny.first.stderr.splitlines()[-1] == "runs/tiny: 2 complete, 1 failed"
    assert "unsupported_element" in tiny.first.stderr
    assert (tiny.run / "campaign.toml").read_text() == tiny.toml.read_text()


@pytest.mark.slow
def test_ctrl_c_stops_and_the_same_command_goes_on(tiny: Tiny, call: Call, tmp_path: Path) -> None:
    command = ["run", tiny.toml, "--run", tmp_path / "run"]
    with subprocess.Popen(
        [PROGRAM, *command],
        stderr=subprocess.PIPE,
        text=True,
        # a shell that starts CI in the background lets its children ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as process:
        assert process.stderr is not None
        # gold is refused before anything runs
        assert process.stderr.readline().startswith("1/3 done; failures: 1 unsupported_element\n")
        process.send_signal(signal.SIGINT)
        messages = process.stderr.read()
    assert process.returncode == 0
    assert messages.splitlines()[-1].endswith("to do. Go on with the same command.")
    assert "Traceback" not in messages
    again = call(*command)
    assert again.code == 0
    assert "2 complete, 1 f" in again.err  # 1 failed, or 1 from an earlier run if it was stored
    there, here = (
        json.loads(call("status", "--run", run, "--json").out)
        for run in (tmp_path / "run", tiny.run)
    )
    assert there["materials"] == here["materials"]


def test_on_a_terminal_the_display_shows_what_runs_and_what_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=100, markup=False)
    monkeypatch.setattr(console, "MESSAGES", terminal)
    state = State(total=5, statuses=Counter(failed=2), kinds=Counter(imaginary_modes=2))
    state.running = {"Cu[a]": "fc3_forces"}
    with console.progress(Path("runs/[b]")) as watch:
        watch(state)
    shown = Text.from_ansi(screen.getvalue()).plain
    for part in ("runs/[b]", "2/5", "Cu[a] fc3_forces", "failures: 2 imaginary_modes", "left"):
        assert part in shown


def test_a_second_run_says_that_nothing_is_new(tiny: Tiny, call: Call) -> None:
    answer = call("run", tiny.toml, "--run", tiny.run)
    assert answer.code == 0
    assert answer.err.splitlines()[-1] == f"{tiny.run}: nothing new, 3 from an earlier run"


def test_run_takes_another_folder_and_another_cluster(call: Call, tmp_path: Path) -> None:
    other = tmp_path / "other"
    toml = tmp_path / "campaign.toml"
    text = CAMPAIGN.format(crystals=write_fcc(tmp_path / "crystals", "Au"))
    toml.write_text(text.replace("inline", "nosuch"))
    refused = call("run", toml, "--run", other)
    assert refused.code == 2
    assert "nosuch" in refused.err
    answer = call("run", toml, "--run", other, "--cluster", "inline")
    assert answer.code == 0
    assert answer.err.splitlines()[-1] == f"{other}: 1 failed"
    assert json.loads(call("status", "--run", other, "--json").out)["run"] == str(other)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_a_command_is_for(command: str, call: Call) -> None:
    for flag in ("--help", "-h"):
        answer = call(command, flag)
        assert answer.code == 0
        assert COMMANDS[command] in answer.out
        assert answer.err == ""


def test_help_lists_every_command_and_no_argument_is_help() -> None:
    asked, bare = program("--help"), program()
    assert asked.returncode == 0
    registered = {
        command.name or command.callback.__name__ for command in cli.app.registered_commands
    } | {group.name for group in cli.app.registered_groups}
    assert set(COMMANDS) == registered
    for text in (asked.stdout, bare.stdout + bare.stderr):
        assert all(f" {command} " in text for command in COMMANDS)
        assert "thermal conductivity" in text


def test_the_query_of_the_readme_gives_csv_as_it_stands_there(tiny: Tiny) -> None:
    answer = program("sql", "--run", tiny.run, "--format", "csv", README_QUERY)
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr == ""
    rows = list(csv.DictReader(io.StringIO(answer.stdout)))
    assert list(rows[0]) == ["formula", "kappa_300", "expansion_300"]
    values = {row["formula"]: row for row in rows}
    assert set(values) == {"Cu", "Ag", "Au"}
    assert values["Au"]["kappa_300"] == ""  # it failed: absent, not zero
    # fcc metals of springs: κ of some 10 W/m/K; α is 4.2e-6 (Cu) and 6.9e-6 1/K (Ag) in supercells
    # wider than the springs, up to a third less in these
    for metal, alpha in (("Cu", 4.2e-6), ("Ag", 6.9e-6)):
        assert 5 < float(values[metal]["kappa_300"]) < 100
        assert 0.65 * alpha < float(values[metal]["expansion_300"]) < 1.05 * alpha


def test_all_formats_hold_the_same_rows(tiny: Tiny, call: Call) -> None:
    def asked(fmt: str) -> bytes:
        answer = call("sql", "--run", tiny.run, f"{README_QUERY} ORDER BY ALL", "--format", fmt)
        assert answer.code == 0, answer.err
        return answer.raw

    expected = json.loads(asked("json"))
    assert [row["formula"] for row in expected] == ["Ag", "Au", "Cu"]
    assert [json.loads(line) for line in asked("jsonl").splitlines()] == expected
    assert pyarrow.parquet.read_table(io.BytesIO(asked("parquet"))).to_pylist() == expected
    comma = list(csv.DictReader(io.StringIO(asked("csv").decode())))
    assert [float(row["kappa_300"] or "nan") for row in comma] == pytest.approx(
        [np.nan if row["kappa_300"] is None else row["kappa_300"] for row in expected], nan_ok=True
    )
    shown = asked("table").decode()
    assert f"{expected[0]['kappa_300']:.4g}" in shown
    assert "–" in shown  # absent


def test_status_as_json_counts_materials_failures_and_costs(tiny: Tiny, call: Call) -> None:
    answer = call("status", "--run", tiny.run, "--json")
    assert answer.code == 0
    status = json.loads(answer.out)
    counts = {row["status"]: row["materials"] for row in status["materials"]}
    assert counts == {"complete": 2, "failed": 1}
    (failure,) = status["failures"]
    assert (failure["stage"], failure["kind"]) == ("relax", "unsupported_element")
    costs = {row["stage"]: row["executions"] for row in status["costs"]}
    assert costs["relax"] == 2  # gold was refused before
    assert costs["conductivity"] == 2


def test_status_is_a_table_for_people(tiny: Tiny, call: Call) -> None:
    answer = call("status", "--run", tiny.run)
    assert answer.code == 0
    for word in ("complete", "failed", "unsupported_element", "fc3_forces"):
        assert word in answer.out


def test_show_as_json_gives_results_and_failures(tiny: Tiny, call: Call) -> None:
    copper = json.loads(call("show", "Cu", "--run", tiny.run, "--json").out)
    (result,) = copper["results"]
    assert result["stable"] is True
    assert copper["failures"] == []
    gold = json.loads(call("show", "Au", "--run", tiny.run, "--json").out)
    assert [failure["kind"] for failure in gold["failures"]] == ["unsupported_element"]


def test_show_prints_figures_and_failures_for_people(tiny: Tiny, call: Call) -> None:
    copper, gold = (call("show", name, "--run", tiny.run).out for name in ("Cu", "Au"))
    assert copper.startswith("Cu · springs · quick-modified\n")
    assert "kappa_300" in copper
    assert "failures" not in copper
    assert "springs was not trained on Au" in gold
    assert "[Au]" in gold  # a list in brackets is no markup


def test_exported_force_constants_read_by_phono3py_give_the_same_conductivity(
    tiny: Tiny, call: Call, tmp_path: Path
) -> None:
    """What phono3py reads back gives the run's κ: 1e-9, the same solver on the same numbers."""
    answer = call("show", "Cu", "--run", tiny.run, "--export", tmp_path / "Cu")
    assert answer.code == 0
    written = [Path(line) for line in answer.err.splitlines()]  # long paths are not folded
    assert written == [
        tmp_path / "Cu" / name for name in ("phono3py_params.yaml", "fc2.hdf5", "fc3.hdf5")
    ]
    loaded = phono3py.load(
        written[0],
        fc2_filename=written[1],
        fc3_filename=written[2],
        log_level=0,
    )
    np.testing.assert_array_equal(loaded.fc3, read_fc3_from_hdf5(written[2]))
    (result,) = json.loads(call("show", "Cu", "--run", tiny.run, "--json").out)["results"]
    loaded.mesh_numbers = [int(n) for n in result["mesh"].split("×")]
    transport = run_engine(loaded, (300.0,), isotopes=True, boundary_mean_free_path=1e6).transport
    kappa = np.trace(transport.kappa_p[0] + transport.kappa_c[0]) / 3
    assert kappa == pytest.approx(result["kappa_300"], rel=1e-9)


def test_a_failed_material_has_nothing_to_export(tiny: Tiny, call: Call, tmp_path: Path) -> None:
    answer = call("show", "Au", "--run", tiny.run, "--export", tmp_path / "Au")
    assert answer.code == 2
    assert "Au has no force constants to export" in answer.err
    assert not (tmp_path / "Au").exists()


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_exported_modes_sum_to_the_conductivity(
    tiny: Tiny, call: Call, tmp_path: Path, suffix: str
) -> None:
    file = tmp_path / f"modes.{suffix}"
    answer = call("show", "Cu", "--run", tiny.run, "--modes", file)
    assert answer.code == 0, answer.err
    assert answer.err.strip() == str(file)
    modes = read_rows(file)
    (result,) = json.loads(call("show", "Cu", "--run", tiny.run, "--json").out)["results"]
    at_300 = [row for row in modes if float(row["temperature_k"]) == 300]
    assert len(modes) == 2 * len(at_300)  # 100 and 300 K
    for part in ("kappa_p", "kappa_c"):
        total = sum(float(row[part]) for row in at_300)
        assert total == pytest.approx(result[f"{part}_300"], rel=1e-9)
    moving = [row for row in at_300 if float(row["kappa_p"]) > 0]
    for row in moving:
        lifetime = 1 / (2 * np.pi * float(row["linewidth_thz"]))
        assert float(row["lifetime_ps"]) == pytest.approx(lifetime)
        path = float(row["speed_m_s"]) * lifetime * 1e-3  # nm
        assert float(row["mean_free_path_nm"]) == pytest.approx(path)
        assert row["regime"] == "particle_like"


def read_rows(file: Path) -> list[dict[str, object]]:
    """What another program reads from a file of each format."""
    if file.suffix == ".parquet":
        rows: list[dict[str, object]] = pyarrow.parquet.read_table(file).to_pylist()
        return rows
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    with file.open() as handle:
        return list(csv.DictReader(handle))


def test_modes_that_cannot_be_exported_are_one_clear_line(
    tiny: Tiny, call: Call, tmp_path: Path
) -> None:
    failed = call("show", "Au", "--run", tiny.run, "--json", "--modes", tmp_path / "modes.csv")
    assert failed.code == 2
    assert "Au has no conductivity to export" in failed.err
    unknown = call("show", "Cu", "--run", tiny.run, "--json", "--modes", tmp_path / "modes.xls")
    assert unknown.code == 2
    assert "no format 'xls'; known: csv" in unknown.err


def test_rankings_are_reversed_and_agree_with_sql(tiny: Tiny, call: Call) -> None:
    def ranked(kind: str, *more: str) -> list[dict[str, str]]:
        answer = call("rank", kind, "--run", tiny.run, "--format", "csv", *more)
        assert answer.code == 0, answer.err
        return list(csv.DictReader(io.StringIO(answer.out)))

    up, down = ranked("insulators"), ranked("heat-spreaders")
    assert [row["formula"] for row in up] == ["Cu", "Ag"]
    assert [row["formula"] for row in down] == ["Ag", "Cu"]
    assert [row["rank"] for row in up] == ["1", "2"]
    sql = call("sql", README_QUERY, "--run", tiny.run, "--format", "json")
    kappa = {row["formula"]: row["kappa_300"] for row in json.loads(sql.out)}
    assert [float(row["kappa"]) for row in up] == [kappa["Cu"], kappa["Ag"]]
    assert len(ranked("insulators", "--limit", "1")) == 1
    colder = ranked("insulators", "--temperature", "200", "--where", "formula = 'Cu'")
    assert [row["formula"] for row in colder] == ["Cu"]
    assert float(colder[0]["kappa"]) > kappa["Cu"]


def test_a_ranking_for_people_names_units_and_what_is_the_same_for_all(
    tiny: Tiny, call: Call
) -> None:
    answer = call("rank", "insulators", "--run", tiny.run)
    assert answer.code == 0
    assert answer.out.startswith("insulators at 300 K (springs, quick-modified, complete")
    assert "[W/m/K]" in answer.out
    assert "[1/K]" in answer.out


def test_the_benchmark_catalog_is_listed_up_to_a_limit(call: Call) -> None:
    answer = call("catalog", "list", "benchmark", "--option", "limit=3", "--format", "csv")
    assert answer.code == 0
    rows = list(csv.DictReader(io.StringIO(answer.out)))
    assert len(rows) == 3
    assert all(row["prototype"] == "rocksalt" and row["atoms"] == "8" for row in rows)
    named = call("catalog", "list", "benchmark", "--option", "names=LiBr-rs", "--format", "csv")
    assert [row["id"] for row in csv.DictReader(io.StringIO(named.out))] == ["LiBr-rs"]


def test_models_are_listed_with_what_is_known_about_each(call: Call) -> None:
    rows = {row["name"]: row for row in json.loads(call("models", "--json").out)}
    text = call("models").out
    assert all(name in text for name in rows)
    springs, chgnet = rows["springs"], rows["chgnet-0.3.0"]
    assert (springs["kappa_srme"], springs["fit_for_kappa"]) == (None, "unknown")
    assert (chgnet["kappa_srme"], chgnet["kappa_srme_source"]) == (1.717, "k_SRME")
    assert chgnet["fit_for_kappa"] == "not fit for κ"
    assert "not fit for κ" in text
    assert {"Li", "Br"} <= set(chgnet["elements"])
    one = " ".join(call("models", "card", "chgnet-0.3.0").out.split())
    assert "k_SRME" in one
    assert " Li Be B " in one
    assert chgnet["citation"] in one


def test_families_are_listed_with_what_is_missing(call: Call) -> None:
    rows = {row["family"]: row for row in json.loads(call("models", "list", "--json").out)}
    assert set(rows) == set(names("models"))
    assert (rows["springs"]["ready"], rows["springs"]["why_not"]) == (True, None)
    text = " ".join(call("models", "list").out.split())
    for family, row in rows.items():
        assert family in text
        assert row["ready"] or f"thermoscreen models install {family}" in row["why_not"]


def test_an_unknown_family_cannot_be_installed(call: Call) -> None:
    answer = call("models", "install", "rubber")
    assert answer.code == 2
    assert len(answer.err.splitlines()) == 1
    assert "no models adapter 'rubber'; known: " in answer.err


def test_protocols_are_listed_and_shown_in_full(call: Call) -> None:
    listed = json.loads(call("protocols", "--json").out)
    assert [(row["name"], row["digest"]) for row in listed] == [
        (protocol.name, protocol.digest) for protocol in PROTOCOLS.values()
    ]
    full = json.loads(call("protocols", "ksrme-2024").out)
    assert full["relaxation"]["cell_mask"] == [True] * 3 + [False] * 3
    assert full["digest"] == PROTOCOLS["ksrme-2024"].digest


BROKEN = {
    "not TOML": ("name = ", "not valid TOML"),
    "not text": ("\x00", "not valid TOML"),
    "unknown key": ('name = "a"\nmodel = "springs"\nsource = "files"\ncolour = 1', "colour"),
    "unknown protocol": (
        'name = "a"\nmodel = "springs"\nsource = "files"\nprotocol = "nosuch"',
        "no protocol 'nosuch'; known: ksrme-2024, matbench-2026, screen, quick",
    ),
    "unknown family": ('name = "a"\nmodel = "nosuch"\nsource = "benchmark"', "springs"),
    "unknown source": ('name = "a"\nmodel = "springs"\nsource = "nosuch"', "benchmark"),
    "unknown property": (
        'name = "a"\nmodel = "springs"\nsource = "benchmark"\nproperties = ["nosuch"]',
        "conductivity",
    ),
    "wrong value": (
        'name = "a"\nmodel = "springs"\nsource = "files"\n'
        '[protocol]\nbase = "quick"\nrelaxation = {fmax = -1}',
        "protocol.relaxation.fmax",
    ),
    "no files": ('name = "a"\nmodel = "springs"\n[source]\nname = "files"', "path"),
}


def assert_one_clear_line(answer: Answer, told: str) -> None:
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("error: ")
    assert len(answer.err.splitlines()) == 1
    assert told in answer.err


@pytest.mark.parametrize(("text", "told"), BROKEN.values(), ids=BROKEN)
def test_a_broken_campaign_file_is_one_clear_line(
    text: str, told: str, call: Call, tmp_path: Path
) -> None:
    toml = tmp_path / "broken.toml"
    toml.write_text(text)
    assert_one_clear_line(call("run", toml, "--run", tmp_path / "run"), told)


def test_a_campaign_file_that_cannot_be_read_is_one_clear_line(call: Call, tmp_path: Path) -> None:
    assert_one_clear_line(call("run", tmp_path / "nosuch.toml"), "No such file")
    assert_one_clear_line(call("run", tmp_path), "directory")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert_one_clear_line(call("run", binary), "not valid TOML")


def test_a_run_folder_that_is_a_file_is_one_clear_line(
    tiny: Tiny, call: Call, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert_one_clear_line(call("run", tiny.toml, "--run", file), f"the run folder {file}")
    answer = call("show", "Cu", "--run", tiny.run, "--json", "--export", file)
    assert answer.code == 2
    assert answer.err.startswith(f"error: cannot write to {file}")


def test_brackets_in_messages_are_kept(tiny: Tiny, call: Call, tmp_path: Path) -> None:
    """They were taken for markup and vanished: ``change [cluster]`` became ``change``."""
    toml = tmp_path / "campaign.toml"
    toml.write_text(tiny.toml.read_text().replace('name = "inline"', 'name = "local"\nwrokers = 2'))
    answer = call("run", toml, "--run", tmp_path / "run")
    assert answer.code == 2
    assert "error: [cluster] local: " in answer.err
    assert "wrokers" in answer.err


UNKNOWN = {
    "run folder": (("status", "--run", "nosuch"), "no run folder nosuch"),
    "run folder for the dashboard": (("dashboard", "--run", "nosuch"), "no run folder nosuch"),
    "protocol": (("protocols", "nosuch"), "known: ksrme-2024, matbench-2026, screen, quick"),
    "source": (("catalog", "list", "nosuch"), "known: benchmark, catalog, files"),
    "source option": (
        ("catalog", "list", "benchmark", "--option", "limits=3"),
        "did you mean limit?",
    ),
    "half an option": (("catalog", "list", "benchmark", "--option", "limit"), "key=value"),
}


@pytest.mark.parametrize(("arguments", "told"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_name_is_one_clear_line(
    arguments: tuple[str, ...], told: str, call: Call
) -> None:
    assert_one_clear_line(call(*arguments), told)


def test_an_unknown_material_or_temperature_is_one_clear_line(tiny: Tiny, call: Call) -> None:
    assert_one_clear_line(call("show", "Xx", "--run", tiny.run), "no material 'Xx'")
    hot = call("rank", "insulators", "--run", tiny.run, "--temperature", "900")
    assert_one_clear_line(hot, "100 to 300 K")


def test_wrong_sql_is_an_error_without_a_traceback(tiny: Tiny, call: Call) -> None:
    answer = call("sql", "SELEC", "--run", tiny.run)
    assert answer.code == 2
    assert answer.err.startswith("error: the query failed: ")
    assert "Traceback" not in answer.err
    written = call("sql", "DELETE FROM stability", "--run", tiny.run)
    assert written.code == 2  # snapshots are read-only
    assert "read-only" in written.err


def test_a_missing_argument_or_option_is_a_usage_error(tiny: Tiny, call: Call) -> None:
    for arguments in (("status",), ("rank", "--run", tiny.run), ("sql", "--run", tiny.run)):
        answer = call(*arguments)
        assert answer.code == 2
        assert "Missing" in answer.err
    wrong = call("rank", "conductors", "--run", tiny.run)
    assert wrong.code == 2
    assert "insulators" in wrong.err


def test_the_program_itself_ends_with_2_and_no_traceback(tmp_path: Path) -> None:
    answer = program("status", "--run", tmp_path / "nosuch")
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: no run folder")
    assert "Traceback" not in answer.stderr


def test_a_reader_that_stops_early_is_no_error(tiny: Tiny) -> None:
    """``thermoscreen sql … | head -1``: the pipe is closed, nothing is complained about."""
    query = "SELECT * FROM range(200000)"
    with subprocess.Popen(
        [PROGRAM, "sql", "--run", tiny.run, "--format", "csv", query],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == '"range"\n'
        process.stdout.close()
        assert process.stderr.read() == ""
