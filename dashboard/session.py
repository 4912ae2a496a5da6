"""Which run a page shows, and what it says while there is nothing to show."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard import data
from dashboard.data import Published
from dashboard.runs import runs_below
from screen.core.errors import StoreError

REFRESH = "5s"
CHOSEN = "run"


def run_folder(arguments: Sequence[str]) -> Path | None:
    """Read ``--run RUN`` from the arguments after Streamlit's own; None if it is not there."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--run", type=Path, nargs="?")
    chosen: Path | None = parser.parse_known_args(list(arguments))[0].run
    return chosen


def open_run() -> Published:
    """Return the newest snapshot of the run; without one, say what is missing and stop.

    A folder of runs is one of them, see ``chosen_run``.
    """
    run = run_folder(sys.argv[1:])
    if run is None:
        st.info("No run folder was named: start with `thermoscreen dashboard --run RUN`.")
        st.stop()
    run = chosen_run(run)
    published = _newest(run)
    if published is None:
        _say_what_is_missing(run)
        follow(run, None)
        st.stop()
    return published


def chosen_run(folder: Path) -> Path:
    """Return the folder, or where it holds runs the one that the address or this window names.

    A page that is opened from another one loses the address of that one; the window remembers.
    """
    names = [run.name for run in runs_below(folder)]
    if not names:
        return folder
    wanted = st.query_params.get(CHOSEN, st.session_state.get(CHOSEN))
    name = str(wanted) if wanted in names else names[0]
    choose_run(name)
    return folder / name


def choose_run(name: str) -> None:
    """Remember a run for this window, and in the address."""
    st.session_state[CHOSEN] = name
    if st.query_params.get(CHOSEN) != name:
        st.query_params[CHOSEN] = name


@st.fragment(run_every=REFRESH)
def follow(run: Path, shown: Published | None) -> None:
    """Show the page again as soon as a newer snapshot than ``shown`` is there."""
    if _newest(run) != shown:
        st.rerun()


def _newest(run: Path) -> Published | None:
    """Return the newest snapshot, opened; a broken one is shown as an error."""
    try:
        published = data.newest(run)
        if published is not None:
            data.snapshot(published)
    except StoreError as error:
        st.error(str(error))
        st.stop()
    return published


def _say_what_is_missing(run: Path) -> None:
    """Explain an empty page."""
    if run.is_dir():
        st.info(
            f"**`{run}` has published no results yet.** This page appears by itself after the "
            "first material is done."
        )
    else:
        st.info(
            f"**There is no run folder `{run}`.** Start a campaign with "
            "`thermoscreen run campaign.toml`; this page appears by itself with its first results."
        )
