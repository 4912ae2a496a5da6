"""Who may see the dashboard: this machine only, or whoever knows the password.

The password comes from a file or the environment, never from the command line, which every user of
the machine can read.
"""

from __future__ import annotations

import hmac
import os
import stat
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path

from screen.core.errors import SettingsError

LOOPBACK = "127.0.0.1"
VARIABLE = "THERMOSCREEN_PASSWORD"
SHORTEST = 12  # characters: five guesses in half a minute never find it
FREE = 5  # wrong passwords before the first pause
PAUSE, LONGEST_PAUSE = 30.0, 900.0  # s; each further wrong one doubles it


def is_loopback(address: str | None) -> bool:
    """Say whether only this machine reaches a server that listens there; None is everywhere."""
    if not address:
        return False
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


def is_own_host(host: str | None) -> bool:
    """Say whether a ``Host`` header names this machine; None: the client sent none.

    A foreign web page can have its own name resolve to 127.0.0.1 (DNS rebinding); what the browser
    then asks for carries that name.
    """
    if host is None:
        return True
    name = host.rpartition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
    return is_loopback(name)


def password_from(environment: Mapping[str, str], file: Path | None = None) -> str | None:
    """Return the password of a file, else of the environment; None if neither has one.

    Raises
    ------
    SettingsError
        The file cannot be read, others can read it, or the password is short.
    """
    if file is not None:
        return _checked(_first_line(file), str(file))
    return _checked(environment[VARIABLE], VARIABLE) if environment.get(VARIABLE) else None


def _first_line(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(f"cannot read the password file {file}: {reason}") from error
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        raise SettingsError(f"others can read the password file {file}: chmod 600 {file}")
    return (text.splitlines() or [""])[0].strip()


def _checked(password: str, where: str) -> str:
    if len(password) < SHORTEST:
        raise SettingsError(
            f"the password in {where} has {len(password)} characters; take at least {SHORTEST}, "
            "e.g. from `openssl rand -base64 18`"
        )
    return password


def check(address: str, password: str | None) -> None:
    """Refuse to serve without password where others reach it.

    Raises
    ------
    SettingsError
        They would.
    """
    if password is None and not is_loopback(address):
        raise SettingsError(
            f"--address {address} is reached from outside and has no password: give "
            f"--password-file FILE or set {VARIABLE}, or keep {LOOPBACK} behind a reverse proxy "
            "(docs/dashboard.md)"
        )


def same(given: str, password: str) -> bool:
    """Compare in a time that does not tell how much of it is right, nor how long it is."""
    return hmac.compare_digest(digest(given), digest(password))


def digest(password: str) -> bytes:
    """Return what stands for a password where it need not be known."""
    return sha256(password.encode()).digest()


class Answer(Enum):
    """What became of an attempt."""

    PASSED = "passed"
    WRONG = "wrong"
    WAIT = "wait"  # not looked at: too many were wrong


@dataclass
class Attempts:
    """Wrong passwords of all visitors together: sessions and addresses cost an attacker nothing."""

    clock: Callable[[], float] = time.monotonic
    wrong: int = 0
    closed_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> float:
        """Return the seconds until the next attempt is looked at."""
        return max(0.0, self.closed_until - self.clock())

    def attempt(self, given: str, password: str) -> Answer:
        """Compare a password, unless too many were wrong; one at a time."""
        with self.lock:
            if self.wait():
                return Answer.WAIT
            if same(given, password):
                self.wrong = 0
                return Answer.PASSED
            self.wrong += 1
            if self.wrong >= FREE:
                pause = min(PAUSE * 2.0 ** (self.wrong - FREE), LONGEST_PAUSE)
                self.closed_until = self.clock() + pause
            return Answer.WRONG
