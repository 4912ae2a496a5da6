"""The page in front of all pages where the dashboard has a password."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard.access import (
    LOOPBACK,
    VARIABLE,
    Answer,
    Attempts,
    check,
    digest,
    is_own_host,
    password_from,
)
from screen.core.errors import SettingsError

PASSED = "passed_with"
ATTEMPTS = Attempts()
"""The server's one count; not in Streamlit's cache, which any visitor may ask to clear."""


def is_open() -> bool:
    """Say whether this visitor may see the pages."""
    try:
        password = _password()
    except SettingsError:
        return False
    return password is None or st.session_state.get(PASSED) == digest(password)


def require_password() -> None:
    """Show nothing but a question for the password until it has been answered.

    Without a password the server must listen on the loopback address, however it was started.
    """
    if is_open():
        return
    try:
        password = _password()
    except SettingsError as error:
        st.error(f"Nothing is shown: {error}")
        st.stop()
    if password is not None:
        _ask(password)
    st.stop()


def _password() -> str | None:
    """Return the password of this server; None if it needs none.

    Raises
    ------
    SettingsError
        It needs one, or the one it has cannot be used.
    """
    password = password_from(os.environ, password_file(sys.argv[1:]))
    check(str(st.get_option("server.address") or "0.0.0.0"), password)
    host = st.context.headers.get("Host")
    if password is None and not is_own_host(host):
        raise SettingsError(
            f"it was asked for as {host} and there is no password; open it as {LOOPBACK}, or set "
            f"{VARIABLE} (docs/dashboard.md)"
        )
    return password


def password_file(arguments: Sequence[str]) -> Path | None:
    """Read ``--password-file FILE`` from the arguments after Streamlit's own."""
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--password-file", type=Path)
    chosen: Path | None = parser.parse_known_args(list(arguments))[0].password_file
    return chosen


def _ask(password: str) -> None:
    """Ask, and open the page that the address names once the answer is right."""
    _, middle, _ = st.columns([1, 1, 1])
    with middle, st.form("gate", border=True):
        st.subheader("Thermoscreen")
        given = st.text_input("Password", type="password", autocomplete="current-password")
        asked = st.form_submit_button("Open", type="primary", width="stretch")
    if not asked:
        return
    answer = ATTEMPTS.attempt(given, password)
    if answer is Answer.PASSED:
        st.session_state[PASSED] = digest(password)
        st.rerun()
    elif answer is Answer.WRONG and not ATTEMPTS.wait():
        middle.error("That is not the password.")
    else:
        middle.error(f"Too many wrong passwords: try again in {ATTEMPTS.wait() + 1:.0f} s.")
