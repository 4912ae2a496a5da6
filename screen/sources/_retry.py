"""When a request is worth repeating, and how long to wait before: exponential backoff with jitter."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from time import sleep
from typing import TypeVar

T = TypeVar("T")

LONGEST_WAIT = 600.0  # s; a server that asks for more is done for today


class TransientError(Exception):
    """A request failed in a way that may pass: overload, time-out, broken connection or answer."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # s, what the server asks for


@dataclass(frozen=True)
class Policy:
    """How often to try, and the bounds of the wait between two tries."""

    attempts: int = 6
    base: float = 1.0  # s, bound of the first wait, doubled with every further failure
    cap: float = 60.0  # s, bound of the longest wait

    def wait(self, failures: int, retry_after: float | None) -> float:
        """Seconds to wait after so many failures, at least what the server asks for.

        Half of the bound and a random part of the other half, so that clients which were refused
        together do not come back together (Brooker, AWS Architecture Blog, 2015: equal jitter).
        """
        bound = min(self.cap, self.base * 2.0 ** (failures - 1))
        return float(max(bound * random.uniform(0.5, 1.0), retry_after or 0.0))


PATIENT = Policy()
BRIEF = Policy(attempts=3)  # for the first request: a machine without network should say so soon


def retried(function: Callable[[], T], policy: Policy, note: Callable[[str], None]) -> T:
    """Call ``function`` until it gives an answer; ``note`` is told why and how long it waits.

    Raises
    ------
    TransientError
        The last try failed too, or the server asks for a longer wait than ``LONGEST_WAIT``.
    """
    for failures in range(1, policy.attempts):
        try:
            return function()
        except TransientError as error:
            if error.retry_after is not None and error.retry_after > LONGEST_WAIT:
                raise
            seconds = policy.wait(failures, error.retry_after)
            note(f"{error}; try {failures + 1} of {policy.attempts} in {seconds:.0f} s")
            sleep(seconds)
    return function()
