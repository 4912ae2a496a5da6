"""Slurm's commands, and what they say."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path
from typing import NamedTuple

from screen.clusters._slurm_script import seconds_of

LOGGER = logging.getLogger("thermoscreen.slurm")
COMMAND_S = 60.0  # a controller under load answers late


class Listed(NamedTuple):
    """A job as squeue sees it."""

    state: str
    left_s: float  # until its limit
    reason: str  # for which it waits


def run_slurm(
    command: str, *words: str, script: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of Slurm; one that is slow or not there fails like any other."""
    try:
        return subprocess.run(
            [command, *words],
            input=script,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
    except FileNotFoundError:
        words_said = f"{command} is not on this machine; start the campaign on a login node"
        return subprocess.CompletedProcess(command, 127, "", words_said)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"no answer in {COMMAND_S:.0f} s")


def listed_jobs(name: str) -> dict[str, Listed] | None:
    """All jobs of that name that have not ended; None where Slurm does not answer now."""
    done = run_slurm("squeue", "--noheader", f"--name={name}", "--format=%i|%T|%L|%r")
    if done.returncode != 0:
        LOGGER.info("squeue failed, asked again soon: %s", done.stderr.strip())
        return None
    rows = (line.strip().split("|", 3) for line in done.stdout.splitlines() if line.strip())
    return {number: Listed(state, _seconds(left), reason) for number, state, left, reason in rows}


def last_words(log: Path) -> str:
    """End of a job's log."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()
    except OSError:
        return "there is no log; was it cancelled, or may it not write there?"
    return " / ".join(lines[-3:]) or "the log is empty"


def _seconds(left: str) -> float:
    """Seconds of squeue's %L."""
    try:
        return seconds_of(left)
    except ValueError:  # UNLIMITED, INVALID, NOT_SET
        return float("inf")
