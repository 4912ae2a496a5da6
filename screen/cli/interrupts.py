"""Ctrl-C and SIGTERM: the first asks to stop in order, the second stops at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred(asked: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Yield a function that says whether a signal has come; ``asked`` is called at the first.

    Before anybody has called that function nothing runs that could be finished: a signal stops
    at once.

    Raises
    ------
    KeyboardInterrupt
        At the second signal, or at one before the first look.
    """
    received: list[int] = []
    looked = False

    def look() -> bool:
        nonlocal looked
        looked = True
        return bool(received)

    def receive(number: int, frame: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1 or not looked:
            raise KeyboardInterrupt
        asked()

    before = {number: signal.signal(number, receive) for number in SIGNALS}
    try:
        yield look
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
