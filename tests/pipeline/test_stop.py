"""Ctrl-C and SIGTERM to a running campaign, sent as a terminal and a batch system send them."""

from __future__ import annotations

import io
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from screen import console
from screen.cli.interrupts import deferred
from screen.cli.running import _say_stopping
from tests.pipeline.campaigns import table, write_fcc

ROOT = Path(__file__).parents[2]
ELEMENTS = ("Ag", "Al", "Cu", "Ni", "Pb")
CAMPAIGN = """
name = "slow"
model = "springs"
protocol = "quick"
properties = ["tests.pipeline.slow"]
[source]
name = "files"
path = "{crystals}"
[cluster]
name = "local"
workers = 2
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """Five materials of two seconds each on two workers."""
    crystals = write_fcc(tmp_path / "crystals", *ELEMENTS)
    campaign = tmp_path / "slow.toml"
    campaign.write_text(CAMPAIGN.format(crystals=crystals))
    return [sys.executable, "-m", "screen", "run", str(campaign), "--run", str(tmp_path / "run")]


def start(command: list[str]) -> subprocess.Popen[str]:
    """Start it as the leader of a group of processes, as a shell does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    """Read messages until one holds ``text``."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"{text!r} never came")


class Interrupted(io.RawIOBase):
    """A terminal on which Ctrl-C is pressed while a line is written to it."""

    def writable(self) -> bool:
        return True

    def write(self, text: object) -> int:
        signal.raise_signal(signal.SIGINT)
        return len(bytes(text))  # type: ignore[call-overload]


def test_a_signal_in_the_middle_of_a_print_is_answered(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    buffered = io.TextIOWrapper(io.BufferedWriter(Interrupted()), write_through=True)
    monkeypatch.setattr(console, "MESSAGES", Console(file=buffered))
    with deferred(_say_stopping) as stop:
        assert not stop()
        console.print_message("1/5 done")
        assert stop()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # closing the buffer writes once more
        buffered.close()
    assert capfd.readouterr().err.startswith("stopping: what runs is finished")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_what_runs_and_the_same_command_goes_on(
    number: signal.Signals, command: list[str], tmp_path: Path
) -> None:
    process = start(command)
    wait_for(process, ": slow")
    if number == signal.SIGINT:  # a terminal sends it to all processes in its foreground
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 0, messages
    assert "stopping: what runs is finished" in messages
    assert "Go on with the same command" in messages
    done = table(tmp_path / "run", "SELECT material_id FROM results WHERE status = 'complete'")
    assert 1 <= len(done) <= 4  # those that ran
    again = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert again.returncode == 0, again.stderr
    counts = table(tmp_path / "run", "SELECT material_id, count(*) AS n FROM costs GROUP BY ALL")
    assert sorted(row["material_id"] for row in counts) == sorted(ELEMENTS)
    assert all(row["n"] == 1 for row in counts)


def test_a_stop_after_which_nothing_is_left_says_that_all_is_done(
    command: list[str], tmp_path: Path
) -> None:
    for element in ELEMENTS[1:]:
        (tmp_path / "crystals" / f"{element}.vasp").unlink()
    process = start(command)
    wait_for(process, ": slow")
    process.send_signal(signal.SIGTERM)
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 0, messages
    assert "stopped after the last material: the campaign is complete" in messages
    assert "Go on with the same command" not in messages


def test_the_second_signal_stops_at_once(command: list[str], tmp_path: Path) -> None:
    process = start(command)
    wait_for(process, ": slow")
    os.killpg(process.pid, signal.SIGINT)
    wait_for(process, "stopping")
    os.killpg(process.pid, signal.SIGINT)
    began = time.monotonic()
    _, messages = process.communicate(timeout=60)
    assert process.returncode == 130, messages
    assert "Go on with the same command" in messages
    assert time.monotonic() - began < 30  # the teardown of Dask, not the five materials


def test_a_signal_while_candidates_are_pulled_stops_at_once(
    command: list[str], tmp_path: Path
) -> None:
    """Nothing runs yet that could be finished."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        text = CAMPAIGN.partition("[source]")[0]
        source = f'[source]\nname = "optimade"\nbase_url = "{address}"\n'
        (tmp_path / "slow.toml").write_text(text + source)
        process = start(command)
        connection, _ = silent.accept()
        with connection:
            os.killpg(process.pid, signal.SIGINT)
            _, messages = process.communicate(timeout=30)
    assert process.returncode == 130, messages
    assert "Go on with the same command" in messages
